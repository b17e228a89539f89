import EMLLMCore
import SelfEvalDecode

extension EMLLMError.Code {
    /// Runs that a verifier cannot be learnt from.
    public static let untrainableVerifier = Self(rawValue: "untrainable-verifier")
}

extension EMLLMError {
    static func untrainable(_ subject: String, expected: String, found: String, remedy: String) -> EMLLMError {
        EMLLMError(code: .untrainableVerifier, subject: subject, expected: expected, found: found, remedy: remedy)
    }

    static func otherModel(of path: String, expected: ModelIdentity, found: ModelIdentity) -> EMLLMError {
        EMLLMError(
            code: .otherModel,
            subject: path,
            expected: "a run of the weights \(expected.weightsDigest.prefix(12))… in \(expected.activations.rawValue)",
            found:
                "one of \(found.weightsDigest.prefix(12))… in \(found.activations.rawValue) (\(found.provenance.name))",
            remedy: "train with the model, the quantization and the precision that the run was made with"
        )
    }

    static func mixedPrompts(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .otherPrompts,
            subject: path,
            expected: "the same prompts and rules for steps in all strategies and runs",
            found: "different ones",
            remedy: "train on runs with one pack of prompts"
        )
    }

    static func missingTraces(_ paths: [String]) -> EMLLMError {
        untrainable(
            paths.joined(separator: ", "),
            expected: "traces of the answers",
            found: "none",
            remedy: "run again, and let the run write traces"
        )
    }

    static func noLabelledChains(_ paths: [String]) -> EMLLMError {
        untrainable(
            paths.joined(separator: ", "),
            expected: "chains that ended with an answer, of problems whose answer is known",
            found: "none",
            remedy: "run vote or cot over problems with answers"
        )
    }
}
