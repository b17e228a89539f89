import EMLLMCore
import Foundation

/// Finds where one reasoning step ends and the next begins, token by token, while the text is being written.
///
/// ```swift
/// var scanner = StepSegmenter(boundaries: [.line], minimumTokens: 4).makeScanner()
/// for token in tokens {
///     let text = detokenizer.append(token)
///     if case .end(let keptTokens, _) = scanner.append(text, isWhole: true) { … }
/// }
/// ```
///
/// A step consists of whole tokens and ends between characters. Some ends can be recognized only once the next token is
/// known (a full stop is the end of a sentence when white space follows); the scanner then says how many tokens to
/// keep.
public struct StepSegmenter: Codable, Sendable, Equatable {
    /// The places where a step may end; the first one that occurs ends it.
    public var boundaries: Set<StepBoundary>
    /// Texts that end a step and belong to it: what the model writes between steps, by training or by its prompt. A
    /// text that is spelled like one of the model's special tokens stands for that token.
    public var delimiters: [String]
    /// The least number of tokens in a step; earlier ends are ignored.
    public var minimumTokens: Int
    /// A step is cut after this many tokens (or up to three fewer, to avoid splitting a character). With
    /// ``StepBoundary/block``, a formula or code is cut only after four times as many.
    public var maximumTokens: Int

    /// The smallest allowed ``maximumTokens``: a character can take four tokens of one byte each.
    public static let leastMaximum = 8

    /// Makes a rule.
    public init(
        boundaries: Set<StepBoundary> = [.line, .sentence],
        delimiters: [String] = [],
        minimumTokens: Int = 6,
        maximumTokens: Int = 96
    ) {
        self.boundaries = boundaries
        self.delimiters = delimiters
        self.minimumTokens = minimumTokens
        self.maximumTokens = maximumTokens
    }

    /// A rule that suits any chat model: blocks of text of some length.
    public static let blocks = StepSegmenter(boundaries: [.block], minimumTokens: 8, maximumTokens: 192)

    /// A scanner at the beginning of a step.
    ///
    /// - Parameter markers: the markers around evaluations in the text; each evaluation is then a separate piece.
    public func makeScanner(evaluations markers: EvaluationMarkers? = nil) -> Scanner {
        Scanner(rule: self, markers: markers)
    }

    /// The decision after a token.
    public enum Decision: Equatable, Sendable {
        /// The step continues.
        case more
        /// The step has ended and consists of its first `keptTokens` tokens; later ones belong to the next step.
        case end(keptTokens: Int, reason: StepStopReason)
    }

    /// Follows the text of one step.
    public struct Scanner: Sendable {
        private let rule: StepSegmenter
        private let delimiters: [[Unicode.Scalar]]
        private let markers: (start: [Unicode.Scalar], end: [Unicode.Scalar])?
        private var text: [Unicode.Scalar] = []
        /// For each token, the number of scalars up to its end, and whether no character is incomplete there.
        private var tokens: [(end: Int, isWhole: Bool)] = []

        fileprivate init(rule: StepSegmenter, markers: EvaluationMarkers?) {
            self.rule = rule
            delimiters = rule.delimiters.map { Array($0.unicodeScalars) }
            self.markers = markers.map { (Array($0.start.unicodeScalars), Array($0.end.unicodeScalars)) }
        }

        /// Tokens seen so far.
        public var count: Int { tokens.count }

        /// Takes the text that one more token has completed.
        ///
        /// - Parameters:
        ///   - fragment: whole characters; empty while a character is incomplete.
        ///   - isWhole: whether no byte of an incomplete character is held back.
        ///   - isDelimiter: whether the token is itself one of the rule's delimiters.
        public mutating func append(_ fragment: String, isWhole: Bool, isDelimiter: Bool = false) -> Decision {
            text.append(contentsOf: fragment.unicodeScalars)
            tokens.append((text.count, isWhole))
            if isDelimiter, hasContent(before: text.count), tokens.count >= rule.minimumTokens {
                return .end(keptTokens: tokens.count, reason: .delimiter)
            }
            if let decision = evaluationDecision() { return decision }
            var start = 0
            while let (end, reason) = nextEnd(from: start) {
                if let kept = tokensToKeep(forEnd: end, of: reason), kept >= rule.minimumTokens {
                    return .end(keptTokens: kept, reason: reason)
                }
                start = end + 1
            }
            if tokens.count >= rule.maximumTokens, !isIndivisible {
                return .end(keptTokens: wholeTokens(within: tokens.count), reason: .cap)
            }
            return .more
        }

        /// The largest number of tokens, at most `count`, that ends between characters.
        public func wholeTokens(within count: Int) -> Int {
            (tokens.prefix(count).lastIndex(where: \.isWhole) ?? -1) + 1
        }

        private func hasContent(before end: Int) -> Bool { text[..<end].contains { !$0.properties.isWhitespace } }

