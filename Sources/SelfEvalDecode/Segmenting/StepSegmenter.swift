/// Says where one reasoning step ends and the next begins, token by token, while the text is being written.
///
/// ```swift
/// var scanner = StepSegmenter(boundaries: [.line], minimumTokens: 4).makeScanner()
/// for token in tokens {
///     let text = detokenizer.append(token)
///     if case .end(let keptTokens, _) = scanner.append(text, isWhole: true) { … }
/// }
/// ```
///
/// A step is a number of whole tokens, and ends between characters. Some ends show only once the next token is known
/// (a full stop is the end of a sentence when white space follows); the scanner then says how many tokens to keep.
public struct StepSegmenter: Codable, Sendable, Equatable {
    /// The places where a step may end; the first that occurs ends it.
    public var boundaries: Set<StepBoundary>
    /// Ends that would leave fewer tokens are passed over.
    public var minimumTokens: Int
    /// A step is cut after so many tokens (or up to three fewer, where that would split a character).
    public var maximumTokens: Int

    /// The least value of ``maximumTokens``: a character can take four tokens of one byte each.
    public static let leastMaximum = 8

    /// Makes a rule.
    public init(
        boundaries: Set<StepBoundary> = [.line, .sentence],
        minimumTokens: Int = 6,
        maximumTokens: Int = 96
    ) {
        self.boundaries = boundaries
        self.minimumTokens = minimumTokens
        self.maximumTokens = maximumTokens
    }

    /// A scanner at the beginning of a step.
    ///
    /// - Parameter limit: a cap below ``maximumTokens``, where a budget demands one.
    public func makeScanner(limit: Int = .max) -> Scanner { Scanner(rule: self, limit: min(limit, maximumTokens)) }

    /// What is known after a token.
    public enum Decision: Equatable, Sendable {
        /// The step goes on.
        case more
        /// The step has ended and consists of its first `keptTokens` tokens; later ones belong to the next step.
        case end(keptTokens: Int, reason: StepEnd)
    }

    /// Follows the text of one step.
    public struct Scanner: Sendable {
        private let rule: StepSegmenter
        private let limit: Int
        private var text: [Unicode.Scalar] = []
        /// For each token: scalars of the text after it, and whether no character is in the making then.
        private var tokens: [(end: Int, isWhole: Bool)] = []

        fileprivate init(rule: StepSegmenter, limit: Int) {
            self.rule = rule
            self.limit = limit
        }

        /// Tokens seen so far.
        public var count: Int { tokens.count }

        /// Takes the text that became readable with one more token.
        ///
        /// - Parameters:
        ///   - fragment: whole characters; empty while a character is in the making.
        ///   - isWhole: whether no byte of a character is held back.
        public mutating func append(_ fragment: String, isWhole: Bool) -> Decision {
            text.append(contentsOf: fragment.unicodeScalars)
            tokens.append((text.count, isWhole))
            var start = 0
            while let (end, boundary) = nextEnd(from: start) {
                if let kept = tokensToKeep(forEnd: end, of: boundary), kept >= rule.minimumTokens {
                    return .end(keptTokens: kept, reason: boundary.stepEnd)
                }
                start = end + 1
            }
            if tokens.count >= limit { return .end(keptTokens: wholeTokens(within: tokens.count), reason: .cap) }
            return .more
        }

        /// The most of the first `count` tokens that end between characters.
        public func wholeTokens(within count: Int) -> Int {
            (tokens.prefix(count).lastIndex(where: \.isWhole) ?? -1) + 1
        }

        private func nextEnd(from start: Int) -> (Int, StepBoundary)? {
            StepBoundary.allCases.filter(rule.boundaries.contains)
                .compactMap { boundary in boundary.firstEnd(in: text, from: start).map { ($0, boundary) } }
                .min { $0.0 < $1.0 }
        }

        /// The tokens that make up a step which ends after `end` scalars.
        ///
        /// An end inside a token: the token stays where only white space follows in it, or where nothing else would be
        /// left; otherwise it begins the next step. White space that follows the end of a line stays with the line.
        private func tokensToKeep(forEnd end: Int, of boundary: StepBoundary) -> Int? {
            guard let index = tokens.firstIndex(where: { $0.end >= end && $0.isWhole }) else { return nil }
            if tokens[index].end == end { return index + 1 }
            let overhang = text[end..<tokens[index].end]
            if text[end - 1] == "\n", overhang.allSatisfy(\.properties.isWhitespace) { return index + 1 }
            let before = tokens[..<index].lastIndex { $0.isWhole } ?? -1
            let hasContent = text[..<(before < 0 ? 0 : tokens[before].end)].contains { !$0.properties.isWhitespace }
            if hasContent { return before + 1 }
            return boundary == .marker ? nil : index + 1
        }
    }
}
