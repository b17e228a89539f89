/// Collects the weights of published files under the engine's names. It splits fused tensors and joins split ones.
struct WeightCollector {
    let configuration: ModelConfiguration
    private(set) var weights: [ModelSource.Weight] = []
    private let shapes: [String: WeightShape]

    init(configuration: ModelConfiguration) {
        self.configuration = configuration
        let all = configuration.weightShapes.map { ($0.name, $0.shape) }
        shapes = Dictionary(all) { first, _ in first }
    }

    /// One tensor of any file.
    private struct Tensor {
        let name: String
        let type: TensorType
        /// Rows before columns.
        let dimensions: [Int]
        let bytes: UnsafeRawBufferPointer
        let file: MappedFile
    }

    /// Adds a tensor of a GGUF file.
    mutating func add(_ tensor: GGUFFile.Tensor, of file: GGUFFile, role: TensorRole) throws {
        let dimensions = Array(tensor.dimensions.reversed())
        let bytes = file.bytes(of: tensor)
        try add(
            Tensor(name: tensor.name, type: tensor.type, dimensions: dimensions, bytes: bytes, file: file.file),
            role: role
        )
    }

    /// Adds a tensor of a safetensors file.
    mutating func add(_ tensor: SafetensorsFile.Tensor, of file: SafetensorsFile, role: TensorRole) throws {
        let bytes = file.bytes(of: tensor)
        try add(
            Tensor(name: tensor.name, type: tensor.type, dimensions: tensor.dimensions, bytes: bytes, file: file.file),
            role: role
        )
    }

    private mutating func add(_ tensor: Tensor, role: TensorRole) throws {
        let path = tensor.file.path
        switch role {
        case .configuration: return
        case .unknown:
            throw EMLLMError.unexpectedTensor(path: path, name: tensor.name, family: configuration.family)
        case .weight(let name): try add(tensor, as: name, pieces: [tensor.bytes], dimensions: tensor.dimensions)
        case .stacked(let names):
            guard let rows = tensor.dimensions.first, rows % names.count == 0 else {
                throw Self.shapeError(tensor, "\(names.count) parts of equal height")
            }
            let size = tensor.bytes.count / names.count
            let dimensions = [rows / names.count] + tensor.dimensions.dropFirst()
            for (index, name) in names.enumerated() {
                let part = UnsafeRawBufferPointer(rebasing: tensor.bytes[index * size..<(index + 1) * size])
                try add(tensor, as: name, pieces: [part], dimensions: dimensions)
            }
        case .groupedQueryKeyValue(let name): try addGrouped(tensor, as: name)
        }
    }

    /// InternLM2's rows: for each key/value head its query heads, then its keys, then its values.
    private mutating func addGrouped(_ tensor: Tensor, as name: String) throws {
        let decoder = configuration.decoder
        let group = decoder.headCount / decoder.keyValueHeadCount
        let rows = decoder.keyValueHeadCount * (group + 2) * decoder.headDimension
        guard tensor.dimensions == [rows, decoder.hiddenSize] else {
            throw Self.shapeError(tensor, "[\(rows), \(decoder.hiddenSize)]")
        }
        let size = tensor.bytes.count / (decoder.keyValueHeadCount * (group + 2))
        for (part, members) in [("q", 0..<group), ("k", group..<(group + 1)), ("v", (group + 1)..<(group + 2))] {
            let pieces = (0..<decoder.keyValueHeadCount).map { head in
                let first = (head * (group + 2) + members.lowerBound) * size
                return UnsafeRawBufferPointer(rebasing: tensor.bytes[first..<(first + members.count * size)])
            }
            let height = decoder.keyValueHeadCount * members.count * decoder.headDimension
            try add(tensor, as: "\(name).\(part)", pieces: pieces, dimensions: [height, decoder.hiddenSize])
        }
    }

    private mutating func add(
        _ tensor: Tensor,
        as name: String,
        pieces: [UnsafeRawBufferPointer],
        dimensions: [Int]
    ) throws {
        weights.append(
            ModelSource.Weight(
                name: name,
                type: tensor.type,
                shape: try shape(dimensions, tensor, as: name),
                pieces: pieces,
                owner: tensor.file
            )
        )
    }

    /// The shape of a tensor. Convolutions and tables of the vision tower are treated as equivalent matrices and
    /// vectors, whatever their number of dimensions.
    private func shape(_ dimensions: [Int], _ tensor: Tensor, as name: String) throws -> WeightShape {
        if name.hasPrefix("vision."), let expected = shapes[name] {
            let sizes = dimensions.filter { $0 != 1 }
            switch expected {
            case .vector(let count) where sizes == [count] || (sizes.isEmpty && count == 1): return expected
            case .matrix(let rows, let columns):
                var product = 1
                // The first dimensions form the rows, all others the columns.
                for split in 0...sizes.count {
                    if product == rows, sizes[split...].reduce(1, *) == columns { return expected }
                    if split < sizes.count { product *= sizes[split] }
                }
            default: break
            }
        }
        switch dimensions.count {
        case 1: return .vector(count: dimensions[0])
        case 2: return .matrix(rows: dimensions[0], columns: dimensions[1])
        default: throw Self.shapeError(tensor, shapes[name].map { "\($0)" } ?? "1 or 2 dimensions")
        }
    }

    private static func shapeError(_ tensor: Tensor, _ expected: String) -> EMLLMError {
        EMLLMError.invalidTensorShape(
            path: tensor.file.path,
            name: tensor.name,
            expected: expected,
            found: "\(tensor.dimensions)"
        )
    }

    // MARK: mmproj files

    /// Adds all tensors of an mmproj file.
    mutating func addVision(_ file: GGUFFile, names: VisionTensorNames) throws {
        let second = file.tensors.first { $0.name == "v.patch_embd.weight.1" }
        for tensor in file.tensors {
            switch tensor.name {
            case "v.patch_embd.weight.1": continue
            case "v.patch_embd.weight":
                guard let second else { fallthrough }
                try addFrames([tensor, second], of: file)
            default: try add(tensor, of: file, role: names.role(ofGGUF: tensor.name))
            }
        }
    }

    /// Adds the patch embedding of a tower with two frames per patch, which has one tensor for each frame. In the
    /// engine, the frames of a colour are adjacent.
    private mutating func addFrames(_ tensors: [GGUFFile.Tensor], of file: GGUFFile) throws {
        let tower = configuration.vision?.tower
        let width = tower?.hiddenSize ?? 0
        let side = tower?.patchSize ?? 0
        for tensor in tensors where tensor.dimensions != [side, side, 3, width] || tensor.type != tensors[0].type {
            throw EMLLMError.invalidTensorShape(
                path: file.file.path,
                name: tensor.name,
                expected: "\([side, side, 3, width]), both frames alike",
                found: "\(tensor.dimensions)"
            )
        }
        let bytes = tensors.map { file.bytes(of: $0) }
        let size = bytes[0].count / (3 * width)
        let pieces = (0..<(3 * width)).flatMap { plane in
            bytes.map { UnsafeRawBufferPointer(rebasing: $0[plane * size..<(plane + 1) * size]) }
        }
        weights.append(
            ModelSource.Weight(
                name: "vision.patch_embedding",
                type: tensors[0].type,
                shape: .matrix(rows: width, columns: 3 * tensors.count * side * side),
                pieces: pieces,
                owner: file.file
            )
        )
    }
}
