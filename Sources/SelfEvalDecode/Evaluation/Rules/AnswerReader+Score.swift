import Foundation

extension AnswerReader {
    /// The answer in the text by the answer's type, whole numbers after this rounding.
    func score(for problem: Problem, wholeNumbers rounded: (Double) -> Double) -> Score {
        switch problem.answerType {
        case .choice: choice(of: problem)
        case .integer: number(in: problem, rounded: rounded)
        case .float(let precision): number(in: problem) { PythonNumber.round($0, precision) }
        case .list: list(in: problem)
        case .text: text(in: problem)
        }
    }

    /// The number in the text, compared after the same rounding as the right one.
    func number(in problem: Problem, rounded: (Double) -> Double) -> Score {
        guard let found = number, let right = Self.number(problem.answer) else { return .nothing(text) }
        let value = rounded(found.value)
        return Score(
            extracted: found.text,
            normalized: Int(exactly: value).map(String.init) ?? String(value),
            isCorrect: Self.isEqual(value, rounded(right)),
            how: .number
        )
    }

    /// The list in the text, compared element by element.
    func list(in problem: Problem) -> Score {
        let elements = Self.list(text)
        let right = Self.list(problem.answer)
        return Score(
            extracted: text,
            normalized: "[" + elements.joined(separator: ", ") + "]",
            isCorrect: elements.count == right.count && zip(elements, right).allSatisfy { Self.isSame($0, $1) },
            how: elements.isEmpty ? .none : .list
        )
    }

    /// The text, compared as it reads and by its value.
    func text(in problem: Problem) -> Score {
        guard !text.isEmpty else { return .nothing() }
        let isSame = Self.isSame(text, problem.answer)
        return Score(extracted: text, normalized: PlainText.key(text), isCorrect: isSame, how: .text)
    }
}
