import EMLLMCore
import Foundation

@testable import SelfEvalDecode

/// What a scripted model says: reasonings with weights, verdicts and answers as functions of the reasoning.
struct Script {
    /// Whole reasonings, the end of the turn included; the model is their mixture. The heaviest is the greedy one.
    var reasonings: [(text: String, weight: Double)]
    /// The probability of yes among yes and no, for a reasoning without its trailing white space; "N/A" is the empty step.
    var verdict: (String) -> Double = { _ in 0.9 }
    /// The probability of yes or no at all.
    var mass: (String) -> Double = { _ in 0.8 }
    /// What is said after "The answer is".
    var answer: (String) -> String = { _ in " forty-two.<|im_end|>" }
    /// How much the word offered first gains in ℓ.
    var orderBias = 0.0
    var tokenizer: Tokenizer

    init(
        _ reasonings: [(text: String, weight: Double)],
        tokenizer: Tokenizer? = nil
    ) throws {
        self.reasonings = reasonings
        self.tokenizer = try tokenizer ?? TestVocabulary.makeTokenizer()
    }

    init(_ reasoning: String) throws { try self.init([(reasoning, 1)]) }

    func makeModel(contextLength: Int = 4096) -> ScriptedModel {
        ScriptedModel(contextLength: contextLength) { [self] in logits(after: $0) }
    }

    private func logits(after tokens: [TokenID]) -> Logits {
        let text = tokenizer.decode(tokens, skippingSpecialTokens: false)
        let turns = text.components(separatedBy: "<|im_start|>assistant\n")
        // The turn being written, as tokens: it may end in the middle of a character.
        let opening = tokenizer.encode([.trusted("<|im_start|>assistant\n")])
        let start = tokens.lastIndex(of: opening[0]).map { $0 + opening.count } ?? tokens.count
        let current = tokens[min(start, tokens.count)...]
        guard turns.count > 2 else { return mixture(reasonings, after: current) }
        let reasoning = turns[1].components(separatedBy: "<|im_end|>")[0]
        if turns[1].contains("correct?") {
            return verdictLogits(reasoning, positiveFirst: turns[1].contains("Yes or No"))
        }
        let prefix = tokenizer.encode([.trusted("The answer is")])
        return mixture([(answer(reasoning), 1)], after: current.dropFirst(prefix.count))
    }

    private func verdictLogits(_ reasoning: String, positiveFirst: Bool) -> Logits {
        let probability = verdict(reasoning)
        let logit = log(probability / (1 - probability)) + (positiveFirst ? orderBias : -orderBias)
        let yes = 1 / (1 + exp(-logit))
        let mass = mass(reasoning)
        let words = [("Yes", mass * yes), ("No", mass * (1 - yes)), ("x", 1 - mass)]
        return distribution(words.map { (tokenizer.encode($0.0)[0], $0.1) })
    }

    /// The next token of a mixture of texts, given the tokens of their beginning.
    private func mixture(_ texts: [(text: String, weight: Double)], after known: some Collection<TokenID>) -> Logits {
        var next: [TokenID: Double] = [:]
        for (text, weight) in texts {
            let tokens = tokenizer.encode([.trusted(text)])
            guard tokens.starts(with: known) else { continue }
            let token = tokens.count > known.count ? tokens[known.count] : tokenizer.token(forSpecial: "<|im_end|>")
            if let token { next[token, default: 0] += weight }
        }
        if next.isEmpty, let end = tokenizer.token(forSpecial: "<|im_end|>") { next[end] = 1 }
        return distribution(next.map { ($0.key, $0.value) })
    }

    private func distribution(_ entries: [(TokenID, Double)]) -> Logits {
        var values = [Float](repeating: -60, count: tokenizer.vocabularySize)
        for (token, probability) in entries where probability > 0 { values[Int(token)] = Float(log(probability)) }
        return Logits(values)
    }

}

/// Everything that a scripted run leaves behind.
struct ScriptedRun {
    let trace: Trace
    let events: [DecodeEvent]
    let model: ScriptedModel

    /// Runs a question on a model. Each token that is processed takes a millisecond.
    init(
        _ model: ScriptedModel,
        tokenizer: Tokenizer,
        options: SelfEvalOptions,
        question: String = "What is it?",
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws {
        var events: [DecodeEvent] = []
        let search = try VerifySearch(
            model: model,
            tokenizer: tokenizer,
            template: ChatTemplate(TestVocabulary.chatML),
            identity: ModelIdentity(
                provenance: Provenance(name: "scripted"),
                family: "script",
                vocabularySize: tokenizer.vocabularySize,
                weightBytes: 0,
                activations: .f32
            ),
            question: question,
            system: nil,
            options: options,
            clock: { Double(model.processed) / 1000 }
        ) {
            events.append($0)
            onEvent($0)
        }
        trace = try search.run()
        self.events = events
        self.model = model
    }

    init(
        _ script: Script,
        options: SelfEvalOptions = .test,
        contextLength: Int = 4096,
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws {
        try self.init(
            script.makeModel(contextLength: contextLength),
            tokenizer: script.tokenizer,
            options: options,
            onEvent: onEvent
        )
    }

    /// The decisions in the order they were taken.
    var decisions: [Step.Decision?] { trace.steps.map(\.decision) }
}

extension SelfEvalOptions {
    /// A token is a byte here, so steps and budgets are longer than with a real vocabulary; no prior, so that a script's
    /// probabilities are the verdicts'.
    static var test: SelfEvalOptions {
        SelfEvalOptions(
            segmenter: StepSegmenter(boundaries: [.line], minimumTokens: 1, maximumTokens: 200),
            revisionTemperature: 1,
            revisionTopP: 1,
            subtractsPrior: false,
            budget: Budget(tokens: 8000)
        )
    }
}
