/// The figures of a report.
enum Plots {
    private static let left = 72.0
    private static let top = 48.0
    private static let accuracyTitle = "Accuracy (%), 95 % interval"

    private static func drawing(_ title: String, width: Double, height: Double) -> SVGDrawing {
        let needed = SVGDrawing.textWidth(title, size: 15, isBold: true) + 32
        var drawing = SVGDrawing(width: max(width, needed), height: height)
        drawing.text(title, x: 16, y: 26, size: 15, isBold: true)
        return drawing
    }

    /// Accuracy against what it costs: one sign for each strategy, with its interval.
    static func cost(
        title: String,
        costTitle: String,
        series: [PlotSeries<(cost: Double, accuracy: Proportion)>]
    ) -> String {
        let legend = Legend(series)
        let intervals = series.map(\.data.accuracy.interval)
        let frame = PlotFrame(
            x: Scale(costTitle, covering: [0] + series.map { $0.data.cost * 1.02 }),
            y: Scale(accuracyTitle, covering: intervals.flatMap { [$0.lower * 100, $0.upper * 100] }, within: 0...100),
            left: left,
            top: top,
            width: 420,
            height: max(280, legend.height)
        )
        var drawing = drawing(title, width: left + 436 + legend.width, height: top + frame.height + 56)
        frame.drawAxes(on: &drawing)
        for (one, interval) in zip(series, intervals) {
            let ends = [interval.lower, interval.upper].map { frame.place(one.data.cost, $0 * 100) }
            drawing.interval(from: ends[0], to: ends[1], color: one.look.color)
        }
        for one in series {
            let place = frame.place(one.data.cost, one.data.accuracy.value * 100)
            drawing.marker(one.look, x: place.x, y: place.y)
        }
        legend.draw(on: &drawing, x: left + frame.width, y: top)
        return drawing.document(title: title)
    }

    /// Frequency against probability with Wilson intervals, and below it how many predictions each bin has.
    static func reliability(title: String, bins: [ReliabilityBin]) -> String {
        let probability = Scale("Predicted probability of being right (%)", covering: [0, 100], marks: 5)
        let counts = Scale("Count", covering: [0] + bins.map { Double($0.count) * 1.2 }, marks: 2)
        let upper = PlotFrame(
            x: probability,
            y: Scale("Share that is right (%), 95 % interval", covering: [0, 100], marks: 5),
            left: left,
            top: top,
            width: 400,
            height: 300
        )
        let lower = PlotFrame(x: probability, y: counts, left: left, top: top + 324, width: 400, height: 90)
        var drawing = drawing(title, width: left + 432, height: top + 470)
        upper.drawAxes(on: &drawing, labelsX: false)
        drawing.polyline(
            [upper.place(0, 0), upper.place(100, 100)],
            color: Style.muted,
            width: 1,
            dash: "5 4"
        )
        lower.drawAxes(on: &drawing)
        let look = Style.Look(0)
        for bin in bins {
            let from = lower.place(bin.lower * 100, Double(bin.count))
            let (width, bottom) = (lower.place(bin.upper * 100, 0).x - from.x, lower.place(0, 0).y)
            let bar = (x: from.x + 1, width: max(width - 2, 1), height: bottom - from.y)
            drawing.rectangle(x: bar.x, y: from.y, width: bar.width, height: bar.height, fill: look.color)
            let label = NumberText.short(bin.count)
            if SVGDrawing.textWidth(label, size: 10) <= width + 4 {
                drawing.text(label, x: from.x + width / 2, y: from.y - 3, anchor: .middle, size: 10)
            }
            let wilson = Proportion.wilsonInterval(successes: Double(bin.rightCount), trials: Double(bin.count))
            let ends = [wilson.lower, wilson.upper].map { upper.place(bin.meanProbability * 100, $0 * 100) }
            drawing.interval(from: ends[0], to: ends[1], color: look.color)
        }
        for bin in bins {
            let place = upper.place(bin.meanProbability * 100, bin.frequency * 100)
            drawing.marker(look, x: place.x, y: place.y)
        }
        return drawing.document(title: title)
    }

    /// The error among the answers given, against the share of questions answered: one line for each strategy.
    static func riskCoverage(title: String, series: [PlotSeries<[RiskCoverageCurve.Point]>]) -> String {
        let legend = Legend(series)
        let risks = series.flatMap { $0.data.map { $0.risk * 100 } }
        let frame = PlotFrame(
            x: Scale("Coverage: questions answered (%)", covering: [0, 100], marks: 5),
            y: Scale("Risk: answers that are wrong (%)", covering: [0] + risks, within: 0...100),
            left: left,
            top: top,
            width: 420,
            height: max(280, legend.height)
        )
        var drawing = drawing(title, width: left + 436 + legend.width, height: top + frame.height + 56)
        frame.drawAxes(on: &drawing)
        for one in series {
            let places = one.data.map { frame.place($0.coverage * 100, $0.risk * 100) }
            drawing.polyline(places, color: one.look.color, dash: one.look.dash)
            // One threshold alone is a point.
            if places.count == 1 { drawing.marker(one.look, x: places[0].x, y: places[0].y) }
        }
        legend.draw(on: &drawing, x: left + frame.width, y: top, showsLines: true)
        return drawing.document(title: title)
    }

