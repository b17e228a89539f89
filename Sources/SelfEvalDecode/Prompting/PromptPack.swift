import EMLLMCore
import Foundation

/// The texts of the method as data: what asks for reasoning, for a verdict, for a better step and for the answer.
///
/// Each text is a short prompt for one task, and a separate turn of the conversation (Cas-SEAT, arXiv 2501.05662); the
/// pack ``seat`` asks for everything in one long prompt instead. The model's chat template determines which tokens open
/// and close a turn (see ``QuestionPrompts``). Packs are written as YAML or JSON files, see <doc:PromptPacks>.
public struct PromptPack: Codable, Sendable, Equatable {
    /// The name of the pack.
    public var name: String
    /// The system message if the caller gives none; `nil` leaves it to the chat template.
    public var system: String?
    /// Asks the question. `{question}` is replaced with the user's text.
    public var reason: String
    /// Asks for a verdict on the last step. `{options}` is replaced with the two words, in either order.
    public var evaluate: String
    /// Asks for a verdict on a whole chain of steps. `{options}` is replaced with the two words.
    public var evaluateChain: String
    /// Asks what is wrong, in words.
    public var reflect: String
    /// Asks for the last step again, after the mistake in it was described.
    public var refine: String
    /// Asks for the whole reasoning again, after the mistake in it was described.
    public var rework: String
    /// Asks for the answer alone.
    public var answer: String
    /// How an answer is stated, with `{answer}` in its place. The text before it begins the requested answer, and marks an
    /// answer inside the reasoning. The text after it, or the end of the line, ends the answer.
    public var answerPattern: String
    /// Other patterns in which the reasoning may state its answer, each with `{answer}` in it. The last match of any
    /// pattern counts.
    public var furtherAnswerPatterns: [String]
    /// What ends a chain besides the end of the model's turn and the budget.
    public var chainEnds: Set<ChainEnd>
    /// The words of a verdict.
    public var verdict: VerdictWords
    /// A step without content, whose verdict shows the model's bias before it has read anything; `nil` for a model that
    /// was trained to evaluate, and has no such bias.
    public var emptyStep: String?
    /// Where steps end with these prompts.
    public var step: StepSegmenter
    /// The markers around evaluations in the text of a model that writes them between its steps.
    public var markers: EvaluationMarkers

    /// What may end a chain before the model ends its turn.
    public enum ChainEnd: String, Codable, Sendable, CaseIterable {
        /// A step that states the answer.
        case answer
        /// A step that the chain already contains, or a step of white space only.
        case repetition
    }

    /// How chat models state their answers, besides ``answerPattern``.
    public static let usualAnswerPatterns = [
        "\\boxed{{answer}}", "answer is {answer}", "Answer: {answer}", "#### {answer}",
    ]

    /// The words that a verdict chooses between.
    public struct VerdictWords: Codable, Sendable, Equatable {
        /// The word for a step that is accepted.
        public var positive: String
        /// The word for a step that is rejected.
        public var negative: String

        /// Names the two words.
        public init(positive: String = "Yes", negative: String = "No") {
            self.positive = positive
            self.negative = negative
        }
    }

    /// Makes a pack; the defaults are those of ``casSEAT``.
    public init(
        name: String = "cas-seat",
        system: String? = nil,
        reason: String = "{question}\n\nReason step by step, and put your final answer within \\boxed{}.",
        evaluate: String = "Is the last step correct? Answer {options}.",
        evaluateChain: String = "Is the reasoning above correct? Answer {options}.",
        reflect: String = "Was there a mistake? Say in one sentence what is wrong.",
        refine: String = "Write the last step again, without the mistake.",
        rework: String = "Solve it again step by step, without the mistake.",
        answer: String = "What is the final answer? Be brief.",
        answerPattern: String = "The answer is {answer}",
        furtherAnswerPatterns: [String] = PromptPack.usualAnswerPatterns,
        chainEnds: Set<ChainEnd> = [],
        verdict: VerdictWords = VerdictWords(),
        emptyStep: String? = "N/A",
        step: StepSegmenter = .blocks,
        markers: EvaluationMarkers = EvaluationMarkers()
    ) {
        self.name = name
        self.system = system
        self.reason = reason
        self.evaluate = evaluate
        self.evaluateChain = evaluateChain
        self.reflect = reflect
        self.refine = refine
        self.rework = rework
        self.answer = answer
        self.answerPattern = answerPattern
        self.furtherAnswerPatterns = furtherAnswerPatterns
        self.chainEnds = chainEnds
        self.verdict = verdict
        self.emptyStep = emptyStep
        self.step = step
        self.markers = markers
    }

