import CLIShared
import Foundation

/// Markup that is safe by construction.
///
/// Texts are always escaped, element and attribute names come from closed lists, and links lead to places in the same
/// page or to embedded pictures. So whatever a model writes stays text, and the page requests nothing from a server.
struct HTML: Sendable, Equatable {
    /// The markup.
    private(set) var markup = ""

    /// No markup.
    init() {}

    /// Text, which is escaped.
    init(text: String) { markup = Self.escaped(text) }

    /// Markup that is written in this program's source.
    init(literal: StaticString) { markup = literal.description }

    /// An element; `nil` content is for elements that have no content and no end tag.
    fileprivate init(_ tag: Tag, _ attributes: [Attribute], _ content: HTML?) {
        let list = attributes.map { attribute in
            attribute.value.map { " \(attribute.name)=\"\(Self.escaped($0))\"" } ?? " \(attribute.name)"
        }.joined()
        markup = "<\(tag.rawValue)\(list)>"
        if let content { markup += content.markup + "</\(tag.rawValue)>" }
        if tag.isBlock { markup += "\n" }
    }

    static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

    /// Text that is safe in an element or a quoted attribute, and nowhere else.
    ///
    /// Control characters and overrides of the writing direction are replaced as for a terminal. Line breaks and tabs
    /// are kept.
    static func escaped(_ text: String) -> String {
        let lines = text.utf8.contains(13) ? text.replacingOccurrences(of: "\r\n", with: "\n") : text
        var result = ""
        for scalar in TerminalText.harmless(lines).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Unicode does not class these as control characters, but some programs treat them as line breaks.
            case "\u{2028}", "\u{2029}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// An attribute of an element. Only these functions can make one.
struct Attribute: Sendable {
    fileprivate let name: String
    fileprivate let value: String?

    private init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }

    static func `class`(_ names: String?...) -> Attribute {
        Attribute("class", names.compactMap { $0 }.joined(separator: " "))
    }

    static func id(_ anchor: Anchor) -> Attribute { Attribute("id", anchor.name) }
    static func label(_ text: String) -> Attribute { Attribute("aria-label", text) }
    static func labelled(by anchor: Anchor) -> Attribute { Attribute("aria-labelledby", anchor.name) }
    static func title(_ text: String) -> Attribute { Attribute("title", text) }
    static func alternative(_ text: String) -> Attribute { Attribute("alt", text) }
    static func scope(_ scope: StaticString) -> Attribute { Attribute("scope", scope.description) }
    static func role(_ role: StaticString) -> Attribute { Attribute("role", role.description) }
    /// The text's own content determines its direction, which does not affect the text around it.
    static let ownDirection = Attribute("dir", "auto")
    static let hidden = Attribute("aria-hidden", "true")
    /// A part that is initially open.
    static let open = Attribute("open", nil)

    /// A place in the same page.
    static func link(to anchor: Anchor) -> Attribute { Attribute("href", "#\(anchor.name)") }

    /// A picture embedded in the page; `nil` for a type that browsers do not show, or that can contain more than a
    /// picture.
    static func source(_ data: Data, type: String) -> Attribute? {
        guard ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(type) else { return nil }
        return Attribute("src", "data:\(type);base64,\(data.base64EncodedString())")
    }

    /// The coordinate system of a drawing, which fills the available space.
    static func viewBox(width: Double, height: Double) -> [Attribute] {
        [Attribute("viewBox", "0 0 \(number(width)) \(number(height))"), Attribute("preserveAspectRatio", "none")]
    }

    /// The position and size of a rectangle.
    static func frame(x: Double, y: Double, width: Double, height: Double) -> [Attribute] {
        [("x", x), ("y", y), ("width", width), ("height", height)].map { Attribute($0, number($1)) }
    }

    /// A number with at most three decimals; 0 for NaN and infinity.
    private static func number(_ value: Double) -> String {
        value.isFinite ? String(format: "%.3f", value) : "0"
    }
}

/// A place in the page.
enum Anchor: Equatable {
    case node(Int)
    case reflection(Int)
    case section(StaticString)

    var name: String {
        switch self {
        case .node(let id): "n\(id)"
        case .reflection(let id): "r\(id)"
        case .section(let name): name.description
        }
    }

    static func == (left: Anchor, right: Anchor) -> Bool { left.name == right.name }
}

/// The elements in use: `Tag.p(.class("text")) { "…" }`.
enum Tag: String {
    case a, article, aside, blockquote, body, code, dd, details, div, dl, dt, em, figcaption, figure, footer, h1, h2, h3
    case header, html, img, li, main, ol, p, pre, rect, section, span, strong, style, summary, svg, table, tbody, td, th
    case thead, title, tr, ul

    /// Whether a line break after it is invisible.
    fileprivate var isBlock: Bool {
        switch self {
        case .a, .code, .em, .span, .strong, .svg, .rect, .img: false
        default: true
        }
    }

    func callAsFunction(_ attributes: Attribute?..., @HTMLBuilder content: () -> HTML) -> HTML {
        HTML(self, attributes.compactMap { $0 }, content())
    }

    func callAsFunction(_ attributes: [Attribute], @HTMLBuilder content: () -> HTML) -> HTML {
        HTML(self, attributes, content())
    }

    /// An element without content or end tag.
    func callAsFunction(_ attributes: Attribute...) -> HTML { HTML(self, attributes, nil) }
}

/// Builds markup from elements, and from strings, which are escaped as text.
@resultBuilder
enum HTMLBuilder {
    static func buildExpression(_ text: String) -> HTML { HTML(text: text) }
    static func buildExpression(_ html: HTML) -> HTML { html }
    static func buildExpression(_ html: HTML?) -> HTML { html ?? HTML() }
    static func buildExpression(_ list: [HTML]) -> HTML { buildArray(list) }
    static func buildBlock(_ parts: HTML...) -> HTML { buildArray(parts) }
    static func buildOptional(_ part: HTML?) -> HTML { part ?? HTML() }
    static func buildEither(first part: HTML) -> HTML { part }
    static func buildEither(second part: HTML) -> HTML { part }

    static func buildArray(_ parts: [HTML]) -> HTML {
        parts.reduce(into: HTML()) { $0 += $1 }
    }
}
