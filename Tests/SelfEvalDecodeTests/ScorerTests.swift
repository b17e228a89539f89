import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Verdicts from logits")
struct ScorerTests {
    private let tokenizer: Tokenizer
    private let tokens: VerdictTokens

    init() throws {
        tokenizer = try TestVocabulary.makeTokenizer()
        tokens = try VerdictTokens(positive: "Yes", negative: "No", tokenizer: tokenizer)
    }

    private func logits(_ values: [String: Double], others: Double = -60) -> Logits {
        var result = [Float](repeating: Float(others), count: tokenizer.vocabularySize)
        for (text, value) in values { result[Int(tokenizer.encode(text)[0])] = Float(value) }
        return Logits(result)
    }

    private func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-5 }

    @Test("every spelling that is one token counts")
    func spellings() {
        let spelled = { (ids: [TokenID]) in Set(ids.map { tokenizer.decode([$0]) }) }
        #expect(spelled(tokens.positive) == ["Yes", " Yes", "yes"])
        #expect(spelled(tokens.negative) == ["No", " No", "no"])
    }

    @Test("words that are not single tokens count through their first tokens")
    func firstTokens() throws {
        let found = try VerdictTokens(positive: "Correct", negative: "Wrong", tokenizer: tokenizer)
        #expect(Set(found.positive.map { tokenizer.decode([$0]) }) == ["C", "c"])
        #expect(Set(found.negative.map { tokenizer.decode([$0]) }) == ["W", "w"])
    }

    @Test("words that begin alike are an error")
    func indistinct() {
        #expect {
            try VerdictTokens(positive: "Correct", negative: "Crooked", tokenizer: tokenizer)
        } throws: { ($0 as? EMLLMError)?.code == .indistinctVerdictWords }
    }

    @Test("ℓ is the difference of the log-sum-exps, the mass their probability")
    func formula() {
        let scorer = StepScorer(tokens: tokens, minimumMass: 0.5)
        let values = ["Yes": 0.3, " Yes": 0.1, "No": 0.05, " No": 0.05, "x": 0.5].mapValues(log)
        let verdict = scorer.verdict(from: [logits(values)])
        #expect(isClose(verdict.logit, log(0.4 / 0.1)))
        #expect(isClose(verdict.probability, 0.8))
        #expect(isClose(verdict.mass, 0.5))
        // Adding a constant to all logits changes nothing.
        let shifted = scorer.verdict(from: [logits(values.mapValues { $0 + 7 }, others: -53)])
        #expect(isClose(shifted.probability, 0.8))
        #expect(isClose(shifted.mass, 0.5))
    }

    @Test("a verdict of little mass is not informative")
    func mass() {
        let values = ["Yes": 0.05, "No": 0.01, "x": 0.94].mapValues(log)
        #expect(!StepScorer(tokens: tokens, minimumMass: 0.1).verdict(from: [logits(values)]).isInformative)
        #expect(StepScorer(tokens: tokens, minimumMass: 0.05).verdict(from: [logits(values)]).isInformative)
    }

    @Test("both orders are averaged in ℓ, so that a constant preference for the first word cancels out")
    func orders() {
        let scorer = StepScorer(tokens: tokens, minimumMass: 0)
        let verdict = scorer.verdict(from: [logits(["Yes": 2, "No": 0]), logits(["Yes": -1, "No": 0])])
        #expect(isClose(verdict.logit, 0.5))
        #expect(verdict.orderLogits.count == 2)
    }

    @Test("the prior is subtracted order by order")
    func prior() {
        let scorer = StepScorer(tokens: tokens, minimumMass: 0, prior: [1.5, 0.5])
        let verdict = scorer.verdict(from: [logits(["Yes": 2, "No": 0]), logits(["Yes": 1, "No": 0])])
        #expect(isClose(verdict.logit, 0.5))
        #expect(isClose(verdict.orderLogits[0], 2), "what was read is kept as it was")
    }

    // MARK: Scores

    private func node(_ tokens: Int, mean: Double, window: Double) -> StepNode {
        var node = StepNode(id: 1, parent: 0, ordinal: 0, continues: false, kind: .step, temperature: 0)
        node.tokens = [TokenID](repeating: 0, count: tokens)
        node.meanLogProbability = mean
        node.windowConfidence = window
        return node
    }

    private func evaluation(logit: Double, imageFree: Double? = nil, isInformative: Bool = true) -> StepEvaluation {
        let probability = 1 / (1 + exp(-logit))
        let verdict = Verdict(
            logit: logit,
            probability: probability,
            mass: 1,
            isInformative: isInformative,
            orderLogits: [logit]
        )
        let probe = AnswerProbe(text: "4", meanLogProbability: -0.5)
        return StepEvaluation(verdict: verdict, imageFreeLogit: imageFree, probe: probe)
    }

    @Test("a score is the logistic function of the weighted signals and the intercept")
    func score() throws {
        let weights = ScoreWeights(
            [.verdict: 2, .sequence: 3, .line: 0.5, .window: 0.25, .probe: 4, .contrast: 0.1],
            intercept: 1
        )
        let step = node(10, mean: -0.2, window: -0.8)
        let found = weights.score(
            step,
            evaluation(logit: 0.7, imageFree: 0.2),
            lineLogProbability: -3,
            calibration: nil
        )
        let parts: [Double] = [2 * 0.7, 3 * -0.2, 0.5 * -3, 0.25 * -0.8, 4 * -0.5, 0.1 * (0.7 - 0.2), 1]
        let sum = parts.reduce(0, +)
        #expect(isClose(try #require(found), 1 / (1 + exp(-sum))))
        let curve = Calibration.platt(PlattScaling(slope: 0.5, intercept: -1))
        let calibrated = weights.score(step, evaluation(logit: 0.7), lineLogProbability: -3, calibration: curve)
        let other: Double = sum - parts[0] - parts[5] + 2 * (0.5 * 0.7 - 1)
        #expect(isClose(try #require(calibrated), 1 / (1 + exp(-other))))
    }

    @Test("a verdict that says nothing leaves the other signals; without any there is no score")
    func silence() throws {
        let step = node(10, mean: -0.2, window: -0.8)
        let silent = evaluation(logit: 5, isInformative: false)
        #expect(ScoreWeights.verdictAlone.score(step, silent, lineLogProbability: -1, calibration: nil) == nil)
        #expect(
            ScoreWeights([.verdict: 1], intercept: 2).score(step, silent, lineLogProbability: -1, calibration: nil)
                == nil
        )
        let weights = ScoreWeights([.verdict: 1, .line: 2], intercept: 0.5)
        let found = weights.score(step, silent, lineLogProbability: -1, calibration: nil)
        #expect(isClose(try #require(found), 1 / (1 + exp(1.5))))
    }

    @Test("weights beyond all measure give a probability or none")
    func extremeWeights() {
        let step = node(10, mean: -100, window: -100)
        for weights: ScoreWeights in [[.sequence: 1e308, .window: -1e308], [.line: 1e308], [.line: -1e308]] {
            let score = weights.score(step, evaluation(logit: 1), lineLogProbability: -100, calibration: nil)
            #expect(score.map { (0...1).contains($0) } ?? true)
        }
    }

    @Test("weights are read where they are named, and names that are none are an error")
    func weightsInJSON() throws {
        func read(_ text: String) throws -> ScoreWeights {
            try JSONDecoder().decode(ScoreWeights.self, from: Data(text.utf8))
        }
        let old = try read(#"{"contrast":0,"probe":0,"sequence":0,"verdict":1,"window":0}"#)
        #expect(old == .verdictAlone)
        let weights = try read(#"{"verdict":1,"line":0.5,"intercept":2}"#)
        #expect(weights == ScoreWeights([.verdict: 1, .line: 0.5], intercept: 2))
        #expect(try JSONDecoder().decode(ScoreWeights.self, from: JSONEncoder().encode(weights)) == weights)
        #expect(throws: DecodingError.self) { try read(#"{"verdict":1,"lines":0.5}"#) }
        #expect(throws: DecodingError.self) { try read(#"{"verdict":"much"}"#) }
    }

    @Test("impossible words give finite numbers", arguments: [-Float.infinity, -1e30])
    func extremes(value: Float) {
        let scorer = StepScorer(tokens: tokens, minimumMass: 0.1)
        var all = [Float](repeating: value, count: tokenizer.vocabularySize)
        let silent = scorer.verdict(from: [Logits(all)])
        #expect(silent.logit == 0 && silent.probability == 0.5 && silent.mass.isFinite)
        all[Int(tokens.positive[0])] = 0
        let certain = scorer.verdict(from: [Logits(all)])
        #expect(certain.logit.isFinite && certain.probability > 0.999 && isClose(certain.mass, 1))
    }
}
