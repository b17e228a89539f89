import Foundation

/// MathVista's rule: an extracted answer is normalized according to the answer's type, and then compared for equality.
///
/// Choices: a letter in parentheses, a bare letter, or else the nearest choice. Integers are truncated towards zero,
/// other numbers are rounded to the problem's precision. The published script extracts with patterns and then with a
/// large language model; the answer that the decoder states takes that model's place.
enum MathVistaRule {
    static func corrected(_ output: ModelOutput, _ problem: Problem) -> Score {
        AnswerReader(output).score(for: problem) { $0.rounded(.towardZero) }
    }

    static func published(_ output: ModelOutput, _ problem: Problem) -> Score {
        let extraction = extraction(output, problem)
        func compared(_ normalized: String?, _ how: Score.Method) -> Score {
            Score(
                extracted: extraction,
                normalized: normalized,
                isCorrect: normalized == problem.answer,
                how: normalized == nil ? .none : how
            )
        }
        switch problem.answerType {
        case .choice: return publishedChoice(extraction, problem)
        case .integer: return compared(PythonNumber.truncated(extraction), .number)
        // The precision in the data is 1.0. The current script truncates it to 1; an earlier one failed here.
        case .float(let precision):
            return compared(PythonNumber.float(extraction).map { String(PythonNumber.round($0, precision)) }, .number)
        case .list: return compared(extraction, .list)
        case .text: return compared(extraction, .text)
        }
    }

    private static func extraction(_ output: ModelOutput, _ problem: Problem) -> String {
        let response = output.response
        if response.isEmpty || problem.choices.contains(response) { return response }
        if problem.answerType == .integer, let whole = PythonNumber.integer(response) { return whole }
        if case .float = problem.answerType, let value = PythonNumber.float(response) { return String(value) }
        if let quoted = response.firstMatch(of: /The answer is "(.*)"\./) { return String(quoted.1) }
        return output.answer ?? ""
    }

    private static func publishedChoice(_ extraction: String, _ problem: Problem) -> Score {
        var text = extraction.trimmingCharacters(in: .whitespacesAndNewlines)
        if let letter = text.firstMatch(of: /\(([a-zA-Z])\)/) { text = letter.1.uppercased() }
        if let index = problem.choices.indices.first(where: { Problem.letter($0) == text }) {
            return .choice(index, of: problem, extracted: extraction, how: .letter)
        }
        // The first of the nearest choices; an empty text is nearest to the shortest choice.
        let distances = problem.choices.map { levenshteinDistance(text, $0) }
        guard let least = distances.min(), let index = distances.firstIndex(of: least) else {
            return .nothing(extraction)
        }
        return .choice(index, of: problem, extracted: extraction, how: least == 0 ? .statedChoice : .nearestChoice)
    }
}
