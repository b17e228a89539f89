/// An mmproj file's metadata, as a family reads it. The keys are those of llama.cpp's tools/mtmd/clip-impl.h.
struct GGUFVision {
    /// The mmproj file.
    let file: GGUFFile
    /// The decoder that the features go to.
    let decoder: DecoderConfiguration

    private var metadata: GGUFMetadata { file.metadata }
    private var path: String { file.file.path }

    private func required(_ key: String, _ most: Int) throws -> Int {
        let name = "clip.vision.\(key)"
        return try metadata.require(name, try metadata.integer(name, in: 1...most))
    }

    private func optional(_ key: String, _ most: Int) throws -> Int? {
        try metadata.integer("clip.vision.\(key)", in: 0...most)
    }

    /// The type of an mmproj file's projector.
    static func projector(of file: GGUFFile) throws -> String {
        let keys = ["clip.vision.projector_type", "clip.projector_type"]
        for key in keys {
            if let type = try file.metadata.string(key) { return type }
        }
        // Files that are older than the key.
        if try file.metadata.bool("clip.has_llava_projector") == true { return "mlp" }
        throw EMLLMError.missingMetadata(path: file.file.path, key: keys[1])
    }

    // MARK: Tower

    /// Reads the parts that all towers have.
    func tower(activation: VisionTowerConfiguration.Activation) throws -> VisionTowerConfiguration {
        let epsilonKey = "clip.vision.attention.layer_norm_epsilon"
        let width = try required("embedding_length", 1 << 16)
        return VisionTowerConfiguration(
            patchSize: try required("patch_size", 256),
            hiddenSize: width,
            layerCount: try required("block_count", 256),
            headCount: try required("attention.head_count", 1024),
            feedForwardSize: try feedForwardSize(width: width),
            normEpsilon: try metadata.require(epsilonKey, try metadata.float(epsilonKey)),
            activation: activation
        )
    }

    /// The width of the feed-forward layers, from a tensor, since converters write a different number for Qwen2-VL,
    /// which llama.cpp ignores.
    private func feedForwardSize(width: Int) throws -> Int {
        let name = "v.blk.0.ffn_up.weight"
        guard let tensor = file.tensors.first(where: { $0.name == name }) else {
            throw EMLLMError.missingTensor(path: path, name: name)
        }
        return tensor.dimensions.first { $0 != width } ?? width
    }

    /// Whether the names of the two layers in feed-forward blocks are swapped, as in files of early converters.
    static func swapsFeedForward(_ file: GGUFFile, width: Int) -> Bool {
        guard let tensor = file.tensors.first(where: { $0.name == "v.blk.0.ffn_down.weight" }) else { return false }
        return tensor.dimensions.count == 2 && tensor.dimensions[0] == width && tensor.dimensions[1] != width
    }

    /// The activation of towers that use GELU's fast approximation unless the file says otherwise.
    func activation() throws -> VisionTowerConfiguration.Activation {
        try metadata.bool("clip.use_gelu") == true ? .gelu : .geluQuick
    }

    /// Whether the file has a tensor.
    func has(_ name: String) -> Bool { file.tensors.contains { $0.name == name } }

    /// Reads the blocks with full attention: every n-th, or a list.
    func readWindows(into tower: inout VisionTowerConfiguration) throws {
        tower.windowSize = try optional("window_size", 1 << 16) ?? 112
        if let list = try metadata.integers("clip.vision.wa_layer_indexes") {
            tower.fullAttentionLayers = list
        } else {
            let pattern = max(1, try optional("n_wa_pattern", 256) ?? 8)
            tower.fullAttentionLayers = (0..<tower.layerCount).filter { ($0 + 1) % pattern == 0 }
        }
    }

    /// The blocks whose output also goes to the decoder.
    func deepstackLayers() throws -> [Int] {
        guard case .bools(let flags)? = try metadata.array("clip.vision.is_deepstack_layers") else { return [] }
        return flags.indices.filter { flags[$0] }
    }

    /// The number of cells along each side of the position table.
    func positionSide(classRows: Int = 0) throws -> Int {
        guard let table = file.tensors.first(where: { $0.name == "v.position_embd.weight" }) else {
            throw EMLLMError.missingTensor(path: path, name: "v.position_embd.weight")
        }
        let rows = table.dimensions.dropFirst().reduce(1, *) - classRows
        return Int(Float(max(0, rows)).squareRoot())
    }

    // MARK: Pictures

    /// The side of a tile.
    func imageSide() throws -> Int { try required("image_size", 1 << 14) }

    /// Idefics 3: the length that the longer side is scaled to.
    func longestEdge(default value: Int) throws -> Int { try optional("preproc_image_size", 1 << 14) ?? value }

    /// The number of patches along each side that are joined.
    func mergeFactor(default value: Int) throws -> Int {
        try optional("projector.scale_factor", 16) ?? optional("spatial_merge_size", 16) ?? value
    }

    /// InternVL: the number of tiles that a picture is split into.
    func tileRange(default range: ClosedRange<Int>) throws -> ClosedRange<Int> {
        let least = try optional("preproc_min_tiles", 1024) ?? range.lowerBound
        return least...max(least, try optional("preproc_max_tiles", 1024) ?? range.upperBound)
    }

    /// The preprocessing with the file's mean and standard deviation.
    func preprocessing(
        _ method: ImagePreprocessing.Method,
        filter: ResamplingFilter
    ) throws -> ImagePreprocessing {
        func colours(_ key: String) throws -> [Float] {
            guard case .floats(let values)? = try metadata.array(key) else {
                throw EMLLMError.missingMetadata(path: path, key: key)
            }
            return values.map { Float($0) }
        }
        return ImagePreprocessing(
            method: method,
            filter: filter,
            mean: try colours("clip.vision.image_mean"),
            deviation: try colours("clip.vision.image_std")
        )
    }

    /// The parts that all Qwen models have in common.
    func qwen(
        _ plain: VisionTowerConfiguration,
        minimumPixels: Int = 56 * 56,
        maximumPixels: Int = 28 * 28 * 1280
    ) throws -> VisionConfiguration {
        var tower = plain
        tower.asQwen()
        let merge = try mergeFactor(default: 2)
        let most = 1 << 28
        return VisionConfiguration(
            preprocessing: try preprocessing(
                .native(
                    factor: tower.patchSize * merge,
                    minimumPixels: try optional("image_min_pixels", most) ?? minimumPixels,
                    maximumPixels: try optional("image_max_pixels", most) ?? maximumPixels
                ),
                filter: .bicubic
            ),
            tower: tower,
            connector: tower.qwenConnector(merge: merge),
            prompt: .qwen
        )
    }
}

extension GGUFMetadata {
    /// The list of integers of `key`, or nil when the file does not have it.
    func integers(_ key: String) throws -> [Int]? {
        switch try array(key) {
        case nil: return nil
        case .unsigned(let values)?: return values.map { Int(clamping: $0) }
        case .signed(let values)?: return values.map { Int(clamping: $0) }
        default:
            throw EMLLMError.invalidMetadata(
                path: path,
                key: key,
                expected: "an array of integers",
                found: "an array of something else"
            )
        }
    }
}
