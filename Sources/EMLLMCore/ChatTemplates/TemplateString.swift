/// Text that records for each character whether it is trusted.
///
/// Template text, special tokens and roles are trusted; text from a user is not. Every operation of the template
/// language preserves the mark of each character, so that the rendered prompt distinguishes both kinds, and a question
/// that contains `<|im_end|>` remains a question.
///
/// Positions count Unicode scalars, as Python's strings do.
public struct TemplateString: Sendable, Equatable {
    /// A stretch of equal trust: from the end of the previous run up to `end`.
    struct Run: Sendable, Equatable {
        var end: Int
        var isTrusted: Bool
    }

    private(set) var scalars: [Unicode.Scalar] = []
    /// Ascending ends, the last one equal to `scalars.count`; neighbours differ in trust; empty for empty text.
    private(set) var runs: [Run] = []
    /// Whether the text went through `safe` or `escape`. Jinja then escapes text that is added to it with `+`.
    var isMarkup = false

    /// Makes an empty string.
    public init() {}

    /// Makes a string that is entirely trusted or untrusted.
    public init(_ text: String, isTrusted: Bool) {
        self.init(Array(text.unicodeScalars), isTrusted: isTrusted)
    }

    init(_ scalars: [Unicode.Scalar], isTrusted: Bool) {
        self.scalars = scalars
        runs = scalars.isEmpty ? [] : [Run(end: scalars.count, isTrusted: isTrusted)]
    }

    /// The text without its marks.
    public var text: String { Self.text(of: scalars[...]) }

    /// The text, split where trust changes; neighbours differ in trust.
    public var pieces: [PromptPiece] {
        var start = 0
        return runs.map { run in
            defer { start = run.end }
            return PromptPiece(text: Self.text(of: scalars[start..<run.end]), isTrusted: run.isTrusted)
        }
    }

    /// The number of Unicode scalars.
    var count: Int { scalars.count }
    var isEmpty: Bool { scalars.isEmpty }
    var isFullyTrusted: Bool { runs.allSatisfy(\.isTrusted) }

    private static func text(of scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}

extension TemplateString: ExpressibleByStringLiteral {
    /// Makes an untrusted string: a literal in a program may well be a user's text.
    public init(stringLiteral value: String) { self.init(value, isTrusted: false) }
}

// MARK: - Building

extension TemplateString {
    /// Whether the scalar at `index` is trusted. O(log runs).
    func isTrusted(at index: Int) -> Bool { runs[runIndex(at: index)].isTrusted }

    private func runIndex(at index: Int) -> Int {
        var low = 0
        var high = runs.count - 1
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end > index { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func extendRun(to end: Int, isTrusted: Bool) {
        if let last = runs.last, last.isTrusted == isTrusted {
            runs[runs.count - 1].end = end
        } else {
            runs.append(Run(end: end, isTrusted: isTrusted))
        }
    }

    mutating func append(_ scalar: Unicode.Scalar, isTrusted: Bool) {
        scalars.append(scalar)
        extendRun(to: scalars.count, isTrusted: isTrusted)
    }

    mutating func append(_ text: String, isTrusted: Bool) {
        guard !text.isEmpty else { return }
        scalars.append(contentsOf: text.unicodeScalars)
        extendRun(to: scalars.count, isTrusted: isTrusted)
    }

    mutating func append(_ other: TemplateString) {
        append(other, range: 0..<other.count)
    }

    /// Appends part of another string with its marks.
    mutating func append(_ other: TemplateString, range: Range<Int>) {
        guard !range.isEmpty else { return }
        let shift = scalars.count - range.lowerBound
        scalars.append(contentsOf: other.scalars[range])
        var index = other.runIndex(at: range.lowerBound)
        while true {
            let end = min(other.runs[index].end, range.upperBound)
            extendRun(to: end + shift, isTrusted: other.runs[index].isTrusted)
            if end == range.upperBound { return }
            index += 1
        }
    }

    /// A part of the text. It keeps the markup flag, like slices of Jinja's safe strings.
    subscript(range: Range<Int>) -> TemplateString {
        var part = TemplateString()
        part.isMarkup = isMarkup
        part.append(self, range: range)
        return part
    }

    /// The scalars at `indices`, in that order.
    func gathering(_ indices: some Sequence<Int>) -> TemplateString {
        var result = TemplateString()
        result.isMarkup = isMarkup
        for index in indices { result.append(scalars[index], isTrusted: isTrusted(at: index)) }
        return result
    }

    /// Replaces each scalar with a text that inherits its mark.
    func mapScalars(_ transform: (_ index: Int, _ scalar: Unicode.Scalar) -> String) -> TemplateString {
        var result = TemplateString()
        result.isMarkup = isMarkup
        var start = 0
        for run in runs {
            for index in start..<run.end { result.append(transform(index, scalars[index]), isTrusted: run.isTrusted) }
            start = run.end
        }
        return result
    }
}
