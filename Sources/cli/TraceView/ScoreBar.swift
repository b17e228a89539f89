import SelfEvalDecode

/// Bars whose length is a share of something. They repeat adjacent numbers, so screen readers skip them.
struct ScoreBar {
    let options: SelfEvalOptions

    /// The tone of a score relative to the thresholds.
    func tone(of score: Double) -> NodeStatus.Tone {
        score >= options.acceptThreshold ? .good : score >= options.rejectThreshold ? .doubtful : .bad
    }

    /// A bar from the left, with the thresholds as ticks.
    func horizontal(_ score: Double) -> HTML {
        drawing(class: "bar", width: 100, height: 8) {
            Self.rectangle("fill \(tone(of: score).rawValue)", x: 0, y: 0, width: 100 * Self.share(score), height: 8)
            for threshold in thresholds {
                Self.rectangle("tick", x: 100 * threshold - 0.5, y: 0, width: 1, height: 8)
            }
        }
    }

    /// A bar from the bottom, with the thresholds as lines that continue those of adjacent bars.
    func vertical(_ score: Double?) -> HTML {
        drawing(class: "column", width: 30, height: 64) {
            if let score {
                let height = 64 * Self.share(score)
                Self.rectangle("fill \(tone(of: score).rawValue)", x: 5, y: 64 - height, width: 20, height: height)
            }
            for threshold in thresholds {
                Self.rectangle("tick", x: 0, y: 64 * (1 - threshold) - 0.5, width: 30, height: 1)
            }
        }
    }

    /// A share of a whole, without thresholds.
    static func plain(_ part: Double, of whole: Double) -> HTML {
        stacked([("plain", whole > 0 ? share(part / whole) : 0)])
    }

    /// Shares of a whole, one after another.
    static func stacked(_ parts: [(group: String, share: Double)]) -> HTML {
        var start = 0.0
        let rectangles = parts.map { part in
            defer { start += part.share }
            return rectangle("fill \(part.group)", x: 100 * start, y: 0, width: 100 * part.share, height: 8)
        }
        return drawing(class: "bar", width: 100, height: 8) { rectangles }
    }

    private var thresholds: [Double] {
        options.rejectThreshold < options.acceptThreshold
            ? [options.rejectThreshold, options.acceptThreshold] : [options.acceptThreshold]
    }

    private static func share(_ value: Double) -> Double { value.isFinite ? min(max(value, 0), 1) : 0 }

    private static func rectangle(_ name: String, x: Double, y: Double, width: Double, height: Double) -> HTML {
        Tag.rect([.class(name)] + Attribute.frame(x: x, y: y, width: width, height: height)) {}
    }

    private static func drawing(
        class name: String,
        width: Double,
        height: Double,
        @HTMLBuilder content: () -> HTML
    ) -> HTML {
        Tag.svg([.class(name), .hidden] + Attribute.viewBox(width: width, height: height), content: content)
    }

    private func drawing(
        class name: String,
        width: Double,
        height: Double,
        @HTMLBuilder content: () -> HTML
    ) -> HTML { Self.drawing(class: name, width: width, height: height, content: content) }
}
