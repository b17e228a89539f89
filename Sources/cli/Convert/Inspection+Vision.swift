import EMLLMCore

extension VisionConfiguration {
    /// Short descriptions of the tower, the connector and the preprocessing, for people.
    var inspection: [(label: String, value: String)] {
        var parts = ["\(tower.layerCount) blocks of \(tower.hiddenSize)", "\(tower.headCount) heads"]
        parts += ["feed-forward \(tower.feedForwardSize)", "patches of \(tower.patchSize) pixels"]
        if let window = tower.windowSize { parts.append("windows of \(window) pixels") }
        var connection = "\(connector.merge) × \(connector.merge) patches joined"
        connection += connector.hiddenSize == nil ? ", one layer" : ", two layers"
        if !tower.deepstackLayers.isEmpty {
            connection += ", also behind blocks \(tower.deepstackLayers.map(String.init).joined(separator: ", "))"
        }
        return [
            ("vision", parts.joined(separator: ", ")), ("connector", connection),
            ("pictures", "\(preprocessing.method.inspection), \(preprocessing.filter.rawValue)"),
        ]
    }
}

extension ImagePreprocessing.Method {
    fileprivate var inspection: String {
        switch self {
        case .stretched(let width, let height): "\(width) × \(height)"
        case .cropped(_, let width, let height): "the middle, \(width) × \(height)"
        case .padded(let side): "padded to \(side) × \(side)"
        case .tiled(let longest, let side, let splits):
            splits ? "tiles of \(side) × \(side) from \(longest) at most, and the whole" : "\(side) × \(side)"
        case .grid(let side, let least, let most, let thumbnail):
            "\(least) to \(most) tiles of \(side) × \(side)" + (thumbnail ? ", and the whole" : "")
        case .native(let factor, let least, let most):
            "own size in multiples of \(factor), \(least) to \(most) pixels"
        }
    }
}
