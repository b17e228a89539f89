extension ModelConfiguration {
    /// Checks that the engine can run this model.
    ///
    /// - Throws: `EMLLMError.Code.invalidConfiguration`, naming the property.
    package func validate(subject: String = "model configuration") throws {
        try decoder.validate(subject: subject)
        try vision?.validate(decoder: decoder, subject: subject)
    }
}

extension VisionConfiguration {
    /// Checks that the engine can run this shape: nothing is zero, absurd or contradictory.
    ///
    /// - Throws: `EMLLMError.Code.invalidConfiguration`, naming the property.
    func validate(decoder: DecoderConfiguration, subject: String) throws {
        func refuse(_ name: String, _ expected: String, _ found: String, unless holds: Bool) throws {
            guard !holds else { return }
            throw EMLLMError.invalidConfiguration(
                subject: subject,
                property: "vision.\(name)",
                expected: expected,
                found: found
            )
        }
        func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            try refuse(name, "\(range.lowerBound) to \(range.upperBound)", "\(value)", unless: range.contains(value))
        }
        func check(_ name: String, _ value: Float, _ range: ClosedRange<Float>) throws {
            try refuse(name, "\(range.lowerBound) to \(range.upperBound)", "\(value)", unless: range.contains(value))
        }
        try check("patchSize", tower.patchSize, 1...256)
        try check("framesPerPatch", tower.framesPerPatch, 1...8)
        try check("hiddenSize", tower.hiddenSize, 1...(1 << 16))
        try check("layerCount", tower.layerCount, 1...256)
        try check("headCount", tower.headCount, 1...1024)
        try refuse(
            "headCount",
            "a divisor of hiddenSize \(tower.hiddenSize)",
            "\(tower.headCount)",
            unless: tower.hiddenSize % tower.headCount == 0
        )
        try check("feedForwardSize", tower.feedForwardSize, 1...(1 << 20))
        try check("normEpsilon", tower.normEpsilon, DecoderConfiguration.epsilons)
        if let table = tower.positions { try check("positions.side", table.side, 1...1024) }
        if let base = tower.rotaryBase {
            try check("rotaryBase", base, DecoderConfiguration.rotaryBases)
            try refuse(
                "rotaryBase",
                "heads of a multiple of 4",
                "\(tower.headDimension)",
                unless: tower.headDimension % 4 == 0
            )
        }
        let merge = connector.merge
        try check("connector.merge", merge, 1...16)
        if let window = tower.windowSize {
            try check("windowSize", window, tower.patchSize * merge...(1 << 20))
            try refuse("windowSize", "no class token beside windows", "both", unless: !tower.classToken)
        }
        let blocks = 0..<tower.layerCount
        for layer in tower.fullAttentionLayers { try check("fullAttentionLayers", layer, 0...blocks.upperBound - 1) }
        for layer in tower.deepstackLayers { try check("deepstackLayers", layer, 0...blocks.upperBound - 1) }
        try check("deepstackLayers", tower.deepstackLayers.count, 0...decoder.layerCount)
        try refuse(
            "deepstackLayers",
            "ascending numbers",
            "\(tower.deepstackLayers)",
            unless: zip(tower.deepstackLayers, tower.deepstackLayers.dropFirst()).allSatisfy { $0 < $1 }
        )
        try check("connector.normEpsilon", connector.normEpsilon, DecoderConfiguration.epsilons)
        if let hidden = connector.hiddenSize { try check("connector.hiddenSize", hidden, 1...(1 << 20)) }
        try validateSizes(check: check, refuse: refuse)
        try refuse("prompt.marker", "some text", "none", unless: !prompt.marker.isEmpty)
    }

    /// The maximum number of patches in one tile: as many as published models allow, which takes a gigabyte or two of
    /// memory.
    private static let mostPatches = 1 << 16

    private func validateSizes(
        check: (String, Int, ClosedRange<Int>) throws -> Void,
        refuse: (String, String, String, Bool) throws -> Void
    ) throws {
        let preprocessing = preprocessing
        let longest = 1 << 14
        /// Checks the sides of a tile of known size: they must be whole groups of patches, and fit the position table.
        func tile(_ width: Int, _ height: Int) throws {
            try check("preprocessing", width, 1...longest)
            try check("preprocessing", height, 1...longest)
            try check("preprocessing's pixels", width * height, 1...ImagePreprocessing.mostPixels)
            let unit = tower.patchSize * connector.merge
            // CLIP's convolution drops pixels that do not fill a patch. With joined patches, none may be dropped.
            let isWhole = connector.merge == 1 || (width % unit == 0 && height % unit == 0)
            let grid = (width / tower.patchSize, height / tower.patchSize)
            try refuse("preprocessing", "sides that are multiples of \(unit)", "\(width) × \(height)", isWhole)
            try refuse("preprocessing", "at least a patch", "\(width) × \(height)", grid.0 > 0 && grid.1 > 0)
            try check("preprocessing's patches", grid.0 * grid.1, 1...Self.mostPatches)
            if let table = tower.positions, table.lookup == .exact {
                try refuse(
                    "positions.side",
                    "the patches of \(width) × \(height) pixels",
                    "\(table.side)",
                    grid == (table.side, table.side)
                )
            }
        }
        switch preprocessing.method {
        case .stretched(let width, let height): try tile(width, height)
        case .cropped(let edge, let width, let height):
            try check("preprocessing.shortestEdge", edge, 1...longest)
            try tile(width, height)
        case .padded(let side): try tile(side, side)
        case .tiled(let longestEdge, let side, _):
            try check("preprocessing.longestEdge", longestEdge, 1...longest)
            try check("preprocessing.tileSide", side, 1...4096)
            try tile(side, side)
        case .grid(let side, let minimum, let maximum, _):
            try tile(side, side)
            try check("preprocessing.maximumTiles", maximum, 1...1024)
            try check("preprocessing.minimumTiles", minimum, 1...maximum)
            try check("preprocessing's pixels", side * side * maximum, 1...ImagePreprocessing.mostPixels)
        case .native(let factor, let minimum, let maximum):
            try check("preprocessing.factor", factor, 1...4096)
            try refuse(
                "preprocessing.factor",
                "a multiple of a joined patch, \(tower.patchSize * connector.merge)",
                "\(factor)",
                factor % (tower.patchSize * connector.merge) == 0
            )
            try refuse("positions.lookup", "bilinear or bicubic", "exact", tower.positions?.lookup != .exact)
            let most = min(ImagePreprocessing.mostPixels, Self.mostPatches * tower.patchSize * tower.patchSize)
            try check("preprocessing.maximumPixels", maximum, 1...most)
            try check("preprocessing.minimumPixels", minimum, 1...maximum)
        }
        // Far beyond what is published (0…1, or 0…255 where samples are not rescaled), and far below overflow.
        let most: Float = 1024
        let means = preprocessing.mean
        let isSound = means.count == 3 && means.allSatisfy { abs($0) <= most }
        try refuse("preprocessing.mean", "three numbers of \(-most) to \(most)", "\(means)", isSound)
        let deviations = preprocessing.deviation
        let divides = deviations.count == 3 && deviations.allSatisfy { $0 >= 1 / most / most && $0 <= most }
        try refuse(
            "preprocessing.deviation",
            "three numbers of \(1 / most / most) to \(most)",
            "\(deviations)",
            divides
        )
        let rescale = preprocessing.rescale
        try refuse("preprocessing.rescale", "at most \(most)", "\(rescale)", abs(rescale) <= Double(most))
    }
}
