import Foundation
import SelfEvalDecode

/// Finds the answer that a response states.
enum AnswerStatement {
    /// The last answer that a text states: `\boxed{…}`, "the answer is …", "Answer: …", `<answer>…</answer>`, 答案：…;
    /// `nil` if it states none.
    static func last(in text: String) -> String? {
        var candidates: [(position: String.Index, text: () -> String?)] = []
        if let box = text.range(of: "boxed{", options: .backwards) {
            candidates.append((box.lowerBound, { boxes(in: text) }))
        }
        // A long response ends with its answer; anything far from the end does not state it.
        let tail = text.suffix(20_000)
        for form in forms {
            for match in tail.ranges(of: form) {
                candidates.append((match.lowerBound, { statement(in: text, after: match) }))
            }
        }
        var vague: String?
        for candidate in candidates.sorted(by: { $0.position > $1.position }).prefix(200) {
            guard let found = candidate.text(), !found.isEmpty else { continue }
            // "The answer is correct" does not state an answer.
            if found.prefixMatch(of: remarks) == nil { return found }
            vague = vague ?? found
        }
        return vague
    }

    private nonisolated(unsafe) static let forms: [Regex<Substring>] = [
        /answer\b(?:\s+(?:choice|option))?[>*_"')\s]{0,4}(?:(?:is|should be|must be|would be|will be)\b\s*:?|:|=)/
            .ignoresCase(),
        // A heading: "**Answer**" alone on its line.
        /(?:^|\n)[#*_ ]*(?:the |my |final )*answer[*_ ]*(?=\n)/.ignoresCase(),
        /<answer>/.ignoresCase(),
        /\b(?:correct|right|best|final)\s+(?:option|choice|one)[*_"'\s]{0,4}(?:is\b\s*:?|:)/.ignoresCase(),
        /\b[Ii](?:['’]ll| will| would)?\s+(?:choose|pick|select|go with)\b/,
        /\b(?:[Oo]ption|[Cc]hoice)\s+(?=\(?[A-Z]\)?\s+is\s+(?:the\s+)?(?:correct|right)\b)/,
        /答案(?:应该|應該)?(?:是|为|為|选|選)?\s*:?/,
        /[选選](?:择|擇)?(?:项|項)?\s*:?\s*(?=\(?[A-Z]\b)/,
    ]

    private nonisolated(unsafe) static let remarks =
        /(?:correct|right|wrong|reasonable|consistent|clear|obvious|valid|verified|confirmed|found|therefore|as follows)\b[\s.!]*/
        .ignoresCase()

    private static func statement(in text: String, after form: Range<String.Index>) -> String? {
        var rest = text[form.upperBound...]
        if text[form].lowercased() == "<answer>", let end = rest.range(of: "</answer>", options: .caseInsensitive) {
            rest = rest[..<end.lowerBound]
            return sentence(String(rest))
        }
        rest = rest.drop { $0.isWhitespace || ":*_\"'".contains($0) }
        if let tag = rest.range(of: "</answer>", options: .caseInsensitive) { rest = rest[..<tag.lowerBound] }
        let line = rest.prefix { !$0.isNewline }
        if line.contains("boxed{"), let boxed = boxes(in: String(line)) { return boxed }
        return sentence(String(line))
    }

    /// The first sentence of a text, as far as it is an answer: without what follows a full stop, "because", or a tag.
    static func sentence(_ text: String) -> String {
        var text = text[...]
        if let tag = text.range(of: "<answer>", options: .caseInsensitive) { text = text[tag.upperBound...] }
        if let tag = text.range(of: "</answer>", options: .caseInsensitive) { text = text[..<tag.lowerBound] }
        text = text.drop(while: \.isWhitespace)
        var line = text.prefix { !$0.isNewline }.prefix(4000)
        for stop in line.ranges(of: /[.!?]\s+(?=["'“(]?\p{Lu})/) {
            // The stop of "B. Blue" belongs to the letter.
            guard
                line[stop].first != "." || line[..<stop.lowerBound].filter({ $0.isLetter || $0.isNumber }).count > 1
                    || line[..<stop.lowerBound].contains(where: { $0.isNumber || $0 == "$" })
            else { continue }
            line = line[..<stop.lowerBound]
            break
        }
        if let reason = line.firstRange(of: /[,;]?\s+(?:because|since)\b/.ignoresCase()) {
            line = line[..<reason.lowerBound]
        }
        return PlainText.tidied(String(line))
    }

    /// The content of the last `\boxed{}`; two boxes with "or" or a comma between them belong together.
    static func boxes(in text: String) -> String? {
        guard let last = box(endingBefore: text.endIndex, in: text) else { return nil }
        if let previous = box(endingBefore: last.start, in: text), previous.end <= last.start {
            let between = text[previous.end..<last.start].replacing(#"\text{"#, with: " ")
                .filter { !"$\\{}".contains($0) }
            let words = between.split(whereSeparator: \.isWhitespace)
            if ["or", "and", ","].contains(words.joined()) {
                return previous.content + " " + words.joined() + " " + last.content
            }
        }
        return last.content
    }

    private static func box(endingBefore limit: String.Index, in text: String) -> (
        content: String, start: String.Index, end: String.Index
    )? {
        var limit = limit
        while let start = text.range(of: "boxed{", options: .backwards, range: text.startIndex..<limit) {
            var depth = 1
            let content = text[start.upperBound...].prefix { character in
                depth += character == "{" ? 1 : character == "}" ? -1 : 0
                return depth > 0
            }
            if !content.allSatisfy(\.isWhitespace) {
                return (PlainText.tidied(String(content)), start.lowerBound, content.endIndex)
            }
            limit = start.lowerBound
        }
        return nil
    }
}
