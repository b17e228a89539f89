import EMLLMCore
import Foundation
import Testing

@testable import EMLLMEvaluation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The elements of an SVG document, as a parser of XML reads them.
final class PlotDocument: NSObject, XMLParserDelegate {
    struct Element {
        var name: String
        var attributes: [String: String]
        var text = ""

        func number(_ key: String) -> Double { attributes[key].flatMap(Double.init) ?? .nan }
    }
    struct Box {
        var x: ClosedRange<Double>
        var y: ClosedRange<Double>
        var label: String

        func overlaps(_ other: Box) -> Bool { x.overlaps(other.x) && y.overlaps(other.y) }
    }

    private(set) var elements: [Element] = []
    private var open: [Int] = []

    init(_ svg: String) throws {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        guard parser.parse() else { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
    }

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if let last = open.last { elements[last].text += string }
    }

    var texts: [String] { elements.filter { $0.name == "text" }.map(\.text) }
    var markers: [Element] { elements.filter { $0.name == "path" } }

    /// Where texts are, by the estimated width of their letters.
    var textBoxes: [Box] {
        elements.filter { $0.name == "text" }.map { element in
            let (x, y, size) = (element.number("x"), element.number("y"), element.number("font-size"))
            let isBold = element.attributes["font-weight"] == "bold"
            let width = SVGDrawing.textWidth(element.text, size: size, isBold: isBold)
            let start =
                switch element.attributes["text-anchor"] {
                case "middle": -width / 2
                case "end": -width
                default: 0.0
                }
            // Turned by 90° to the left, the text runs upwards.
            return element.attributes["transform"] == nil
                ? Box(x: x + start...x + start + width, y: y - 0.75 * size...y + 0.2 * size, label: element.text)
                : Box(x: x - 0.75 * size...x + 0.2 * size, y: y - start - width...y - start, label: element.text)
        }
    }

    var markerBoxes: [Box] {
        markers.map { element in
            let numbers = (element.attributes["d"] ?? "").split { !"-.0123456789".contains($0) }.compactMap {
                Double($0)
            }
            let x = stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] }
            let y = stride(from: 1, to: numbers.count, by: 2).map { numbers[$0] }
            return Box(x: (x.min() ?? 0)...(x.max() ?? 0), y: (y.min() ?? 0)...(y.max() ?? 0), label: "marker")
        }
    }
}

@Suite("Plots")
struct PlotTests {
    private static let longNames = (0..<9).map {
        ReportSamples.Strategy(
            name: "a strategy with a long name, number \($0)",
            gain: Double($0) * 0.02,
            cost: 1 + Double($0),
            hasSteps: $0 == 1
        )
    }

    /// Reports of several shapes.
    private static func plots() throws -> [(name: String, svg: String)] {
        let cot = ReportSamples.strategies.filter { $0.name == "cot" }
        return try [
            ReportSamples.records(problems: 60),
            ReportSamples.records(model: "a/b <model> & \"more\"", problems: 12, seeds: 1, strategies: longNames + cot)
                + ReportSamples.records(model: "another", problems: 1, seeds: 1, strategies: cot),
            [ResultRecord(problem: "p", strategy: "s", model: "m", seed: 0, isCorrect: true, confidence: 1)],
        ].flatMap { try Report(records: $0).plots.sorted { $0.key < $1.key }.map { (name: $0.key, svg: $0.value) } }
    }

    @Test("every plot is well-formed, on white, and inside its edges")
    func documents() throws {
        let plots = try Self.plots()
        #expect(plots.count > 20)
        for (name, svg) in plots {
            let document = try PlotDocument(svg)
            let root = try #require(document.elements.first)
            let (width, height) = (root.number("width"), root.number("height"))
            let background = try #require(document.elements.first { $0.name == "rect" })
            #expect(background.attributes["fill"] == "white" && background.attributes["width"] == "100%")
            for box in document.textBoxes + document.markerBoxes {
                #expect(box.x.lowerBound >= 0 && box.x.upperBound <= width, "\(name): \(box.label)")
                #expect(box.y.lowerBound >= 0 && box.y.upperBound <= height, "\(name): \(box.label)")
            }
            #expect(!svg.contains("nan") && !svg.contains("inf"), "\(name)")
        }
    }

