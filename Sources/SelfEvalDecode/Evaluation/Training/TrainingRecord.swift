import Foundation
import SelfEvalDecode

/// A training example for self-evaluation: a problem, labelled steps, descriptions of mistakes, and corrected steps.
///
/// The same record is written in both formats: as one text with evaluations between markers (SEAT), and as a cascade of
/// short turns (Cas-SEAT). See arXiv 2501.05662.
public struct TrainingRecord: Codable, Sendable, Equatable {
    /// The problem's name.
    public var problem: String
    /// The question.
    public var question: String
    /// Its pictures.
    public var images: [String]
    /// The right answer.
    public var reference: String
    /// The final answer of the chain.
    public var answer: String
    /// The chain, including flawed steps.
    public var steps: [Step]
    /// The chain as one text with evaluations between markers.
    public var seat: String
    /// The chain as turns, each with its task.
    public var cascade: [Turn]

    /// A step and its evaluation.
    public struct Step: Codable, Sendable, Equatable {
        /// The step.
        public var text: String
        /// Whether it is right, according to the labels.
        public var isRight: Bool
        /// The probability of the model's verdict on it.
        public var probability: Double?
        /// What is wrong with it; `nil` for a right step.
        public var reflection: String?
        /// The step that replaced it; `nil` for a right step.
        public var refined: String?
    }

    /// A turn of the cascade.
    public struct Turn: Codable, Sendable, Equatable {
        /// Its task: reason, evaluate, reflect, refine or answer.
        public var task: String
        /// The prompt.
        public var prompt: String
        /// The response.
        public var response: String
    }
}

extension TrainingRecord {
    /// Makes the record of a run: the steps of its line, each preceded by the flawed candidate that it replaced if the
    /// labels say that the candidate is wrong and the step is right.
    public init(_ trace: Trace, of problem: Problem, labels: StepLabelRule) {
        let path = trace.path.filter { $0.kind == .step }
        let onPath = labels.labels(of: path.map(\.text), for: problem)
        var steps: [Step] = []
        for (place, (node, label)) in zip(path, onPath).enumerated() where label != nil {
            let isRight = label == .right
            let before = path[..<place].map(\.text)
            let flawed = trace.children(of: node.parent).first { other in
                other.id != node.id && other.rejection == nil && isRight
                    && labels.labels(of: before + [other.text], for: problem).last == .wrong
            }
            if let flawed {
                steps.append(
                    Step(
                        text: flawed.text,
                        isRight: false,
                        probability: flawed.evaluation?.score,
                        reflection: trace.reflections.first { $0.node == flawed.id }?.text,
                        refined: node.text
                    )
                )
            }
            steps.append(Step(text: node.text, isRight: isRight, probability: node.evaluation?.score))
        }
        let prompts = trace.header.options.prompts
        self.init(
            problem: problem.id,
            question: problem.prompt,
            images: problem.images.map(\.path),
            reference: problem.answerText,
            answer: trace.answer?.text ?? "",
            steps: steps,
            seat: "",
            cascade: []
        )
        seat = Self.seat(self, prompts.markers)
        cascade = Self.cascade(self, prompts)
    }

    /// One text, in which each flawed step is followed by its evaluation and the corrected step.
    private static func seat(_ record: TrainingRecord, _ markers: EvaluationMarkers) -> String {
        var text = ""
        for step in record.steps {
            text += step.text.hasSuffix("\n") ? step.text : step.text + "\n"
            guard !step.isRight, let reflection = step.reflection else { continue }
            let said = reflection.trimmingCharacters(in: .whitespacesAndNewlines)
            text += "\(markers.start) \(said) \(markers.verdict) \(markers.refine) \(markers.end)\n"
        }
        return text + "The answer is \(record.answer)\n"
    }

    /// Short turns: reason; then evaluate each step, and reflect on and refine a flawed one; then answer.
    private static func cascade(_ record: TrainingRecord, _ prompts: PromptPack) -> [Turn] {
        let words = "\(prompts.verdict.positive) or \(prompts.verdict.negative)"
        let evaluate = prompts.evaluate.replacingOccurrences(of: "{options}", with: words)
        let standing = record.steps.filter { $0.refined == nil }.map(\.text).joined()
        var turns = [
            Turn(
                task: "reason",
                prompt: prompts.reason.replacingOccurrences(of: "{question}", with: record.question),
                response: standing
            )
        ]
        for step in record.steps {
            let verdict = step.isRight ? prompts.verdict.positive : prompts.verdict.negative
            turns.append(Turn(task: "evaluate", prompt: step.text + "\n" + evaluate, response: verdict))
            guard let reflection = step.reflection, let refined = step.refined else { continue }
            turns.append(Turn(task: "reflect", prompt: prompts.reflect, response: reflection))
            turns.append(Turn(task: "refine", prompt: prompts.refine, response: refined))
        }
        let answer = prompts.answerPattern.replacingOccurrences(of: "{answer}", with: record.answer)
        turns.append(Turn(task: "answer", prompt: prompts.answer, response: answer))
        return turns
    }
}
