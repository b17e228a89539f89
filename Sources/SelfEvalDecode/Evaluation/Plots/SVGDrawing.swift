import Foundation

/// An SVG document that is built element by element. Lengths are pixels, from the upper left corner.
///
/// The background is white, so that the drawing reads the same on a dark page. Equal calls give equal bytes.
struct SVGDrawing {
    let width: Double
    let height: Double
    private var elements: [String] = []

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    enum Anchor: String { case start, middle, end }

    mutating func line(from start: (x: Double, y: Double), to end: (x: Double, y: Double), color: String = Style.ink) {
        polyline([start, end], color: color, width: 1)
    }

    mutating func polyline(_ points: [(x: Double, y: Double)], color: String, width: Double = 2, dash: String? = nil) {
        let path = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")
        add(
            "polyline",
            [("points", path), ("fill", "none"), ("stroke", color), ("stroke-width", Self.number(width))]
                + (dash.map { [("stroke-dasharray", $0)] } ?? [])
        )
    }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: String, stroke: String = "none")
    {
        let place = [("x", x), ("y", y), ("width", width), ("height", height)].map { ($0.0, Self.number($0.1)) }
        add("rect", place + [("fill", fill), ("stroke", stroke)])
    }

    /// A filled sign with a thin white rim, so that signs on top of each other stay apart.
    mutating func marker(_ look: Style.Look, x: Double, y: Double) {
        let path = look.shape.corners.map { "\(Self.number(x + $0.0)) \(Self.number(y + $0.1))" }.joined(separator: "L")
        add("path", [("d", "M\(path)Z"), ("fill", look.color), ("stroke", "white"), ("stroke-width", "0.75")])
    }

    /// A line from one end of an interval to the other, with a cap at each.
    mutating func interval(from start: (x: Double, y: Double), to end: (x: Double, y: Double), color: String) {
        polyline([start, end], color: color, width: 1.5)
        let cap = start.x == end.x ? (x: 3.0, y: 0.0) : (x: 0.0, y: 3.0)
        for place in [start, end] {
            let ends = [(place.x - cap.x, place.y - cap.y), (place.x + cap.x, place.y + cap.y)]
            polyline(ends, color: color, width: 1.5)
        }
    }

    mutating func text(
        _ text: String,
        x: Double,
        y: Double,
        anchor: Anchor = .start,
        size: Double = Style.fontSize,
        isBold: Bool = false,
        color: String = Style.ink,
        isUpright: Bool = false
    ) {
        var attributes = [("x", Self.number(x)), ("y", Self.number(y)), ("text-anchor", anchor.rawValue)]
        attributes += [("font-size", Self.number(size)), ("fill", color)]
        if isBold { attributes.append(("font-weight", "bold")) }
        if isUpright { attributes.append(("transform", "rotate(-90 \(Self.number(x)) \(Self.number(y)))")) }
        add("text", attributes, content: text)
    }

    /// The document, with a title for screen readers.
    func document(title: String) -> String {
        let size = (Self.number(width), Self.number(height))
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(size.0)" height="\(size.1)" \
            viewBox="0 0 \(size.0) \(size.1)" role="img" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
            <title>\(Self.escaped(title))</title>
            <rect width="100%" height="100%" fill="white"/>
            \(elements.joined(separator: "\n"))
            </svg>

            """
    }

    private mutating func add(_ name: String, _ attributes: [(String, String)], content: String? = nil) {
        let list = attributes.map { " \($0.0)=\"\(Self.escaped($0.1))\"" }.joined()
        elements.append(content.map { "<\(name)\(list)>\(Self.escaped($0))</\(name)>" } ?? "<\(name)\(list)/>")
    }

    /// About how wide a text is in a sans-serif font, rather too wide than too narrow: no font is at hand to measure.
    static func textWidth(_ text: String, size: Double = Style.fontSize, isBold: Bool = false) -> Double {
        let ems = text.reduce(0.0) { sum, character in
            if !character.isASCII { return sum + 1 }
            if "fijlrtI.,:;|!'()[]- ".contains(character) { return sum + 0.42 }
            return sum + ("mwMW@%".contains(character) ? 1 : character.isUppercase ? 0.75 : 0.65)
        }
        return ems * size * (isBold ? 1.12 : 1)
    }

    /// At most two decimals, without trailing zeros.
    static func number(_ value: Double) -> String {
        let text = String(format: "%.2f", value)
        let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." && text.contains(".") }
        let result = String(trimmed.reversed())
        return result == "-0" ? "0" : result
    }

    /// Text as XML 1.0 may contain it: markup escaped, characters that XML forbids replaced.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