    @Test("no text covers another text or a sign")
    func overlaps() throws {
        for (name, svg) in try Self.plots() {
            let document = try PlotDocument(svg)
            let texts = document.textBoxes
            for (index, text) in texts.enumerated() {
                for other in texts[(index + 1)...] {
                    #expect(!text.overlaps(other), "\(name): \(text.label) and \(other.label)")
                }
                for marker in document.markerBoxes {
                    #expect(!text.overlaps(marker), "\(name): \(text.label) and a sign")
                }
            }
        }
    }

    @Test("a sign is where its numbers are, between the marks of the axes")
    func positions() throws {
        let accuracy = try #require(Proportion(groups: (0..<100).map { [$0 < 40] }))
        let svg = Plots.cost(
            title: "t",
            costTitle: "c",
            series: [PlotSeries(name: "s", rank: 0, data: (cost: 750, accuracy: accuracy))]
        )
        let document = try PlotDocument(svg)
        func place(_ label: String, _ anchor: String, _ key: String) throws -> Double {
            let element = document.elements.first { $0.text == label && $0.attributes["text-anchor"] == anchor }
            return try #require(element).number(key)
        }
        let marker = try #require(document.markerBoxes.first)
        let (x600, x800) = (try place("600", "middle", "x"), try place("800", "middle", "x"))
        #expect(abs((marker.x.lowerBound + marker.x.upperBound) / 2 - (x600 + 0.75 * (x800 - x600))) < 0.02)
        // Marks are written four pixels below their line.
        #expect(abs((marker.y.lowerBound + marker.y.upperBound) / 2 - (try place("40", "end", "y") - 4)) < 0.02)
    }

    @Test("an axis that does not begin at zero says so", arguments: [40, 2])
    func origin(right: Int) throws {
        let accuracy = try #require(Proportion(groups: (0..<100).map { [$0 < right] }))
        let series = [PlotSeries(name: "s", rank: 0, data: (cost: 1.0, accuracy: accuracy))]
        let texts = try PlotDocument(Plots.cost(title: "t", costTitle: "c", series: series)).elements.map(\.text)
        #expect(
            texts.contains { $0.hasPrefix("Accuracy") && $0.hasSuffix("axis begins at 30") } == (right == 40),
            "\(texts)"
        )
    }

    @Test("a strategy looks the same in every plot")
    func looks() throws {
        let plots = try Report(records: ReportSamples.records(problems: 30)).plots
        /// The colour of what is drawn just before a name in the legend.
        func color(_ file: String, _ strategy: String) throws -> String? {
            let elements = try PlotDocument(try #require(plots[file])).elements
            let name = try #require(elements.lastIndex { $0.text == strategy })
            let sign = elements[name - 1].attributes
            return sign["fill"] == "none" ? sign["stroke"] : sign["fill"]
        }
        for strategy in ["best-of-8", "verify-abstain"] {
            let expected = try color("accuracy-tokens.svg", strategy)
            #expect(expected != nil)
            #expect(try color("risk-coverage.svg", strategy) == expected)
            #expect(try color("accuracy-by-kind.svg", strategy) == expected)
        }
        #expect(try color("accuracy-tokens.svg", "best-of-8") != color("accuracy-tokens.svg", "cot"))
    }

    @Test("49 series look different, with or without colour")
    func distinct() {
        let looks = (0..<49).map(Style.Look.init)
        #expect(Set(looks.map { "\($0.color) \($0.shape)" }).count == 49)
        #expect(Set(looks.prefix(7).map { "\($0.shape)" }).count == 7)
    }

    @Test("names that are markup stay text")
    func escaping() throws {
        let name = "<script>\"a\" & 'b'\u{0}\u{1B}]]></script>"
        let svg = Plots.riskCoverage(
            title: name,
            series: [PlotSeries(name: name, rank: 0, data: [.init(coverage: 1, risk: 0.5)])]
        )
        let document = try PlotDocument(svg)
        #expect(document.texts.filter { $0 == "<script>\"a\" & 'b'\u{FFFD}\u{FFFD}]]></script>" }.count == 2)
        #expect(!document.elements.contains { $0.name == "script" })
    }

    @Test("bins show their counts")
    func counts() throws {
        let outcomes = (0..<30).map { ScoredOutcome(score: Double($0) / 30, isRight: $0 % 2 == 0) }
        let bins = try #require(Reliability.bins(outcomes + [outcomes[0]], by: .equalWidth))
        let texts = try PlotDocument(Plots.reliability(title: "t", bins: bins)).texts
        // 0, 1/30, 2/30 and 3/30 are up to a tenth, and one is there twice.
        #expect(texts.contains("5"))
        #expect(texts.filter { $0 == "3" }.count == 8 && texts.contains("2"))
    }
}