    enum CodingKeys: String, CodingKey {
        case name, system, reason, evaluate, evaluateChain, reflect, refine, rework, answer, answerPattern, verdict
        case emptyStep, step, markers, furtherAnswerPatterns, chainEnds
    }

    /// Names of keys in earlier versions.
    private enum FormerKey: String, CodingKey { case review }

    /// Reads a pack from a trace or from options. In earlier versions, there was only one pattern, and a chain ended at
    /// a stated answer or a repeated step.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKey.self)
        func text(_ key: CodingKeys) throws -> String { try values.decode(String.self, forKey: key) }
        self.init(
            name: try text(.name),
            system: try values.decodeIfPresent(String.self, forKey: .system),
            reason: try text(.reason),
            evaluate: try text(.evaluate),
            evaluateChain: try former.decodeIfPresent(String.self, forKey: .review) ?? text(.evaluateChain),
            reflect: try text(.reflect),
            refine: try text(.refine),
            rework: try text(.rework),
            answer: try text(.answer),
            answerPattern: try text(.answerPattern),
            furtherAnswerPatterns: try values.decodeIfPresent([String].self, forKey: .furtherAnswerPatterns) ?? [],
            chainEnds: try values.decodeIfPresent(Set<ChainEnd>.self, forKey: .chainEnds) ?? Set(ChainEnd.allCases),
            verdict: try values.decode(VerdictWords.self, forKey: .verdict),
            emptyStep: try values.decodeIfPresent(String.self, forKey: .emptyStep),
            step: try values.decode(StepSegmenter.self, forKey: .step),
            markers: try values.decode(EvaluationMarkers.self, forKey: .markers)
        )
    }

    /// Writes the pack, with sets sorted by name, so that equal packs give equal JSON.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encodeIfPresent(system, forKey: .system)
        try values.encode(reason, forKey: .reason)
        try values.encode(evaluate, forKey: .evaluate)
        try values.encode(evaluateChain, forKey: .evaluateChain)
        try values.encode(reflect, forKey: .reflect)
        try values.encode(refine, forKey: .refine)
        try values.encode(rework, forKey: .rework)
        try values.encode(answer, forKey: .answer)
        try values.encode(answerPattern, forKey: .answerPattern)
        try values.encode(furtherAnswerPatterns, forKey: .furtherAnswerPatterns)
        try values.encode(chainEnds.sorted { $0.rawValue < $1.rawValue }, forKey: .chainEnds)
        try values.encode(verdict, forKey: .verdict)
        try values.encodeIfPresent(emptyStep, forKey: .emptyStep)
        try values.encode(step, forKey: .step)
        try values.encode(markers, forKey: .markers)
    }

    /// The cascade of short prompts.
    public static let casSEAT = PromptPack()

    /// One long prompt. The model writes evaluations between its steps, enclosed in markers.
    public static let seat = PromptPack(
        name: "seat",
        system: "You are a helpful assistant that reasons step by step.",
        reason: """
            {question}

            Reason step by step. In each step say what you see and what follows from it. Where you doubt a step (its \
            reasoning, a computation, what was seen, or the approach), evaluate it before you go on, in this form:
            [self-evaluation-start: what may be wrong. Evaluation: Accept or Refine self-evaluation-end]
            After Refine, write the step again. At the end write: The answer is [final answer]
            """,
        furtherAnswerPatterns: [],
        chainEnds: Set(ChainEnd.allCases),
        step: StepSegmenter(boundaries: [.line])
    )

    /// The packs that come with the library, by name.
    public static let builtIn: [PromptPack] = [casSEAT, seat]
}

/// The markers around evaluations in the text of a model that was trained to write them between its steps, as in SEAT.
public struct EvaluationMarkers: Codable, Sendable, Equatable {
    /// Begins an evaluation.
    public var start: String
    /// Comes before the verdict.
    public var verdict: String
    /// The verdict on a step that is accepted.
    public var accept: String
    /// The verdict on a step that should be rewritten.
    public var refine: String
    /// Ends an evaluation.
    public var end: String

    /// Names the markers; the defaults are those of SEAT (arXiv 2501.05662), verbatim.
    public init(
        start: String = "[self-evaluation-start:",
        verdict: String = "Evaluation:",
        accept: String = "Accept",
        refine: String = "Refine",
        end: String = "self-evaluation-end]"
    ) {
        self.start = start
        self.verdict = verdict
        self.accept = accept
        self.refine = refine
        self.end = end
    }

    /// The verdict of an evaluation on the step before it.
    public enum Outcome: Sendable, Equatable {
        /// The step is accepted.
        case accept
        /// The step should be rewritten.
        case refine
    }

