import Foundation

/// A linear axis that ends, and is marked, at round numbers.
struct Scale {
    let title: String
    /// Marks, ascending; the axis reaches from the first to the last.
    let ticks: [Double]
    private let step: Double

    /// An axis that shows all of `values`.
    ///
    /// - Parameter limits: what the axis never goes beyond, such as 0...100 for a percentage.
    init(_ title: String, covering values: [Double], within limits: ClosedRange<Double>? = nil, marks: Int = 6) {
        self.title = title
        let finite = values.filter { abs($0) < 1e300 }
        var (lower, upper) = (finite.min() ?? 0, finite.max() ?? 1)
        if upper - lower <= max(1e-300, 1e-9 * max(abs(lower), abs(upper))) {
            let margin = max(abs(upper) / 10, 0.5)
            (lower, upper) = (lower == 0 ? 0 : lower - margin, upper + margin)
        }
        if let limits {
            lower = min(max(lower, limits.lowerBound), limits.upperBound)
            upper = max(min(upper, limits.upperBound), limits.lowerBound)
        }
        let rough = (upper - lower) / Double(marks)
        let magnitude = rough > 0 ? pow(10, floor(log10(rough))) : 1
        let step = ([1, 2, 5].first { $0 * magnitude >= rough * (1 - 1e-9) } ?? 10) * magnitude
        let first = floor(lower / step + 1e-9)
        let count = max(1, Int((ceil(upper / step - 1e-9) - first).rounded()))
        ticks = (0...count).map { (first + Double($0)) * step }
        self.step = step
    }

    /// Where a value lies: 0 at the beginning of the axis, 1 at its end.
    func fraction(_ value: Double) -> Double { (value - ticks[0]) / (ticks[ticks.count - 1] - ticks[0]) }

    /// "250", "1.5k", "2M".
    func label(_ tick: Double) -> String {
        guard abs(tick) > step / 2 else { return "0" }
        let (unit, suffix) = step >= 1e6 ? (1e6, "M") : step >= 1e3 ? (1e3, "k") : (1, "")
        let decimals = Int(max(0, ceil(-log10(step / unit) - 1e-9)))
        return String(format: "%.\(decimals)f", tick / unit) + suffix
    }
}

/// The rectangle that data is drawn in, between its axes.
struct PlotFrame {
    let x: Scale
    /// `nil` for rows that are named instead.
    let y: Scale?
    let left: Double
    let top: Double
    let width: Double
    let height: Double

    /// Where a pair of values lies on the drawing.
    func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
        (left + self.x.fraction(x) * width, top + (1 - (self.y?.fraction(y) ?? 0)) * height)
    }

    /// Draws grid, marks and titles.
    func drawAxes(on drawing: inout SVGDrawing, labelsX: Bool = true) {
        let bottom = top + height
        for tick in x.ticks {
            let place = place(tick, 0).x
            drawing.line(from: (place, top), to: (place, bottom), color: Style.grid)
            if labelsX { drawing.text(x.label(tick), x: place, y: bottom + 16, anchor: .middle) }
        }
        for tick in y?.ticks ?? [] {
            let place = place(0, tick).y
            drawing.line(from: (left, place), to: (left + width, place), color: Style.grid)
            drawing.text(y?.label(tick) ?? "", x: left - 6, y: place + 4, anchor: .end)
        }
        drawing.line(from: (left, bottom), to: (left + width, bottom))
        drawing.line(from: (left, top), to: (left, bottom))
        if labelsX { drawing.text(x.title, x: left + width / 2, y: bottom + 36, anchor: .middle) }
        guard let y else { return }
        var title = y.title
        // Differences look larger on an axis that does not begin at zero.
        if y.ticks[0] > 0 {
            title += ", axis begins at \(y.label(y.ticks[0]))"
            for place in [bottom - 12, bottom - 8] {
                drawing.line(from: (left - 5, place + 3), to: (left + 5, place - 3))
            }
        }
        drawing.text(title, x: left - 44, y: top + height / 2, anchor: .middle, isUpright: true)
    }
}

/// What a plot shows of one strategy.
struct PlotSeries<Data> {
    let name: String
    /// The strategy's place among all, so that it looks the same in every plot.
    let rank: Int
    let data: Data

    var look: Style.Look { Style.Look(rank) }
}

/// The names of the series, to the right of the data, where nothing can be in their way.
struct Legend {
    let entries: [(name: String, look: Style.Look)]

    init(_ series: [PlotSeries<some Any>]) { entries = series.map { ($0.name, $0.look) } }

    /// What it takes, with the gap to the data.
    var width: Double { 60 + (entries.map { SVGDrawing.textWidth($0.name) }.max() ?? 0) }
    var height: Double { Double(entries.count) * 20 }

    func draw(on drawing: inout SVGDrawing, x: Double, y: Double, showsLines: Bool = false) {
        for (index, (name, look)) in entries.enumerated() {
            let middle = y + Double(index) * 20 + 10
            if showsLines {
                drawing.polyline([(x + 16, middle), (x + 46, middle)], color: look.color, dash: look.dash)
            } else {
                drawing.marker(look, x: x + 34, y: middle)
            }
            drawing.text(name, x: x + 54, y: middle + 4)
        }
    }
}