    /// What became of the baseline's answers: a table of four cells for each strategy, darker where there are more.
    static func revision(
        title: String,
        baseline: String,
        matrices: [(name: String, matrix: RevisionMatrix)]
    ) -> String {
        let cell = (width: 84.0, height: 56.0)
        let rows = ["\(baseline) right", "\(baseline) wrong"]
        let side = (rows.map { SVGDrawing.textWidth($0) }.max() ?? 0) + 8
        let widest = matrices.map { SVGDrawing.textWidth($0.name, isBold: true) }.max() ?? 0
        let panel = (width: max(side + 2 * cell.width, widest) + 28, height: 2 * cell.height + 64)
        let columns = min(3, max(1, matrices.count))
        let height = top + Double((matrices.count + columns - 1) / columns) * panel.height
        var drawing = drawing(title, width: 16 + Double(columns) * panel.width, height: height)
        for (index, (name, matrix)) in matrices.enumerated() {
            let x = 16 + Double(index % columns) * panel.width
            let y = top + Double(index / columns) * panel.height
            drawing.text(name, x: x, y: y + 12, isBold: true)
            let counts = [
                [matrix.rightToRight, matrix.rightToWrong], [matrix.wrongToRight, matrix.wrongToWrong],
            ]
            for (column, label) in ["then right", "then wrong"].enumerated() {
                let middle = x + side + (Double(column) + 0.5) * cell.width
                drawing.text(label, x: middle, y: y + 32, anchor: .middle, color: Style.muted)
            }
            for row in 0..<2 {
                let above = y + 40 + Double(row) * cell.height
                drawing.text(rows[row], x: x + side - 8, y: above + cell.height / 2 + 4, anchor: .end)
                for column in 0..<2 {
                    let share = Double(counts[row][column]) / Double(max(1, matrix.count))
                    let leftEdge = x + side + Double(column) * cell.width
                    drawing.rectangle(
                        x: leftEdge,
                        y: above,
                        width: cell.width,
                        height: cell.height,
                        fill: shade(share),
                        stroke: "white"
                    )
                    let color = share > 0.7 ? "white" : Style.ink
                    let middle = leftEdge + cell.width / 2
                    let number = NumberText.short(counts[row][column])
                    drawing.text(number, x: middle, y: above + 26, anchor: .middle, size: 15, color: color)
                    drawing.text(
                        NumberText.percent(share),
                        x: middle,
                        y: above + 43,
                        anchor: .middle,
                        size: 11,
                        color: color
                    )
                }
            }
        }
        return drawing.document(title: title)
    }

    /// Accuracy by the value of a key: a row for each value, in it a sign with interval for each strategy that has one.
    static func breakdown(title: String, rows: [String], series: [PlotSeries<[Proportion?]>]) -> String {
        let legend = Legend(series)
        let side = max(left, (rows.map { SVGDrawing.textWidth($0) }.max() ?? 0) + 28)
        let lane = 13.0
        let rowHeight = Double(series.count) * lane + 14
        let frame = PlotFrame(
            x: Scale(accuracyTitle, covering: [0, 100], marks: 5),
            y: nil,
            left: side,
            top: top,
            width: 400,
            height: max(Double(rows.count) * rowHeight, 40)
        )
        let height = top + max(frame.height + 52, legend.height + 16)
        var drawing = drawing(title, width: side + 416 + legend.width, height: height)
        frame.drawAxes(on: &drawing)
        for (row, name) in rows.enumerated() {
            let above = top + Double(row) * rowHeight
            if row > 0 { drawing.line(from: (side, above), to: (side + frame.width, above), color: Style.grid) }
            drawing.text(name, x: side - 12, y: above + rowHeight / 2 + 4, anchor: .end)
            for (index, one) in series.enumerated() {
                guard let accuracy = one.data[row] else { continue }
                let y = above + 7 + (Double(index) + 0.5) * lane
                let x = [accuracy.interval.lower, accuracy.value, accuracy.interval.upper].map {
                    frame.place($0 * 100, 0).x
                }
                drawing.interval(from: (x[0], y), to: (x[2], y), color: one.look.color)
                drawing.marker(one.look, x: x[1], y: y)
            }
        }
        legend.draw(on: &drawing, x: side + frame.width, y: top)
        return drawing.document(title: title)
    }

    /// From near white to the palette's blue.
    private static func shade(_ share: Double) -> String {
        let mixed = zip([240.0, 245, 250], [0.0, 90, 150]).map { Int(($0 + ($1 - $0) * share).rounded()) }
        return "rgb(\(mixed[0]),\(mixed[1]),\(mixed[2]))"
    }
}
