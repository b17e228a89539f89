/// Tokens that went through the model, by purpose.
public struct TokenCounts: Codable, Sendable, Equatable {
    /// The question's prompt, processed once.
    public var prompt = 0
    /// Tokens of the prompt, pictures included, that were in the cache from an earlier question and were not processed
    /// again; `nil` if there were none.
    public var reusedPrompt: Int?
    /// Tokens written for steps, including rejected candidates.
    public var generated = 0
    /// Of those, the tokens of accepted steps.
    public var accepted = 0
    /// Tokens processed a second time: the last token of a step that ended before the last token written, steps that
    /// were moved to their place after a reflection, and steps that are continued in another view of the pictures.
    public var recomputed = 0
    /// The question's prompt with further views of its pictures.
    public var views = 0
    /// Evaluation prompts, including the one for the prior.
    public var evaluation = 0
    /// Reflections: the prompts that ask for them, and their text.
    public var reflection = 0
    /// The prompt and the verdicts on prefixes without the picture.
    public var contrast = 0
    /// The prompt that asks for the answer.
    public var answerPrompt = 0
    /// Tokens written for the answer.
    public var answer = 0

    enum CodingKeys: String, CodingKey {
        case prompt, reusedPrompt, generated, accepted, recomputed, views, evaluation, reflection, contrast,
            answerPrompt
        case answer
    }

    /// The total.
    public var processed: Int {
        prompt + views + generated + recomputed + evaluation + reflection + contrast + answerPrompt + answer
    }
}

/// Seconds, by purpose.
public struct Seconds: Codable, Sendable, Equatable {
    /// The question's prompt.
    public var prompt = 0.0
    /// Writing steps.
    public var generation = 0.0
    /// Further views of the question's pictures: encoding them, and the prompts that show them.
    public var views = 0.0
    /// Evaluating steps.
    public var evaluation = 0.0
    /// The answer.
    public var answer = 0.0
    /// From the question to the end.
    public var total = 0.0

    enum CodingKeys: String, CodingKey { case prompt, generation, views, evaluation, answer, total }
}

// MARK: Files

extension TokenCounts {
    /// Reads counts. Purposes that an earlier version did not have are 0.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func count(_ key: CodingKeys) throws -> Int { try values.decodeIfPresent(Int.self, forKey: key) ?? 0 }
        prompt = try count(.prompt)
        reusedPrompt = try values.decodeIfPresent(Int.self, forKey: .reusedPrompt)
        generated = try count(.generated)
        accepted = try count(.accepted)
        recomputed = try count(.recomputed)
        views = try count(.views)
        evaluation = try count(.evaluation)
        reflection = try count(.reflection)
        contrast = try count(.contrast)
        answerPrompt = try count(.answerPrompt)
        answer = try count(.answer)
    }
}

extension Seconds {
    /// Reads seconds. Purposes that an earlier version did not have are 0.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func seconds(_ key: CodingKeys) throws -> Double { try values.decodeIfPresent(Double.self, forKey: key) ?? 0 }
        prompt = try seconds(.prompt)
        generation = try seconds(.generation)
        views = try seconds(.views)
        evaluation = try seconds(.evaluation)
        answer = try seconds(.answer)
        total = try seconds(.total)
    }
}
