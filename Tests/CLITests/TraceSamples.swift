import EMLLMCore
import Foundation

@testable import SelfEvalDecode

/// Traces that are made by hand, event by event, for looking at.
struct TraceSample {
    private(set) var trace: Trace
    /// Whether every event followed from those before it.
    private(set) var isSound = true
    /// How many texts were begun after each node.
    private var begun: [Int: Int] = [:]

    init(
        _ question: String,
        options: SelfEvalOptions = SelfEvalOptions(),
        imageNames: [String]? = nil,
        name: String = "Tiny 0.5B"
    ) {
        trace = Trace(
            TraceHeader(
                model: ModelIdentity(
                    provenance: Provenance(name: name, license: "apache-2.0", sourceFile: "tiny-q8_0.gguf"),
                    family: "llama",
                    vocabularySize: 49280,
                    weightBytes: 540_123_456,
                    weightsDigest: String(repeating: "0123456789abcdef", count: 4),
                    activations: .q8
                ),
                question: question,
                options: options,
                images: imageNames?.compactMap { _ in Self.picture },
                imageNames: imageNames,
                prompt: Array(1...40),
                costs: .init(evaluation: 14, prior: 17, chainEvaluation: 15, answer: 9),
                contextLength: 2048
            )
        )
    }

    /// What is known of a picture; its memberwise initializer takes one that was encoded.
    private static var picture: ImageUsage? {
        let json =
            #"{"contentHash": "fedcba9876543210", "tokens": 64, "patches": 1024, "encodeSeconds": 0.8, "wasReused": false}"#
        return try? JSONDecoder().decode(ImageUsage.self, from: Data(json.utf8))
    }

    mutating func apply(_ event: DecodeEvent) { isSound = trace.apply(event) && isSound }

    /// Adds a text; its evaluation and what is made of it are events of their own, as in a run.
    ///
    /// - Returns: its id.
    @discardableResult
    mutating func write(
        _ text: String,
        after parent: Int,
        score: Double? = nil,
        mass: Double = 0.9,
        imageFree: Double? = nil,
        decision: StepNode.Decision? = nil,
        rejection: StepNode.Rejection? = nil,
        kind: StepNode.Kind = .step,
        hint: StepNode.Hint? = nil,
        continues: Bool = false
    ) -> Int {
        let id = trace.nodes.count + 1
        let ordinal = begun[parent, default: 0]
        begun[parent] = ordinal + 1
        var node = StepNode(
            id: id,
            parent: parent,
            ordinal: ordinal,
            continues: continues,
            kind: kind,
            temperature: ordinal == 0 ? 0 : 0.8,
            hint: hint
        )
        node.text = text
        node.tokens = text.utf8.prefix(24).map { TokenID($0) }
        node.written = node.tokens.count + 1
        node.end = .sentence
        node.meanLogProbability = -0.25
        node.windowConfidence = -0.75
        node.rejection = rejection
        apply(.candidate(node))
        if let score {
            let logit = log(score / (1 - score))
            let verdict = Verdict(
                logit: logit,
                probability: score,
                mass: mass,
                isInformative: mass >= 0.1,
                orderLogits: [logit + 0.5]
            )
            let evaluation = StepEvaluation(
                verdict: verdict,
                imageFreeLogit: imageFree,
                score: mass >= 0.1 ? score : nil
            )
            apply(.evaluation(node: id, evaluation))
        }
        if let decision { apply(.step(node: id, decision)) }
        return id
    }

    mutating func reflect(on node: Int, _ text: String) -> Int {
        let id = trace.reflections.count
        apply(.reflection(Reflection(id: id, node: node, text: text, tokens: [7, 8, 9])))
        return id
    }

    mutating func takeBack(_ node: Int, from: Int, best: Double) {
        for taken in trace.line(to: from).drop(while: { $0.id != node }) { apply(.step(node: taken.id, .abandoned)) }
        apply(.backtrack(Backtrack(from: from, to: node, bestScore: best)))
    }

    mutating func propose(_ text: String, after node: Int) {
        apply(.proposal(Answer(text: text, source: .reasoning, node: node, tokens: [])))
    }

    mutating func conclude(
        _ text: String,
        after node: Int,
        confidence: Double? = nil,
        isAbstention: Bool = false,
        stop: ReasoningStopReason = .answered
    ) {
        apply(.info(.reasoningStopped(stop)))
        var answer = Answer(text: text, source: stop == .answered ? .reasoning : .asked, node: node, tokens: [])
        answer.confidence = confidence
        answer.isAbstention = isAbstention
        apply(.answer(answer))
        finish(.answered, path: trace.line(to: node).map(\.id))
    }