        /// What an evaluation's markers decide. The start of an evaluation ends the step before it, and only its own
        /// end marker or the cap ends an evaluation. `nil` if there are no markers.
        private func evaluationDecision() -> Decision? {
            guard let markers, let start = text.firstRange(of: markers.start)?.lowerBound else { return nil }
            if hasContent(before: start) {
                guard let kept = tokensToKeep(forEnd: start, of: .evaluation) else { return nil }
                return .end(keptTokens: kept, reason: .evaluation)
            }
            // An evaluation may be three times as long as a step before it is assumed never to end.
            let limit = 3 * rule.maximumTokens
            guard var end = text[start...].firstRange(of: markers.end)?.upperBound else {
                guard tokens.count >= limit else { return .more }
                return .end(keptTokens: wholeTokens(within: tokens.count), reason: .cap)
            }
            // The rest of its line belongs to it. Only the next token shows whether there is any.
            let space = text[end...].prefix { $0.properties.isWhitespace }
            if let newline = space.lastIndex(of: "\n") {
                end = newline + 1
            } else if end + space.count == text.count {
                return .more
            }
            return tokensToKeep(forEnd: end, of: .evaluation).map { .end(keptTokens: $0, reason: .evaluation) } ?? .more
        }

        /// Whether the text ends inside a formula or code that must not be divided. One that never ends is cut
        /// eventually.
        private var isIndivisible: Bool {
            guard rule.boundaries.contains(.block), tokens.count < 4 * rule.maximumTokens else { return false }
            return TextBlocks(text).region != .none
        }

        /// The next position where a step may end, and the reason.
        private func nextEnd(from start: Int) -> (Int, StepStopReason)? {
            let ends = StepBoundary.allCases.filter(rule.boundaries.contains)
                .compactMap { boundary in boundary.firstEnd(in: text, from: start).map { ($0, boundary.stepEnd) } }
            let delimited = delimiters.compactMap { delimiter in
                firstEnd(of: delimiter, from: start).map { ($0, StepStopReason.delimiter) }
            }
            return (ends + delimited).min { $0.0 < $1.0 }
        }

        /// The end of the first delimiter at or after `start` that comes after some content.
        private func firstEnd(of delimiter: [Unicode.Scalar], from start: Int) -> Int? {
            var place = max(0, start - delimiter.count)
            while place < text.count, let found = text[place...].firstRange(of: delimiter) {
                if found.upperBound >= start, hasContent(before: found.lowerBound) { return found.upperBound }
                place = found.lowerBound + 1
            }
            return nil
        }

        /// The number of tokens in a step that ends after `end` scalars.
        ///
        /// If the end is inside a token, the step keeps the token if only white space follows in it, or if no other
        /// token would be left; otherwise it begins the next step. White space that follows the end of a line stays
        /// with the line.
        private func tokensToKeep(forEnd end: Int, of reason: StepStopReason) -> Int? {
            guard let index = tokens.firstIndex(where: { $0.end >= end && $0.isWhole }) else { return nil }
            if tokens[index].end == end { return index + 1 }
            let overhang = text[end..<tokens[index].end]
            if text[end - 1] == "\n", overhang.allSatisfy(\.properties.isWhitespace) { return index + 1 }
            let before = tokens[..<index].lastIndex { $0.isWhole } ?? -1
            // The end of a formula or of code stays with it.
            if reason == .block, before >= 0, TextBlocks(Array(text[..<tokens[before].end])).region != .none {
                return index + 1
            }
            // Half of an end marker is not an end: the step keeps the marker's last token, whatever else that contains.
            if reason == .delimiter || reason == .tag { return index + 1 }
            if before >= 0, hasContent(before: tokens[before].end) {
                return reason == .evaluation && !startsHere(end) ? index + 1 : before + 1
            }
            return reason == .marker ? nil : index + 1
        }

        /// Whether an evaluation begins at a scalar.
        private func startsHere(_ index: Int) -> Bool {
            guard let markers else { return false }
            return text[index...].starts(with: markers.start)
        }
    }

    private enum CodingKeys: String, CodingKey { case boundaries, delimiters, minimumTokens, maximumTokens }

    /// Writes the rule, with boundaries sorted by name, so that equal rules give equal JSON.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(boundaries.sorted { $0.rawValue < $1.rawValue }, forKey: .boundaries)
        try values.encode(delimiters, forKey: .delimiters)
        try values.encode(minimumTokens, forKey: .minimumTokens)
        try values.encode(maximumTokens, forKey: .maximumTokens)
    }

    /// Checks the lengths.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` naming the value that is out of range.
    func validate() throws {
        guard (Self.leastMaximum...100_000).contains(maximumTokens) else {
            throw EMLLMError.invalidSelfEvalOption(
                "segmenter.maximumTokens",
                expected: "\(Self.leastMaximum)...100000",
                found: "\(maximumTokens)"
            )
        }
        guard (1...maximumTokens).contains(minimumTokens) else {
            throw EMLLMError.invalidSelfEvalOption(
                "segmenter.minimumTokens",
                expected: "1...\(maximumTokens), at most maximumTokens",
                found: "\(minimumTokens)"
            )
        }
        guard !delimiters.contains(where: { !$0.contains { !$0.isWhitespace } }) else {
            throw EMLLMError.invalidSelfEvalOption(
                "segmenter.delimiters",
                expected: "some text each",
                found: "an empty one"
            )
        }
    }
}
