import EMLLMEvaluation
import Foundation
import SelfEvalDecode

/// What a model can learn self-evaluation from: a problem, steps with labels, what is wrong, and the better step.
///
/// The same record is written out both ways: as one text with evaluations between markers (SEAT), and as a cascade of short
/// turns (Cas-SEAT). See arXiv 2501.05662.
struct TrainingRecord: Codable, Equatable {
    /// The problem's name.
    var problem: String
    /// What is asked.
    var question: String
    /// Its pictures.
    var images: [String]
    /// The right answer.
    var reference: String
    /// The answer that the chain comes to.
    var answer: String
    /// The chain, flawed steps in their places.
    var steps: [Step]
    /// The chain as one text with evaluations between markers.
    var seat: String
    /// The chain as turns, each with its task.
    var cascade: [Turn]

    /// A step and what is to be said about it.
    struct Step: Codable, Equatable {
        var text: String
        /// Whether it is right, by the labels.
        var isRight: Bool
        /// What the model's verdict on it was.
        var probability: Double?
        /// What is wrong with it; `nil` for a right step.
        var reflection: String?
        /// The step that stands in its place; `nil` for a right step.
        var refined: String?
    }

    /// A turn of the cascade.
    struct Turn: Codable, Equatable {
        /// What it is for: reason, evaluate, reflect, refine or answer.
        var task: String
        var prompt: String
        var response: String
    }
}

extension TrainingRecord {
    /// The record of a run: the steps of its line, and before each the flawed candidate that it replaced, where the labels
    /// say that one was wrong and the other is right.
    init(_ trace: Trace, of problem: Problem, labels: StepLabelRule) {
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
                        probability: flawed.judgement?.score,
                        reflection: trace.reflections.first { $0.node == flawed.id }?.text,
                        refined: node.text
                    )
                )
            }
            steps.append(Step(text: node.text, isRight: isRight, probability: node.judgement?.score))
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

    /// One text: each flawed step is followed by its evaluation, and by the step again.
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

    /// Short turns: reason, then for each step evaluate, and for a flawed one reflect and refine; then answer.
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

/// The double-level data filtering (DDF) of arXiv 2501.05662 as explicit rules: source problems first, labelled records
/// second. Each rule says why something is left out, and each is counted.
enum DataFilter {
    /// Why a source problem teaches nothing.
    enum SourceDefect: String, CaseIterable {
        /// Another problem asks the same about the same pictures.
        case duplicate = "a problem that is there already"
        /// No run of it came to the right answer: it is beyond the model, or its reference is wrong.
        case neverSolved = "never solved"
        /// Every run of it was right, and every step of each: there is nothing to evaluate.
        case alwaysRight = "solved every time without a wrong step"
    }

    /// The first rule that a problem breaks; `nil` for one that is kept.
    ///
    /// - Parameters:
    ///   - results: the runs of the problem.
    ///   - seen: what has been asked before; the problem is added.
    static func defect(of problem: Problem, results: [ResultRecord], seen: inout Set<String>) -> SourceDefect? {
        let key = ([problem.prompt] + problem.images.map(\.path)).joined(separator: "\u{0}")
        guard seen.insert(key).inserted else { return .duplicate }
        guard results.contains(where: \.isCorrect) else { return .neverSolved }
        let isFlawless = results.allSatisfy { $0.isCorrect && $0.steps.allSatisfy { $0.label != false } }
        return isFlawless ? .alwaysRight : nil
    }

    /// Why a labelled record teaches the wrong thing.
    enum RecordDefect: String, CaseIterable {
        /// The chain does not come to the right answer.
        case wrongAnswer = "a wrong answer"
        /// No step has a label.
        case unlabelled = "no labelled step"
        /// The answer is stated before there is any reasoning, as where the answer was shown first.
        case answerFirst = "the answer before the reasoning"
        /// A step that the labels call wrong stands uncorrected.
        case standingMistake = "a wrong step that stands"
        /// A flawed step without words on what is wrong with it.
        case noReflection = "a flawed step without a reflection"
        /// What is said to be wrong is the step over again, and says nothing.
        case emptyReflection = "a reflection that repeats the step"
    }

    /// The first rule that a record breaks; `nil` for one that is kept.
    static func defect(of record: TrainingRecord, isCorrect: Bool, prompts: PromptPack) -> RecordDefect? {
        guard isCorrect else { return .wrongAnswer }
        guard let first = record.steps.first else { return .unlabelled }
        let beginning = prompts.answerPattern.components(separatedBy: "{answer}")[0].trimmingCharacters(
            in: .whitespaces
        )
        if record.steps.count > 1, first.text.localizedCaseInsensitiveContains(beginning) { return .answerFirst }
        for step in record.steps where !step.isRight {
            guard step.refined != nil else { return .standingMistake }
            guard let reflection = step.reflection, reflection.contains(where: \.isLetter) else { return .noReflection }
            if plain(step.text).contains(plain(reflection)) || plain(reflection) == plain(step.refined ?? "") {
                return .emptyReflection
            }
        }
        return nil
    }

    private static func plain(_ text: String) -> String {
        text.lowercased().filter { $0.isLetter || $0.isNumber }
    }
}
