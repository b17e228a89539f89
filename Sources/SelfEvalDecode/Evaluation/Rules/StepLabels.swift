import Foundation
import SelfEvalDecode

/// Whether a step of a solution is right.
public enum StepLabel: String, Codable, Sendable {
    /// All that can be checked holds.
    case right
    /// Something does not hold.
    case wrong
}

/// A rule that labels steps without a model.
public enum StepLabelRule: String, Codable, Sendable, CaseIterable {
    /// By the equations in the step's text. A step without one that can be checked has no label.
    case arithmetic
    /// By the labels that came with the problem, if the step is the one they were given for.
    case reference
    /// By the numbers, colours, shapes and sizes that a reference of caption, explanation and deduction names.
    case puzzle

    /// The labels of a chain's steps, one for each, from the first; `nil` for a step that the rule cannot label.
    public func labels(of steps: [String], for problem: Problem) -> [StepLabel?] {
        switch self {
        case .arithmetic: steps.map(Equations.label)
        case .puzzle: PuzzleLabels.labels(of: steps, for: problem)
        case .reference:
            steps.indices.map { index in
                guard index < min(problem.stepLabels.count, problem.referenceSteps.count),
                    PlainText.key(steps[index]) == PlainText.key(problem.referenceSteps[index])
                else { return nil }
                return problem.stepLabels[index]
            }
        }
    }
}

/// The equations in a text.
///
/// Words, commas, colons and full stops divide the text into clauses; a clause with an equals sign is a chain of sides,
/// and neighbouring sides are compared. A side is ignored if it may be more than arithmetic: next to a letter ("2x"),
/// or joined to a word by an operator ("length + 3").
enum Equations {
    /// A piece of text without words. Its neighbours decide which of its sides are complete.
    private struct Clause {
        var text = ""
        var isOpenBefore = false
        var isOpenAfter = false
        var followsWord = false
    }

    static func label(of step: String) -> StepLabel? {
        var verdicts: [Bool] = []
        for clause in clauses(of: PlainText.of(step)) {
            let text = clause.text.replacing("==", with: "=")
            let relations = text.filter { "=≈".contains($0) }
            let sides = text.split(omittingEmptySubsequences: false) { "=≈".contains($0) }
            let values = sides.enumerated().map { index, side in
                index == 0 && clause.isOpenBefore || index == sides.count - 1 && clause.isOpenAfter
                    ? nil : Arithmetic(withoutMarks(side))
            }
            for ((left, right), relation) in zip(zip(values, values.dropFirst()), relations) {
                guard let left, let right, left.calculates || right.calculates else { continue }
                if let holds = holds(left, right, isApproximate: relation == "≈") { verdicts.append(holds) }
            }
        }
        return verdicts.isEmpty ? nil : verdicts.contains(false) ? .wrong : .right
    }

    /// Whether two sides are equal to the precision in which they are written; `nil` if it depends on rounding to a
    /// whole number.
    static func holds(_ left: Arithmetic, _ right: Arithmetic, isApproximate: Bool) -> Bool? {
        let difference = abs(left.value - right.value)
        let scale = max(abs(left.value), abs(right.value))
        if AnswerReader.isEqual(left.value, right.value) { return true }
        // 15 / 60 × 100 = 25% is a common notation.
        if left.hasPercent != right.hasPercent {
            let factor = left.hasPercent ? 100.0 : 0.01
            if AnswerReader.isEqual(left.value * factor, right.value) { return true }
        }
        if left.tokens.contains(.pi) || right.tokens.contains(.pi), difference <= 1e-3 * scale { return true }
        // A result with decimals, or marked as approximate, stands for every value that rounds to it.
        let written = left.decimals == nil ? right : left
        if let decimals = written.decimals, difference <= 0.5 * pow(10, -Double(decimals)) * (1 + 1e-6) {
            if isApproximate || decimals > 0 { return true }
            let other = left.decimals == nil ? left : right
            return other.value.rounded() == written.value ? nil : false
        }
        return isApproximate && difference <= 0.05 * scale ? nil : false
    }

    /// The side without unclosed brackets and list marks at its ends, as in "a) 3 + 4" or "**3 + 4 = 7**".
    private static func withoutMarks(_ side: Substring) -> Substring {
        var side = side.drop { $0.isWhitespace || ")]*".contains($0) }
        while let last = side.last, last.isWhitespace || "([*".contains(last) { side.removeLast() }
        return side
    }

