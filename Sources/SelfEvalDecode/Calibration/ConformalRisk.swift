/// Thresholds for abstaining, with a guarantee from held-out data.
public enum ConformalRisk {
    /// The smallest confidence at which to answer so that **P(answered and wrong)** is at most `risk`.
    ///
    /// Conformal risk control (arXiv 2208.02814) with a loss of 1 for an answer that is given (confidence ≥ t) and
    /// wrong, and 0 otherwise. This loss never grows with t. The result is the smallest t with n/(n+1) · R̂(t) +
    /// 1/(n+1) ≤ α, where R̂ is the mean loss over the n held-out questions.
    ///
    /// The guarantee concerns the share of *all* questions that get a wrong answer, on average over held-out sets and a
    /// new question from the same distribution. It does **not** concern the error rate among the answered questions,
    /// which is higher: a model that answers a tenth of the questions, half of them wrongly, has a risk of 0.05. Nor
    /// does it hold for questions of another kind, or if the held-out data were used to fit the confidence or to choose
    /// `risk`.
    ///
    /// ```swift
    /// let threshold = ConformalRisk.threshold(confidences: confidences, isCorrect: isCorrect, risk: 0.1)
    /// let isAnswered = threshold.map { confidence >= $0 } ?? false
    /// ```
    ///
    /// - Parameters:
    ///   - confidences: one for each held-out question, in 0...1. A question whose confidence is NaN is never answered.
    ///   - isCorrect: whether its answer is right.
    ///   - risk: α, the largest share of questions that may be answered wrongly.
    /// - Returns: the threshold: 0 if every question may be answered; above the confidence of every wrong answer if
    ///   none of them may be given; `nil` if n + 1 < 1/α, where not even answering nothing is enough.
    /// - Complexity: O(n log n).
    public static func threshold(confidences: [Double], isCorrect: [Bool], risk: Double) -> Double? {
        precondition(confidences.count == isCorrect.count, "every confidence has its answer's verdict")
        let wrong = zip(confidences, isCorrect).filter { !$0.1 && !$0.0.isNaN }.map(\.0).sorted(by: >)
        /// Whether this many wrong answers may be given. It divides, since α · (n + 1) would be rounded.
        func isAllowed(_ wrongAnswers: Int) -> Bool {
            Double(wrongAnswers + 1) / Double(confidences.count + 1) <= risk
        }
        guard isAllowed(0) else { return nil }
        guard !isAllowed(wrong.count) else { return 0 }
        // The first wrong answer that exceeds the limit, and all of equal confidence, must stay below t.
        let excess = (1...wrong.count).first { !isAllowed($0) } ?? wrong.count
        return wrong[excess - 1].nextUp
    }
}
