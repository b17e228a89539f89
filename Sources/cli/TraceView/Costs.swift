import SelfEvalDecode

/// The cost of a run for one purpose.
struct Cost<Amount: AdditiveArithmetic & Comparable> {
    /// The purpose, for a table.
    let purpose: String
    /// The same in a word or two.
    let short: String
    let group: CostGroup
    let amount: Amount
}

/// Purposes that belong together share a colour.
enum CostGroup: String { case question, standing, aside, again, evaluation, answer, other }

extension Cost<Int> {
    /// Tokens by purpose. Purposes without a cost are left out.
    static func tokens(_ counts: TokenCounts) -> [Cost<Int>] {
        [
            Cost(purpose: "The question’s prompt", short: "question", group: .question, amount: counts.prompt),
            Cost(
                purpose: "Steps that stand",
                short: "standing",
                group: .standing,
                amount: min(counts.accepted, counts.generated)
            ),
            Cost(
                purpose: "Steps that do not stand",
                short: "others",
                group: .aside,
                amount: max(0, counts.generated - counts.accepted)
            ),
            Cost(purpose: "Further views of the pictures", short: "views", group: .again, amount: counts.views),
            Cost(purpose: "Steps processed once more", short: "once more", group: .again, amount: counts.recomputed),
            Cost(purpose: "Verdicts", short: "verdicts", group: .evaluation, amount: counts.evaluation),
            Cost(purpose: "Reflections", short: "reflections", group: .evaluation, amount: counts.reflection),
            Cost(
                purpose: "Verdicts without the picture",
                short: "image-free",
                group: .evaluation,
                amount: counts.contrast
            ),
            Cost(purpose: "Asking for the answer", short: "asking", group: .answer, amount: counts.answerPrompt),
            Cost(purpose: "The answer", short: "answer", group: .answer, amount: counts.answer),
        ].filter { $0.amount > 0 }
    }
}

extension Cost<Double> {
    /// Seconds by purpose. Purposes without a cost are left out.
    static func seconds(_ seconds: Seconds) -> [Cost<Double>] {
        let named = seconds.prompt + seconds.generation + seconds.views + seconds.evaluation + seconds.answer
        return [
            Cost(purpose: "The question’s prompt", short: "question", group: .question, amount: seconds.prompt),
            Cost(purpose: "Writing steps", short: "writing", group: .standing, amount: seconds.generation),
            Cost(purpose: "Further views of the pictures", short: "views", group: .again, amount: seconds.views),
            Cost(purpose: "Evaluating steps", short: "evaluation", group: .evaluation, amount: seconds.evaluation),
            Cost(purpose: "The answer", short: "answer", group: .answer, amount: seconds.answer),
            Cost(purpose: "Everything else", short: "else", group: .other, amount: max(0, seconds.total - named)),
        ].filter { $0.amount > 0 }
    }
}
