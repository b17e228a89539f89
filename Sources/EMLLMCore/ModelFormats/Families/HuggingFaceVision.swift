/// A vision-language model's published configuration, as its family reads it.
struct HuggingFaceVision {
    /// `config.json`.
    let config: JSONFields
    /// Its `vision_config`.
    let vision: JSONFields
    /// `preprocessor_config.json`, or the corresponding part of `processor_config.json`.
    let processor: JSONFields?
    /// The decoder that the features go to.
    let decoder: DecoderConfiguration

    // MARK: Numbers

    /// An integer of `vision_config`; the default is that of the reference implementation for an absent key.
    func integer(_ key: String, _ most: Int = 1 << 20, default value: Int? = nil) throws -> Int {
        // Sizes may be lists of two equal numbers.
        let found = try vision.integers(key, in: 1...most)
        guard Set(found).count <= 1 else {
            throw EMLLMError.unsupportedPart(
                path: vision.path,
                part: vision.prefix + key,
                supported: "squares",
                found: "\(found)"
            )
        }
        return try vision.require(key, found.first ?? value)
    }

    /// The width of feed-forward layers as a multiple of the hidden size.
    func feedForwardSize(_ key: String, width: Int) throws -> Int {
        let ratio = try float(key, default: 4)
        guard ratio > 0, ratio <= 64 else {
            throw EMLLMError.invalidMetadata(
                path: vision.path,
                key: vision.prefix + key,
                expected: "a number up to 64",
                found: "\(ratio)"
            )
        }
        return Int(Float(width) * ratio)
    }

    /// A number of `vision_config`.
    func float(_ key: String, default value: Float? = nil) throws -> Float {
        try vision.require(key, try vision.float(key) ?? value)
    }

    /// An activation by its published name.
    static func activation(
        _ fields: JSONFields,
        _ key: String,
        default value: String
    ) throws -> VisionTowerConfiguration.Activation {
        let name = try fields.string(key) ?? value
        switch name {
        case "gelu": return .gelu
        case "gelu_pytorch_tanh", "gelu_new": return .geluTanh
        case "quick_gelu": return .geluQuick
        case "silu": return .silu
        default:
            throw EMLLMError.unsupportedPart(
                path: fields.path,
                part: fields.prefix + key,
                supported: "gelu, gelu_pytorch_tanh, quick_gelu or silu",
                found: name
            )
        }
    }

    /// Rejects an unsupported configuration.
    func refuse(_ part: String, _ supported: String, _ found: String, unless holds: Bool) throws {
        guard !holds else { return }
        throw EMLLMError.unsupportedPart(path: config.path, part: part, supported: supported, found: found)
    }

    // MARK: Preprocessing

    static let clipMean: [Float] = [0.48145466, 0.4578275, 0.40821073]
    static let clipDeviation: [Float] = [0.26862954, 0.26130258, 0.27577711]
    static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    static let imageNetDeviation: [Float] = [0.229, 0.224, 0.225]
    static let halves: [Float] = [0.5, 0.5, 0.5]

    /// The preprocessing around a method: filter, mean, standard deviation and scale.
    func preprocessing(
        _ method: ImagePreprocessing.Method,
        filter: ResamplingFilter,
        mean: [Float],
        deviation: [Float]
    ) throws -> ImagePreprocessing {
        guard let processor else {
            return ImagePreprocessing(method: method, filter: filter, mean: mean, deviation: deviation)
        }
        for key in ["do_rescale", "do_normalize", "do_resize"] {
            try refuse(key, "true", "false", unless: try processor.bool(key) != false)
        }
        return ImagePreprocessing(
            method: method,
            filter: try resampling(processor) ?? filter,
            mean: try processor.floats("image_mean") ?? mean,
            deviation: try processor.floats("image_std") ?? deviation,
            rescale: try processor.double("rescale_factor") ?? 1.0 / 255
        )
    }

    /// The filter with Pillow's number.
    private func resampling(_ processor: JSONFields) throws -> ResamplingFilter? {
        guard let number = try processor.integer("resample", in: 0...5) else { return nil }
        let filters: [ResamplingFilter?] = [nil, .lanczos, .bilinear, .bicubic, .box, .hamming]
        try refuse("resample", "Pillow's 1 to 5", "\(number)", unless: filters[number] != nil)
        return filters[number]
    }

    /// The method of CLIP's and SigLIP's processors, with all spellings of sizes, crops and paddings.
    func fixedSize(default side: Int) throws -> ImagePreprocessing.Method {
        guard let processor else { return .stretched(width: side, height: side) }
        let range = 1...(1 << 14)
        func size(_ key: String) throws -> (edge: Int?, width: Int?, height: Int?) {
            if let whole = processor.object[key]?.whole, range.contains(whole) { return (whole, nil, nil) }
            let fields = try processor.fields(key)
            return (
                try fields?.integer("shortest_edge", in: range), try fields?.integer("width", in: range),
                try fields?.integer("height", in: range)
            )
        }
        let target = try size("size")
        let cropped = try size("crop_size")
        let crop = (cropped.width ?? cropped.edge ?? side, cropped.height ?? cropped.edge ?? side)
        if try processor.bool("do_pad") == true {
            let padded = target.edge ?? target.width ?? side
            let isSquare = (target.height ?? padded) == padded && crop == (padded, padded)
            try refuse("do_pad", "a square", "\(padded) and a crop of \(crop)", unless: isSquare)
            return .padded(side: padded)
        }
        let crops = try processor.bool("do_center_crop") ?? false
        if let width = target.width, let height = target.height {
            try refuse(
                "do_center_crop",
                "false beside width and height",
                "true",
                unless: !crops || crop == (width, height)
            )
            return .stretched(width: width, height: height)
        }
        let edge = target.edge ?? side
        try refuse("do_center_crop", "true beside shortest_edge", "false", unless: crops)
        return .cropped(shortestEdge: edge, width: crop.0, height: crop.1)
    }
}

extension JSONFields {
    /// Three numbers, one for each colour, or one for all; `nil` if the key is absent or null.
    func floats(_ key: String) throws -> [Float]? {
        guard let value = object[key], value != .null else { return nil }
        let numbers = (value.elements ?? [value]).compactMap { $0.real.map { Float($0) } }.filter(\.isFinite)
        let colours = numbers.count == 1 ? Array(repeating: numbers[0], count: 3) : numbers
        guard colours.count == 3 else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: prefix + key,
                expected: "three numbers",
                found: "another value"
            )
        }
        return colours
    }

    /// A number in double precision; `nil` if the key is absent or null.
    func double(_ key: String) throws -> Double? { try float(key) == nil ? nil : object[key]?.real }

    /// The same members, with values for those that are absent.
    func defaulting(to defaults: [String: JSONValue]) -> JSONFields {
        guard case .object(let members) = object else { return self }
        let all = members.merging(defaults) { own, _ in own }
        return JSONFields(path: path, object: .object(all), prefix: prefix)
    }
}
