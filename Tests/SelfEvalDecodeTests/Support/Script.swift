import EMLLMCore
import Foundation

@testable import SelfEvalDecode

/// What a scripted model says: reasonings with weights, verdicts and answers as functions of the reasoning.
struct Script {
    /// Whole reasonings, the end of the turn included; the model is their mixture. The heaviest is the greedy one.
    var reasonings: [(text: String, weight: Double)]
    /// The probability of yes among yes and no, for a reasoning without its trailing white space; "N/A" is the empty step.
    var verdict: (String) -> Double = { _ in 0.9 }
    /// The same for a whole chain; `nil` takes the verdict on its last step.
    var chainVerdict: ((String) -> Double)?
    /// What is said to be wrong with a reasoning.
    var reflection: (String) -> String = { _ in "It is wrong.<|im_end|>" }
    /// What is written after a reflection on the last step of a reasoning.
    var refined: (String) -> String = { _ in "Mended.\n<|im_end|>" }
    /// What is written after a reflection on a whole reasoning.
    var reworked: (String) -> String = { _ in "Once more.\nThe answer is 8.\n<|im_end|>" }
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
        ScriptedModel(tokenizer, contextLength: contextLength) { [self] in logits(after: $0) }
    }

    fileprivate func logits(after tokens: [TokenID]) -> Logits {
        let text = tokenizer.decode(tokens, skippingSpecialTokens: false)
        let turns = text.components(separatedBy: "<|im_start|>assistant\n")
        // The turn being written, as tokens: it may end in the middle of a character.
        let opening = tokenizer.encode([.trusted("<|im_start|>assistant\n")])
        let start = tokens.lastIndex(of: opening[0]).map { $0 + opening.count } ?? tokens.count
        let current = tokens[min(start, tokens.count)...]
        guard turns.count > 2 else { return mixture(reasonings, after: current) }
        let reasoning = turns[1].components(separatedBy: "<|im_end|>")[0]
        let request = turns[turns.count - 2].components(separatedBy: "<|im_start|>user\n").last ?? ""
        func says(_ words: String) -> Bool { request.contains(words) }
        if says("correct?") {
            let probability = says("reasoning above") ? (chainVerdict ?? verdict)(reasoning) : verdict(reasoning)
            return verdictLogits(probability, mass: mass(reasoning), positiveFirst: says("Yes or No"))
        }
        if says("Was there a mistake") { return mixture([(reflection(reasoning), 1)], after: current) }
        if says("Write the last step again") { return mixture([(refined(reasoning), 1)], after: current) }
        if says("Solve it again") { return mixture([(reworked(reasoning), 1)], after: current) }
        let prefix = tokenizer.encode([.trusted("The answer is")])
        return mixture([(answer(reasoning), 1)], after: current.dropFirst(prefix.count))
    }

    private func verdictLogits(_ probability: Double, mass: Double, positiveFirst: Bool) -> Logits {
        let logit = log(probability / (1 - probability)) + (positiveFirst ? orderBias : -orderBias)
        let yes = 1 / (1 + exp(-logit))
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

    /// Runs a question on a model, or repeats a run. Each token that is processed takes a millisecond.
    init(
        _ model: ScriptedModel,
        options: SelfEvalOptions,
        question: String = "What is it?",
        pictures: Pictures? = nil,
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = [],
        repeating earlier: Trace? = nil,
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws {
        var events: [DecodeEvent] = []
        let asked = SelfEvalDecoder.Question(
            text: question,
            usage: pictures.map { [$0.usage] } ?? [],
            views: pictures
        )
        if let earlier {
            trace = try SelfEvalDecoder.replay(earlier, asked, on: model, strategy: strategy, checkers: checkers)
        } else {
            trace = try SelfEvalDecoder.run(
                asked,
                on: model,
                options: options,
                strategy: strategy,
                checkers: checkers
            ) {
                events.append($0)
                onEvent($0)
            }
        }
        self.events = events
        self.model = model
    }

    init(
        _ script: Script,
        options: SelfEvalOptions = .test,
        contextLength: Int = 4096,
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = [],
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws {
        try self.init(
            script.makeModel(contextLength: contextLength),
            options: options,
            strategy: strategy,
            checkers: checkers,
            onEvent: onEvent
        )
    }

    /// What was decided about the steps that stand, in order.
    var decisions: [StepNode.Decision?] { trace.path.map(\.decision) }
    /// The counts of the run.
    var counts: TokenCounts { trace.summary?.counts ?? TokenCounts() }
    /// Everything that was written at a place of a line, from 0.
    func candidates(at place: Int) -> [StepNode] { trace.nodes.filter { trace.line(to: $0.id).count == place + 1 } }
}

/// A picture that a script says something else about in each view.
final class Pictures: ViewEncoder {
    /// What is said at each view, the first one first.
    let scripts: [Script]
    /// Stands in the question for what is seen, and is the number of the view.
    private let numbers: [TokenID]
    let usage: ImageUsage

    static let question = "What is in picture 0?"

    init(_ scripts: [Script], encodeSeconds: Double = 0, wasReused: Bool = false) throws {
        self.scripts = scripts
        numbers = scripts.indices.map { scripts[0].tokenizer.encode("\($0)")[0] }
        usage = try .picture(encodeSeconds: encodeSeconds, wasReused: wasReused)
    }

    func prompt(_ prompt: [TokenID], inView view: Int) -> [TokenID] {
        prompt.map { [numbers] in $0 == numbers[0] ? numbers[view] : $0 }
    }

    func makeModel(contextLength: Int = 4096) -> ScriptedModel {
        ScriptedModel(scripts[0].tokenizer, contextLength: contextLength) { [self] tokens in
            scripts[view(in: tokens)].logits(after: tokens)
        }
    }

    /// The view that a question is asked in.
    func view(in tokens: [TokenID]) -> Int {
        // The question comes before anything that a script says.
        tokens.lazy.compactMap { [numbers] in numbers.firstIndex(of: $0) }.first ?? 0
    }

    /// Asks what is in the picture.
    func run(_ options: SelfEvalOptions, contextLength: Int = 4096, repeating earlier: Trace? = nil) throws
        -> ScriptedRun
    {
        try ScriptedRun(
            makeModel(contextLength: contextLength),
            options: options,
            question: Self.question,
            pictures: self,
            repeating: earlier
        )
    }
}

extension ImageUsage {
    /// Of a picture that nobody encoded.
    static func picture(encodeSeconds: Double = 0, wasReused: Bool = false) throws -> ImageUsage {
        let cost = #""encodeSeconds": \#(encodeSeconds), "wasReused": \#(wasReused)"#
        let record = #"{"contentHash": "ab", "tokens": 1, "patches": 1, \#(cost)}"#
        return try JSONDecoder().decode(ImageUsage.self, from: Data(record.utf8))
    }
}

extension ModelIdentity {
    /// Of a model that is a script.
    static func scripted(_ tokenizer: Tokenizer) -> ModelIdentity {
        ModelIdentity(
            provenance: Provenance(name: "scripted"),
            family: "script",
            vocabularySize: tokenizer.vocabularySize,
            weightBytes: 0,
            weightsDigest: "0",
            activations: .f32
        )
    }
}

extension SelfEvalOptions {
    /// A token is a byte here, so steps and budgets are longer than with a real vocabulary; no prior, so that a script's
    /// probabilities are the verdicts'. A step is a line, and a stated answer ends the chain, as in recipes of models that were
    /// trained for it.
    static var test: SelfEvalOptions {
        SelfEvalOptions(
            revisionTemperature: 1,
            revisionTopP: 1,
            checksArithmetic: false,
            subtractsPrior: false,
            budget: Budget(tokens: 8000),
            prompts: .lines(StepSegmenter(boundaries: [.line], minimumTokens: 1, maximumTokens: 200))
        )
    }
}

extension PromptPack {
    /// Prompts as of a model that was trained for them: short ones, and chains that end with the answer.
    static func lines(_ step: StepSegmenter = StepSegmenter()) -> PromptPack {
        PromptPack(
            system: "You are a helpful assistant that reasons step by step.",
            reason: "{question}",
            furtherAnswerPatterns: [],
            chainEnds: [.answer, .repetition],
            step: step
        )
    }
}