    private static func clauses(of text: String) -> [Clause] {
        text.split(whereSeparator: \.isNewline).flatMap { line in
            // "Step 2 - ", "a) " and "- " begin a step and are not arithmetic.
            let mark = line.prefixMatch(
                of: /\s*(?:[-*•–]\s+)?(?:(?:[Ss]tep\s*\d+\s*[-–:.)]|\(?(?:\d+|[A-Za-z])[.)])\s+)?/
            )
            return clauses(inLine: Array(line[(mark?.range.upperBound ?? line.startIndex)...]))
        }
    }

    private static func clauses(inLine line: [Character]) -> [Clause] {
        var clauses: [Clause] = []
        var clause = Clause()
        var index = 0
        func character(_ place: Int) -> Character? { line.indices.contains(place) ? line[place] : nil }
        func end() {
            clauses.append(clause)
            clause = Clause()
        }
        while let current = character(index) {
            let next = character(index + 1)
            if current.isLetter, current != "π" {
                let word = line[index...].prefix { $0.isLetter && $0 != "π" }
                let after = line[(index + word.count)...].first { !$0.isWhitespace }
                let before = clause.text.last { !$0.isWhitespace }
                index += word.count
                if word.count == 1, "xX".contains(current), isOperand(before, ")"), isOperand(after, "($") {
                    clause.text.append("×")
                    continue
                }
                if word.elementsEqual("of"), before == "%" {
                    clause.text.append("×")
                    continue
                }
                // A variable or a function belongs to the arithmetic beside it; "12cm" and "12 cm" do not. If an
                // operator follows a word, the clause before the word was not complete.
                let isName = word.count == 1 || functions.contains(String(word).lowercased())
                let touches = clause.text.last.map { !$0.isWhitespace } ?? false
                clause.isOpenAfter = touches && isName || isOperator(after)
                end()
                clause.isOpenBefore = isName || character(index).map { !$0.isWhitespace } ?? false
                clause.followsWord = true
            } else if isPart(current, before: character(index - 1), after: next) {
                if clause.followsWord, clause.text.allSatisfy(\.isWhitespace), isOperator(current) {
                    // "is -3" has a sign, "length - 3" an operator.
                    let isSign = current == "-" && (next.map { $0.isNumber || $0 == "(" } ?? false)
                    clause.isOpenBefore = clause.isOpenBefore || !isSign
                }
                clause.text.append(current)
                index += 1
            } else {
                // A comma or colon between digits changes their meaning: a decimal comma, a ratio, a time.
                let divides = (character(index - 1)?.isNumber ?? false) && (next?.isNumber ?? false)
                let isFactorial = current == "!" && isOperand(character(index - 1), ")")
                let isUnknown = divides || isFactorial || !punctuation.contains(current)
                clause.isOpenAfter = isUnknown
                end()
                clause.isOpenBefore = isUnknown
                index += 1
            }
        }
        end()
        return clauses
    }

    private static let punctuation: Set<Character> = Set(",;:.?!\"'“”‘’…—→⇒<>`")
    private static let functions: Set<String> = [
        "sin", "cos", "tan", "cot", "log", "ln", "lg", "exp", "max", "min", "gcd", "lcm", "mod", "abs", "sqrt",
    ]

    private static func isOperand(_ character: Character?, _ brackets: String) -> Bool {
        character.map { $0.isNumber || brackets.contains($0) } ?? false
    }

    private static func isOperator(_ character: Character?) -> Bool {
        character.map { "+-−–*×·⋅∙/÷∕⁄^".contains($0) } ?? false
    }

    /// Whether a character belongs to a clause: an operator, a digit, or a point or comma inside a number.
    private static func isPart(_ character: Character, before: Character?, after: Character?) -> Bool {
        switch character {
        case ".": after?.isNumber ?? false
        // ``Arithmetic`` decides whether it separates thousands.
        case ",": (before?.isNumber ?? false) && (after?.isNumber ?? false)
        default:
            character.isASCII && character.isNumber || "=≈()[]%√π²³$€£¥° \t".contains(character)
                || isOperator(character)
        }
    }
}
