import EMLLMCore
import EMLLMModelStore

/// Remedies for errors, in terms of the command line.
///
/// The library's remedies name no flag and no program, since most of its users have neither. If the remedy is a flag,
/// it is looked up by the error's code.
public enum CommandLineRemedy {
    /// Remedies by error code.
    private static let remedies: [String: String] = [
        "needs-picture": "give one with --image, or take a model for text: --model \(ModelStore.textModel)",
        "left-recording": "record with wider limits (--accept 1 tries every revision), or run the model",
        "template-drops-turns": "use plain chat (--plain), or a model with an ordinary template",
        "invalid-prompt-pack": "mend the file; 'emllm prompts cas-seat' prints a complete one",
        "not-a-trace": "check the path: --trace and --json of emllm run write traces",
        "not-a-calibration": "fit it again with emllm eval calibrate",
        "other-prompts": "use the prompts that it was fitted with, or fit it again with emllm eval calibrate",
        "vision-file-alone": "name the language model's file first, and this one with --mmproj",
        "output-exists": "choose another name, or replace it with --force",
        "image-file-too-large": "scale the picture down, or save it with stronger compression",
        "cannot-quantize": "choose another type, or convert without --quantize",
    ]

    private static func remedy(for error: EMLLMError) -> String? {
        guard error.code == .unknownModel else { return remedies[error.code.rawValue] }
        return switch error.subject {
        // It is missing only where the program was copied without it, which the error says itself.
        case "model '\(ModelStore.bundledModel)'": nil
        case "model '\(ModelStore.textModel)'":
            "run 'make demo-text MODEL=\(ModelStore.textModel)' once to fetch it, or name another model with --model; "
                + "'emllm models' lists them"
        default: "check the name; 'emllm models' lists the models that are there and those that can be fetched"
        }
    }

    /// The error with the command line's remedy, if there is one.
    public static func reword(_ error: any Error) -> any Error {
        guard let error = error as? EMLLMError, let remedy = remedy(for: error) else { return error }
        return EMLLMError(
            code: error.code,
            subject: error.subject,
            expected: error.expected,
            found: error.found,
            remedy: remedy
        )
    }
}