@Suite("Axes")
struct PlotScaleTests {
    @Test("marks are a few multiples of 1, 2 or 5, and reach around the values")
    func ticks() {
        var generator = SplitMix64(state: 3)
        func uniform() -> Double { Double(generator.next() >> 11) / Double(1 << 53) }
        for _ in 0..<2_000 {
            let size = pow(10, 12 * uniform() - 6)
            let values = [size * (uniform() - 0.3), size * (uniform() - 0.3)]
            let ticks = Scale("", covering: values).ticks
            let step = ticks[1] - ticks[0]
            let mantissa = step / pow(10, floor(log10(step * (1 + 1e-9))))
            #expect([1, 2, 5].contains { abs($0 - mantissa) < 1e-6 }, "\(step)")
            #expect((2...9).contains(ticks.count))
            #expect(values.allSatisfy { $0 >= ticks[0] - 1e-6 * step && $0 <= ticks[ticks.count - 1] + 1e-6 * step })
            #expect(ticks.allSatisfy { abs(($0 / step).rounded() - $0 / step) < 1e-6 })
        }
    }

    @Test("marks have different, short labels")
    func labels() {
        func labels(_ values: Double...) -> [String] {
            let scale = Scale("", covering: values)
            return scale.ticks.map(scale.label)
        }
        #expect(labels(0, 2_950) == ["0", "500", "1000", "1500", "2000", "2500", "3000"])
        #expect(labels(0, 24_000) == ["0", "5k", "10k", "15k", "20k", "25k"])
        #expect(labels(0, 2_900_000) == ["0", "500k", "1000k", "1500k", "2000k", "2500k", "3000k"])
        #expect(labels(0, 11_000_000) == ["0", "2M", "4M", "6M", "8M", "10M", "12M"])
        #expect(labels(0.31, 0.34) == ["0.310", "0.315", "0.320", "0.325", "0.330", "0.335", "0.340"])
        #expect(labels(-1, 2) == ["-1.0", "-0.5", "0", "0.5", "1.0", "1.5", "2.0"])
    }

    @Test(
        "values without extent or beyond the range of numbers still have an axis",
        arguments: [
            [], [0], [7, 7], [-3], [.nan], [.infinity, 1], [0, 1e308], [0, .leastNonzeroMagnitude],
            [0, .leastNormalMagnitude], [-1e299, 1e299], [1e17, 1e17 + 64],
        ]
    )
    func degenerate(values: [Double]) {
        let scale = Scale("", covering: values)
        #expect(scale.ticks.count >= 2 && scale.ticks.allSatisfy(\.isFinite))
        #expect(zip(scale.ticks, scale.ticks.dropFirst()).allSatisfy { $0 < $1 })
        #expect(scale.fraction(scale.ticks[0]) == 0)
    }

    @Test("a percentage never goes beyond 100")
    func limits() {
        #expect(Scale("", covering: [97, 100], within: 0...100).ticks.last == 100)
        #expect(Scale("", covering: [100], within: 0...100).ticks.last == 100)
        #expect(Scale("", covering: [0, 0], within: 0...100).ticks.first == 0)
    }
}