    mutating func finish(_ outcome: TraceSummary.Outcome, path: [Int]) {
        let written = trace.nodes.reduce(0) { $0 + $1.written }
        let accepted = path.compactMap { trace[$0]?.tokens.count }.reduce(0, +)
        let summary = TraceSummary(
            outcome: outcome,
            path: path,
            counts: TokenCounts(
                prompt: 312,
                generated: written,
                accepted: accepted,
                recomputed: 21,
                evaluation: 14 * trace.nodes.count,
                reflection: 30 * trace.reflections.count,
                answerPrompt: 9,
                answer: 4
            ),
            seconds: Seconds(prompt: 1.42, generation: 3.1, evaluation: 0.84, answer: 0.12, total: 5.61),
            passes: 214
        )
        apply(.info(.finished(summary)))
    }
}

extension TraceSample {
    /// Step by step, with a revision, a step taken back, a reflection and a kept step.
    static func verification(_ options: SelfEvalOptions = SelfEvalOptions(), imageNames: [String]? = nil) -> TraceSample
    {
        var sample = TraceSample(
            "Tom has 3 bags with 4 apples each. He eats 2. How many apples are left?",
            options: options,
            imageNames: imageNames
        )
        let bags = sample.write(
            "Tom has 3 bags with 4 apples each, so he has 12 apples.",
            after: 0,
            score: 0.71,
            decision: .accepted
        )
        sample.write("He eats 2 apples, so 14 are left.", after: bags, score: 0.22, decision: .rejected)
        sample.write("He eats 2 apples, so 14 are left.", after: bags, decision: .rejected, rejection: .duplicate)
        let wrong = sample.write("He eats 2 of the 4 apples in one bag.", after: bags, score: 0.44, decision: .kept)
        sample.write(
            "So 3 bags of 2 apples are left, which is 6.",
            after: wrong,
            score: 0.12,
            imageFree: -1.5,
            decision: .rejected
        )
        sample.write("Two bags are left.", after: wrong, score: 0.08, decision: .rejected)
        sample.takeBack(wrong, from: wrong, best: 0.12)
        let reason = sample.reflect(on: wrong, "It speaks of one bag, but the question asks about all of them.")
        let eaten = sample.write(
            "He eats 2 apples, so 12 - 2 = 10 are left.",
            after: bags,
            score: 0.64,
            imageFree: 0.2,
            decision: .accepted,
            hint: .reflection(id: reason)
        )
        sample.write("   \n", after: eaten, decision: .rejected, rejection: .empty)
        let check = sample.write(
            "Nothing else changes the number of apples.",
            after: eaten,
            score: 0.36,
            decision: .kept
        )
        let last = sample.write("The answer is 10.", after: check, score: 0.83, decision: .accepted)
        sample.conclude("10", after: last, confidence: 0.64)
        return sample
    }

    /// Five chains, of which three say the same.
    static func vote() -> TraceSample {
        var sample = TraceSample(
            "A shirt costs 20 dollars. What do three of them cost with 10 % off?",
            options: SelfEvalOptions(strategy: .vote, evaluatesChains: true, abstainBelow: 0.7)
        )
        let chains =
            [
                ("60 dollars less 6 is 54.", "54"), ("20 less 10 is 10, times 3 is 30.", "30"),
                ("18 times 3 is 54.", "54"),
            ]
            + [("3 times 20 is 60.", "60"), ("Each costs 18, together 54.", "54")]
        var leaves: [Int] = []
        for (index, chain) in chains.enumerated() {
            let first = sample.write(
                "Chain \(index + 1): three shirts at 20 dollars each.",
                after: 0,
                score: 0.5 + 0.08 * Double(index)
            )
            let second = sample.write(chain.0, after: first, score: 0.9 - 0.15 * Double(index), continues: true)
            leaves.append(sample.write("The answer is \(chain.1).", after: second, score: 0.55, continues: true))
        }
        for node in sample.trace.nodes { sample.apply(.step(node: node.id, .written)) }
        for (leaf, chain) in zip(leaves, chains) { sample.propose(chain.1, after: leaf) }
        let kept = Set(sample.trace.line(to: leaves[2]).map(\.id))
        for node in sample.trace.nodes where !kept.contains(node.id) { sample.apply(.step(node: node.id, .abandoned)) }
        sample.conclude("54", after: leaves[2], confidence: 0.6, isAbstention: true)
        return sample
    }