    /// The last verdict in an evaluation's text; `nil` if there is none.
    public func outcome(in text: String) -> Outcome? {
        guard let place = text.range(of: verdict, options: [.caseInsensitive, .backwards]) else { return nil }
        let rest = text[place.upperBound...].drop { !$0.isLetter }.lowercased()
        if rest.hasPrefix(accept.lowercased()) { return .accept }
        return rest.hasPrefix(refine.lowercased()) ? .refine : nil
    }

    /// Whether a text is an evaluation rather than a step.
    public func isEvaluation(_ text: String) -> Bool {
        text.drop { $0.isWhitespace }.hasPrefix(start)
    }
}

extension PromptPack {
    /// The text before a stated answer.
    var answerPrefix: String { answerParts.prefix }
    /// The text after a stated answer; empty if the end of the line ends it.
    var answerSuffix: String { answerParts.suffix }

    private var answerParts: (prefix: String, suffix: String) { Self.parts(of: answerPattern) }

    /// The text before and after the answer in a pattern.
    static func parts(of pattern: String) -> (prefix: String, suffix: String) {
        guard let place = pattern.range(of: "{answer}") else { return (pattern, "") }
        let prefix = pattern[..<place.lowerBound].trimmingCharacters(in: .whitespaces)
        return (prefix, pattern[place.upperBound...].trimmingCharacters(in: .whitespaces))
    }

    /// Checks that nothing needed is missing.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` naming the prompt and what it lacks.
    public func validate() throws {
        if let defect = firstDefect {
            throw EMLLMError.invalidPrompt(defect.key, expected: defect.expected, found: defect.found)
        }
        try step.validate()
    }

    /// A key with an invalid text.
    struct Defect: Equatable {
        let key: String
        let expected: String
        let found: String
    }

    /// The placeholders of each text. A text must contain them, and no others.
    private var placeholders: [(key: String, text: String, names: [String])] {
        [
            ("reason", reason, ["question"]), ("evaluate", evaluate, ["options"]),
            ("evaluate_chain", evaluateChain, ["options"]),
            ("reflect", reflect, []), ("refine", refine, []), ("rework", rework, []), ("answer", answer, []),
            ("answer_pattern", answerPattern, ["answer"]),
        ] + furtherAnswerPatterns.map { ("answer_pattern", $0, ["answer"]) }
    }

    /// The first text that lacks something.
    var firstDefect: Defect? {
        for (key, text, names) in placeholders {
            if !text.contains(where: { !$0.isWhitespace }) {
                return Defect(key: key, expected: "some text", found: "'\(text)'")
            }
            for name in names where !text.contains("{\(name)}") {
                return Defect(key: key, expected: "the placeholder {\(name)}", found: "'\(text)'")
            }
            if let other = Self.placeholders(in: text).first(where: { !names.contains($0) }) {
                let known = names.isEmpty ? "no placeholder" : "only \(names.map { "{\($0)}" }.joined(separator: ", "))"
                return Defect(key: key, expected: known, found: "{\(other)}")
            }
        }
        let words = [
            ("verdict.positive", verdict.positive), ("verdict.negative", verdict.negative),
            ("empty_step", emptyStep ?? "none"),
            ("answer_pattern", answerPrefix),
            (
                "answer_pattern",
                furtherAnswerPatterns.map { Self.parts(of: $0).prefix }.min { $0.count < $1.count } ?? "none"
            ),
            ("markers.start", markers.start), ("markers.verdict", markers.verdict),
            ("markers.accept", markers.accept), ("markers.refine", markers.refine), ("markers.end", markers.end),
        ]
        for (key, word) in words where !word.contains(where: { !$0.isWhitespace }) {
            return Defect(key: key, expected: "some text", found: "'\(word)'")
        }
        if verdict.positive.lowercased() == verdict.negative.lowercased() {
            let expected = "another word than '\(verdict.positive)'"
            return Defect(key: "verdict.negative", expected: expected, found: "'\(verdict.negative)'")
        }
        return nil
    }

    /// Words in braces, such as `{question}`.
    private static func placeholders(in text: String) -> [String] {
        text.matches(of: /\{([a-z_]+)\}/).map { String($0.1) }
    }
}

extension EMLLMError.Code {
    /// A prompt that lacks something.
    public static let invalidPrompt = Self(rawValue: "invalid-prompt")
}

extension EMLLMError {
    static func invalidPrompt(_ name: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidPrompt,
            subject: "prompt '\(name)'",
            expected: expected,
            found: found,
            remedy: "complete the prompt"
        )
    }
}
