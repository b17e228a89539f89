/// Finds where a block of a chat model's text ends: a paragraph, a list item, a numbered step, a displayed formula with the
/// sentence that introduces it.
///
/// Models write loose Markdown with LaTeX in it, so the rules follow actual output rather than a grammar. A block never
/// ends inside `\[…\]`, `$$…$$`, an environment, a code fence or a table; a heading, and a line that ends with a colon,
/// belong to what they introduce; and a block contains a letter or a digit, so that a rule or a delimiter alone is
/// never a block.
struct TextBlocks {
    private let text: [Unicode.Scalar]
    private var lines: [Line] = []
    /// The region that the end of the text is in.
    private(set) var region = Region.none

    /// Text that must not be divided.
    enum Region: Equatable {
        case none
        /// `\[…\]`
        case bracket
        /// `$$…$$`
        case dollars
        /// `\begin{…}…\end{…}`, nested to this depth.
        case environment(depth: Int)
        /// Code between fences of this many marks.
        case fence(Unicode.Scalar, length: Int)
    }

    private struct Line {
        let start: Int
        /// The first scalar that is not white space; the end of the line if all are.
        let content: Int
        /// The position after the last scalar that is not white space.
        let contentEnd: Int
        let isComplete: Bool
        /// Whether a region continues from the previous line.
        let beginsInside: Bool
        /// Whether a formula or code ends on this line.
        let closesRegion: Bool

        var isBlank: Bool { content == contentEnd }
    }

    /// What the beginning of a line shows.
    private enum Opening { case formula, fence, item, row, continuation, plain, undecided }

