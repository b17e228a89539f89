/// Thresholds for abstaining, with a guarantee from held-out data.
public enum ConformalRisk {
    /// The smallest confidence that may be answered so that **P(answered and wrong)** is at most `risk`.
    ///
    /// Conformal risk control (arXiv 2208.02814) with the loss 1 for an answer that is given (confidence ≥ t) and
    /// wrong, else 0, which never grows with t: the smallest t with n/(n+1) · R̂(t) + 1/(n+1) ≤ α, where R̂ is the mean
    /// loss over the n held-out questions.
    ///
    /// The guarantee is on the share of *all* questions that get a wrong answer, on average over held-out sets and over
    /// a question drawn like them. It is **not** on the error among the questions that are answered, which is larger: a
    /// model that answers a tenth of the questions, half of them wrongly, has a risk of 0.05. Nor does it hold for
    /// questions of another kind, or where the held-out data served to fit the confidence or to choose `risk`.
    ///
    /// ```swift
    /// let threshold = ConformalRisk.threshold(confidences: confidences, isCorrect: isCorrect, risk: 0.1)
    /// let isAnswered = threshold.map { confidence >= $0 } ?? false
    /// ```
    ///
    /// - Parameters:
    ///   - confidences: one for each held-out question, in 0...1. One that is no number is never answered.
    ///   - isCorrect: whether its answer is right.
    ///   - risk: α, the greatest share of questions that may be answered wrongly.
    /// - Returns: the threshold: 0 where every question may be answered, above every wrong answer's confidence where no
    ///   wrong one may; `nil` where not even silence is enough, which is where n + 1 < 1/α.
    /// - Complexity: O(n log n).
    public static func threshold(confidences: [Double], isCorrect: [Bool], risk: Double) -> Double? {
        precondition(confidences.count == isCorrect.count, "every confidence has its answer's verdict")
        let wrong = zip(confidences, isCorrect).filter { !$0.1 && !$0.0.isNaN }.map(\.0).sorted(by: >)
        /// Whether so many wrong answers may be given. A quotient, since α · (n + 1) would be rounded.
        func isAllowed(_ wrongAnswers: Int) -> Bool {
            Double(wrongAnswers + 1) / Double(confidences.count + 1) <= risk
        }
        guard isAllowed(0) else { return nil }
        guard !isAllowed(wrong.count) else { return 0 }
        // The first wrong answer that is one too many, and all that are as sure as it, have to stay below t.
        let excess = (1...wrong.count).first { !isAllowed($0) } ?? wrong.count
        return wrong[excess - 1].nextUp
    }
}
