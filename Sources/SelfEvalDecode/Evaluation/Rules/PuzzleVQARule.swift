/// PuzzleVQA's rule: the option whose letter the output gives, compared with the answer's text. The corrected variant
/// is the common reading of choices.
enum PuzzleVQARule {
    static func published(_ output: ModelOutput, _ problem: Problem) -> Score {
        let response = output.response
        // The last letter from A to D in parentheses, or else the last capital from A to D anywhere, inside words too.
        let letter =
            response.matches(of: /\(([A-D])\)/).last.map { String($0.1) }
            ?? response.matches(of: /[A-D]/).last.map { String($0.0) }
        guard let letter else { return .nothing(response) }
        if let index = problem.choices.indices.first(where: { Problem.letter($0) == letter }) {
            return .choice(index, of: problem, extracted: letter, how: .letter)
        }
        return problem.choices.isEmpty
            ? .nothing(letter) : .choice(0, of: problem, extracted: letter, how: .firstChoice)
    }
}
