import Foundation
import SelfEvalDecode

/// Sentences and numbers, for terminals and pages.
enum Wording {
    /// `3 steps`, `1 step`.
    static func count(_ count: Int, _ noun: String, plural: String? = nil) -> String {
        "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
    }

    /// What a strategy does, for people who have never heard of it.
    static func procedure(_ strategy: StrategyName) -> String {
        switch strategy {
        case .cot: "The model writes one chain of steps."
        case .vote: "The model writes several chains of steps; the answer that most of them give stands."
        case .seat: "The model writes evaluations of its own beside its steps; a step that it doubts is written again."
        case .casSEAT:
            "The model writes a chain of steps, says whether it is right, and writes it again where it is not."
        case .verify:
            "The model is asked about every step whether it is right; where it doubts one, others are written in its place, or "
                + "an earlier step is taken back."
        case .bestOf: "The model writes several chains of steps; the one that it thinks right most surely stands."
        case .beam:
            "Several lines of steps are written at once; after each step those go on that the model thinks right."
        case .adaptive: "The model writes one line of steps; where it doubts one, several lines go on and vote."
        default: "The steps were searched by the strategy \(strategy.rawValue), which a program brought along."
        }
    }

    /// What a step's score is made of.
    static func score(madeOf options: SelfEvalOptions) -> String {
        let parts = ScoreSignal.allCases.filter { options.weights[$0] != 0 }.map(name)
        let sum = parts.isEmpty ? "a constant" : parts.joined(separator: ", ")
        return options.calibration == nil ? sum : sum + "; calibrated, so that it is a probability"
    }

    private static func name(_ signal: ScoreSignal) -> String {
        switch signal {
        case .verdict: "how likely the model, asked, says that the step is right"
        case .sequence: "how likely the model found the step's own text"
        case .line: "how likely it found all that was said so far"
        case .window: "the step's least likely stretch"
        case .probe: "how likely the answer is that it would give now"
        case .contrast: "what difference the picture makes to the verdict"
        case .verifier: "how right the chain looks so far in the model’s hidden states"
        }
    }

    /// A probability or score, from 0.00 to 1.00; a damaged trace may hold others.
    static func score(_ value: Double) -> String {
        (0...1).contains(value) ? String(format: "%.2f", value) : "n/a"
    }

    /// A logit or log-probability with its sign.
    static func logit(_ value: Double) -> String { String(format: "%+.3f", value) }

    static func seconds(_ value: Double) -> String { String(format: value < 10 ? "%.2f s" : "%.1f s", value) }

    static func bytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }

    /// Why a step was taken back.
    static func reason(_ backtrack: Backtrack, in outline: TraceOutline) -> String {
        let place = backtrack.from == backtrack.to ? "it" : "step \(outline.number(of: backtrack.from))"
        return "after \(place), nothing scored above \(score(backtrack.bestScore))"
    }

    /// The hint that a text was written after.
    static func hint(_ hint: StepNode.Hint) -> String {
        switch hint {
        case .reflection: "written again with a reflection in sight"
        case .evaluation: "written again with the model’s own evaluation in sight"
        }
    }

    /// Which view of the pictures a text was written with.
    static func view(_ view: Int) -> String { "view \(view + 1) of the pictures" }

    /// A checker's finding in a step.
    static func finding(_ finding: StepFinding) -> String {
        let outcome =
            switch finding.outcome {
            case .confirmed: "confirmed by"
            case .refuted: "refuted by"
            case .unknown: "not decided by"
            case .failed: "not checked by"
            }
        let probability = finding.probability.map { ", probability \(score($0))" } ?? ""
        return "\(outcome) \(finding.checker)\(probability)" + (finding.message.isEmpty ? "" : ": \(finding.message)")
    }

    static func end(_ end: StepStopReason) -> String {
        switch end {
        case .line: "end of the line"
        case .blankLine: "blank line"
        case .block: "end of the paragraph"
        case .loop: "the same again and again"
        case .sentence: "end of the sentence"
        case .marker: "next step’s marker"
        case .tag: "closing tag"
        case .delimiter: "delimiter"
        case .evaluation: "around an evaluation"
        case .cap: "greatest length"
        case .endOfTurn: "end of the turn"
        case .budget: "budget"
        case .cancelled: "cancelled"
        case .decided: "the vote was decided"
        case .pruned: "pruned"
        }
    }

    /// Why reasoning stopped, as the end of a sentence.
    static func stop(_ reason: ReasoningStopReason) -> String {
        switch reason {
        case .answered: "a step states the answer"
        case .endOfTurn: "the model ended its turn"
        case .maximumSteps: "there were as many steps as allowed"
        case .budget: "tokens, time, memory or the context ran short"
        case .exhausted: "the model had nothing new to say"
        case .loop: "the model went round in a circle"
        case .decided: "the vote was decided"
        case .pruned: "other chains were surer"
        }
    }

    /// Where an answer comes from.
    static func source(_ answer: Answer, in outline: TraceOutline) -> String {
        let number = outline.number(of: answer.node)
        switch answer.source {
        case .reasoning: return "stated in step \(number)"
        case .asked: return number == 0 ? "asked for at once" : "asked for after step \(number)"
        }
    }

    static func abstention(_ answer: Answer, _ options: SelfEvalOptions) -> String {
        let limit = options.abstainBelow.map { " is below \(score($0))" } ?? " is too low"
        return "Do not rely on it: the confidence \(answer.confidence.map(score) ?? "is not known, which")\(limit)."
    }

    /// The beginning of a text, on one line.
    static func brief(_ text: String, length: Int = 24) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > length ? line.prefix(length - 1) + "…" : line
    }

    /// A text without white space at its ends, or a note if nothing is left.
    static func shown(_ text: String) -> String {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return trimmed.isEmpty ? "(white space only)" : trimmed
    }
}