    /// Evaluations that the model writes beside its steps; one makes it write a step again.
    static func inlineEvaluation() -> TraceSample {
        var sample = TraceSample("Which bar is the highest?", options: SelfEvalOptions(strategy: .seat, prompts: .seat))
        let seen = sample.write("The chart has three bars: A, B and C.", after: 0, decision: .written)
        let flawed = sample.write("B is the highest, at 30.", after: seen, score: 0.2)
        let doubt = sample.write(
            "[self-evaluation-start: C reaches 40. Evaluation: Refine self-evaluation-end]",
            after: flawed,
            kind: .evaluation
        )
        let better = sample.write(
            "C is the highest, at 40.",
            after: seen,
            decision: .written,
            hint: .evaluation(node: doubt)
        )
        sample.apply(.step(node: flawed, .rejected))
        sample.apply(.step(node: doubt, .abandoned))
        let check = sample.write(
            "[self-evaluation-start: 40 is above 30 and 10. Evaluation: Accept self-evaluation-end]",
            after: better,
            decision: .written,
            kind: .evaluation
        )
        let last = sample.write("The answer is C.", after: check, decision: .written)
        sample.conclude("C", after: last, confidence: 0.78)
        return sample
    }

    /// Three lines that branch again and again.
    static func beam() -> TraceSample {
        var sample = TraceSample("How many squares are there?", options: SelfEvalOptions(strategy: .beam))
        var lines = (1...3).map {
            sample.write("Line \($0) counts the small squares.", after: 0, score: 0.3 + 0.1 * Double($0))
        }
        for round in 2...4 {
            let candidates = lines.flatMap { line in
                (1...2).map {
                    sample.write(
                        "Round \(round), text \($0) after \(line).",
                        after: line,
                        score: 0.2 * Double($0) + 0.15
                    )
                }
            }
            lines = [candidates[1], candidates[3], candidates[0]]
        }
        let path = sample.trace.line(to: lines[1]).map(\.id)
        for node in sample.trace.nodes {
            sample.apply(.step(node: node.id, path.contains(node.id) ? .accepted : .abandoned))
        }
        sample.conclude("14", after: lines[1], confidence: 0.51, stop: .maximumSteps)
        return sample
    }

    /// A run that was stopped while a step was being evaluated.
    static func cancelled() -> TraceSample {
        var sample = TraceSample("What is 17 times 23?")
        let first = sample.write("17 times 20 is 340.", after: 0, score: 0.8, decision: .accepted)
        sample.write("17 times 3 is 41.", after: first, score: 0.3)
        sample.write("17 times 3 is 51.", after: first)
        sample.finish(.cancelled, path: [])
        return sample
    }

    /// Texts that try to be markup, to steer a terminal, and to turn the direction of writing around.
    static let hostileTexts = [
        "</p></article></main><script>alert(1)</script>", "<img src=x onerror=alert(2)>",
        "</style><style>body{display:none}",
        "\" onmouseover=\"alert(3)", "' autofocus onfocus='alert(4)", "&lt;b&gt; &amp; &#60;script&#62;",
        "]]><!-- --> <!--",
        "\u{1B}[31mred\u{1B}[0m\u{7}\u{0}", "\u{202E}txet desrever\u{202C} \u{2066}isolate\u{2069}",
        "javascript:alert(5)",
        "<svg><a href=\"https://example.org\">x</a></svg>", "文字列はとても長いので折り返されるべきです。👩‍👩‍👧‍👦🇩🇪",
        String(repeating: "x", count: 300),
        "{question} {{7*7}} ${7*7} %s %@", "</title></textarea></noscript>", "مرحبا بالعالم 123",
    ]

    /// The same texts at every place where one can stand.
    static func hostile() -> TraceSample {
        let all = hostileTexts.joined(separator: "\n")
        var prompts = PromptPack(name: all)
        prompts.system = all
        prompts.reason = all
        prompts.evaluate = all
        prompts.evaluateChain = all
        prompts.reflect = all
        prompts.refine = all
        prompts.rework = all
        prompts.answer = all
        prompts.answerPattern = all
        prompts.verdict = .init(positive: all, negative: all)
        prompts.emptyStep = all
        prompts.step.delimiters = [all]
        prompts.markers = EvaluationMarkers(start: all, verdict: all, accept: all, refine: all, end: all)
        var sample = TraceSample(all, options: SelfEvalOptions(prompts: prompts), imageNames: [all], name: all)
        var last = 0
        for text in hostileTexts {
            sample.write(text, after: last, score: 0.1, decision: .rejected)
            let node = sample.write(text, after: last, score: 0.6, decision: .accepted)
            _ = sample.reflect(on: node, text)
            sample.write(text, after: node, decision: .written, kind: .evaluation)
            sample.propose(text, after: node)
            last = node
        }
        sample.conclude(all, after: last, confidence: 0.1, isAbstention: true)
        return sample
    }
}
