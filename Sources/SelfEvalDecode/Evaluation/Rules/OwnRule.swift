/// The rule for problems in this package's own columns: the answer's type decides how it is compared.
///
/// Whole numbers must be equal, not cut: 4.7 is neither 4 nor 5. There is no other script, so both variants are the same.
enum OwnRule {
    static func score(_ output: ModelOutput, _ problem: Problem) -> Score {
        AnswerReader(output).score(for: problem) { $0 }
    }
}
