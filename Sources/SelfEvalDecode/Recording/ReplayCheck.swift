import EMLLMCore

/// Compares a repeated run with its record.
enum ReplayCheck {
    /// Checks that the weights and their precision are the recorded ones; their provenance does not matter.
    static func checkModel(_ found: ModelIdentity, is recorded: ModelIdentity) throws {
        guard found.weightsDigest == recorded.weightsDigest else {
            throw EMLLMError.otherModel(
                expected: "the weights \(recorded.weightsDigest.prefix(12))… (\(recorded.provenance.name))",
                found: "\(found.weightsDigest.prefix(12))… (\(found.provenance.name))"
            )
        }
        guard found.activations == recorded.activations else {
            throw EMLLMError.otherModel(
                expected: "activations in \(recorded.activations.rawValue)",
                found: found.activations.rawValue
            )
        }
    }

    static func checkPictures(_ found: [ImageUsage], are recorded: [ImageUsage]) throws {
        guard found.map(\.contentHash) == recorded.map(\.contentHash) else {
            throw EMLLMError.otherPictures(expected: recorded.map(\.contentHash), found: found.map(\.contentHash))
        }
    }

    /// Checks that everything but the times is the same.
    static func check(_ trace: Trace, repeats recorded: Trace) throws {
        try same("the prompt", trace.header.prompt, recorded.header.prompt)
        try same("the prior", trace.prior, recorded.prior)
        for (node, expected) in zip(trace.nodes, recorded.nodes) { try same("step \(node.id)", node, expected) }
        try same("the number of steps", trace.nodes.count, recorded.nodes.count)
        try same("the reflections", trace.reflections, recorded.reflections)
        try same("the steps taken back", trace.backtracks, recorded.backtracks)
        try same("the proposals", trace.proposals, recorded.proposals)
        try same("the answer", trace.answer, recorded.answer)
        try same("the line", trace.summary?.path, recorded.summary?.path)
    }

    private static func same<Value: Equatable>(_ what: String, _ found: Value, _ recorded: Value) throws {
        guard found != recorded else { return }
        throw EMLLMError.replayDiffers(at: what, expected: "\(recorded)", found: "\(found)")
    }
}

extension EMLLMError.Code {
    /// A trace, or a calibration, of other weights.
    public static let otherModel = Self(rawValue: "other-model")
    /// A trace of a question about other pictures.
    public static let otherPictures = Self(rawValue: "other-pictures")
    /// A trace that breaks off before its run ended.
    public static let unfinishedTrace = Self(rawValue: "unfinished-trace")
    /// A repeated run that came out differently.
    public static let replayDiffers = Self(rawValue: "replay-differs")
}

extension EMLLMError {
    static func otherModel(expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .otherModel,
            subject: "model",
            expected: expected,
            found: found,
            remedy: "run the model that this was made with, or make it again with this one"
        )
    }

    static func otherPictures(expected: [String], found: [String]) -> EMLLMError {
        func list(_ hashes: [String]) -> String {
            hashes.isEmpty ? "none" : hashes.map { "\($0.prefix(12))…" }.joined(separator: ", ")
        }
        return EMLLMError(
            code: .otherPictures,
            subject: "pictures",
            expected: list(expected),
            found: list(found),
            remedy: "show the pictures that the recorded question showed, in the same order"
        )
    }

    static let unfinishedTrace = EMLLMError(
        code: .unfinishedTrace,
        subject: "trace",
        expected: "the record of a run that ended",
        found: "one that breaks off",
        remedy: "it can be viewRoots at, but not repeated"
    )

    static func replayDiffers(at place: String, expected: String, found: String) -> EMLLMError {
        // The values may be pages long; the useful part is where they first differ.
        let common = zip(expected, found).prefix { $0 == $1 }.count
        let start = max(0, common - 40)
        func excerpt(_ text: String) -> String { String(text.dropFirst(start).prefix(120)) }
        return EMLLMError(
            code: .replayDiffers,
            subject: "replay at \(place)",
            expected: "…\(excerpt(expected))",
            found: "…\(excerpt(found))",
            remedy: "report this: the same weights, seed and options should give the same bits"
        )
    }
}