    init(_ text: [Unicode.Scalar]) {
        self.text = text
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: "\n") ?? text.count
            let content = text[start..<end].firstIndex { !Self.isSpace($0) } ?? end
            let last = text[content..<end].lastIndex { !Self.isSpace($0) }
            let before = region
            let closes = scan(content..<end)
            lines.append(
                Line(
                    start: start,
                    content: content,
                    contentEnd: last.map { $0 + 1 } ?? content,
                    isComplete: end < text.count,
                    beginsInside: before != .none,
                    closesRegion: closes
                )
            )
            start = end + 1
        }
    }

    /// The next place at or after `start` where a block has ended.
    func firstEnd(from start: Int) -> Int? {
        var previous: Line?
        var hasSubstance = false
        var isApart = false
        for line in lines {
            if line.isBlank {
                isApart = true
                continue
            }
            if let previous, line.start >= start, hasSubstance, !line.beginsInside {
                switch opening(of: line) {
                case .undecided: return nil
                case let opening where ends(previous, before: opening, isApart: isApart): return line.start
                default: break
                }
            }
            hasSubstance = hasSubstance || self.hasSubstance(line)
            previous = line
            isApart = false
        }
        return nil
    }

    /// Whether a block ends between a line and one with this opening.
    private func ends(_ line: Line, before opening: Opening, isApart: Bool) -> Bool {
        let isRow = text[line.content] == "|"
        if opening == .formula || introduces(line) { return false }
        if isRow && opening == .row { return false }
        if opening == .item || (isRow && !isApart) { return true }
        if line.closesRegion { return opening != .continuation }
        return isApart || endsSentence(line)
    }

    // MARK: Regions

    /// Tracks formulas and code through a line. Returns whether one of them ends on it.
    private mutating func scan(_ line: Range<Int>) -> Bool {
        var closes = false
        if let fence = fence(at: line.lowerBound, in: line) {
            switch region {
            case .fence(let mark, let length) where mark == fence.mark && fence.length >= length:
                region = .none
                return true
            case .none:
                region = .fence(fence.mark, length: fence.length)
                return false
            default: break
            }
        }
        if case .fence = region { return false }
        var index = line.lowerBound
        while index < line.upperBound {
            let next = index + 1 < line.upperBound ? text[index + 1] : "\n"
            switch (text[index], next, region) {
            case ("\\", "[", .none): region = .bracket
            case ("\\", "]", .bracket), ("$", "$", .dollars):
                region = .none
                closes = true
            case ("$", "$", .none): region = .dollars
            case ("\\", "b", .none) where starts(with: "\\begin{", at: index): region = .environment(depth: 1)
            case ("\\", "b", .environment(let depth)) where starts(with: "\\begin{", at: index):
                region = .environment(depth: depth + 1)
            case ("\\", "e", .environment(let depth)) where starts(with: "\\end{", at: index):
                region = depth > 1 ? .environment(depth: depth - 1) : .none
                closes = closes || depth == 1
            case ("\\", _, _): break
            default:
                index += 1
                continue
            }
            // An escape is two scalars, so the bracket in `\\[2pt]` begins no formula.
            index += 2
        }
        return closes
    }

    private func fence(at start: Int, in line: Range<Int>) -> (mark: Unicode.Scalar, length: Int)? {
        guard start < line.upperBound, text[start] == "`" || text[start] == "~" else { return nil }
        let length = text[start..<line.upperBound].prefix { $0 == text[start] }.count
        return length >= 3 ? (text[start], length) : nil
    }

    // MARK: Lines

    private func opening(of line: Line) -> Opening {
        let rest = text[line.content...].prefix { $0 != "\n" }
        let isOpen = !line.isComplete
        let first = rest[rest.startIndex]
        func isPart(of word: String) -> Bool {
            isOpen && rest.count < word.unicodeScalars.count && zip(rest, word.unicodeScalars).allSatisfy { $0 == $1 }
        }
        for word in ["\\[", "$$", "\\begin{"] {
            if rest.starts(with: word.unicodeScalars) { return .formula }
            if isPart(of: word) { return .undecided }
        }
        for word in ["```", "~~~"] {
            if rest.starts(with: word.unicodeScalars) { return .fence }
            if isPart(of: word) { return .undecided }
        }
        if first == "|" { return .row }
        if first == "#" { return .item }
        if let item = isItem(Array(rest), isOpen: isOpen) { return item ? .item : plain(first) }
        return .undecided
    }

    private func plain(_ first: Unicode.Scalar) -> Opening {
        first.properties.isLowercase || ",.;:)".unicodeScalars.contains(first) ? .continuation : .plain
    }

    /// Whether a line begins a list item or a numbered step; `nil` if that is not known yet.
    private func isItem(_ line: [Unicode.Scalar], isOpen: Bool) -> Bool? {
        if ["-", "*", "+", "•"].contains(line[0]) {
            if line.count == 1 { return isOpen ? nil : false }
            if Self.isSpace(line[1]) { return true }
        }
        let digits = line.prefix { ("0"..."9").contains($0) }.count
        if (1...3).contains(digits) {
            if line.count <= digits + 1 { return isOpen ? nil : false }
            return [".", ")"].contains(line[digits]) && Self.isSpace(line[digits + 1])
        }
        let bare = line.drop { ["*", "_"].contains($0) }
        let word = "step ".unicodeScalars
        let isAlike = zip(bare, word).allSatisfy { $0 == $1 || $0.properties.lowercaseMapping == String($1) }
        if bare.count <= word.count { return isAlike && isOpen ? nil : false }
        return isAlike && ("0"..."9").contains(bare[bare.startIndex + word.count])
    }

    /// Whether a line belongs to what follows it: a heading, or the words before a formula or a list.
    private func introduces(_ line: Line) -> Bool {
        if text[line.content] == "#" { return true }
        let bare = text[line.content..<line.contentEnd].reversed().drop { ["*", "_"].contains($0) || Self.isSpace($0) }
        if bare.first == ":" { return true }
        // A line entirely in bold is a heading: "**Calculate the eggs**", "1. **Calculate the eggs**".
        let content = text[line.content..<line.contentEnd].drop {
            ("0"..."9").contains($0) || [".", ")", "-"].contains($0) || Self.isSpace($0)
        }
        guard content.starts(with: "**".unicodeScalars), content.count > 4, !endsSentence(line) else { return false }
        return content.suffix(2).elementsEqual("**".unicodeScalars)
            && content.dropFirst(2).dropLast(2).firstRange(of: Array("**".unicodeScalars)) == nil
    }

    private func endsSentence(_ line: Line) -> Bool {
        let closers: Set<Unicode.Scalar> = ["\"", "'", "”", "’", ")", "]", "*", "_", "`", "$"]
        let last = text[line.content..<line.contentEnd].last { !closers.contains($0) }
        return last.map { [".", "!", "?", "…", "。", "！", "？"].contains($0) } ?? false
    }

    /// Whether a line has content: a letter or a digit outside the names of LaTeX commands.
    private func hasSubstance(_ line: Line) -> Bool {
        var index = line.content
        while index < line.contentEnd {
            if text[index] == "\\" {
                index += 1
                while index < line.contentEnd, text[index].properties.isAlphabetic { index += 1 }
                // `\]` is not a letter, and `\alpha` alone is not a step.
                continue
            }
            if text[index].properties.isAlphabetic || text[index].properties.numericType != nil { return true }
            index += 1
        }
        return false
    }

    private func starts(with word: String, at index: Int) -> Bool { text[index...].starts(with: word.unicodeScalars) }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        // Check the common ones first: looking up properties is slow.
        scalar == " " || scalar == "\n"
            || (scalar.value > 0x7E || scalar.value < 0x20) && scalar.properties.isWhitespace
    }
}
