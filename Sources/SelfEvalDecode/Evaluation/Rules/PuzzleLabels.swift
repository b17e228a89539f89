import Foundation
import SelfEvalDecode

/// Labels steps by a reference chain of caption, explanation and deduction, as in PuzzleVQA, followed by the answer.
///
/// Observations and conclusions can be phrased in many ways, so facts are compared: the numbers, colours, shapes and
/// sizes that a text names. The order in which a caption lists them does not matter, since for some pictures the data
/// say "clockwise" and mean the opposite direction.
enum PuzzleLabels {
    private static let names: Set<String> = [
        "blue", "green", "orange", "purple", "red", "yellow", "light", "dark", "very",
        "triangle", "square", "pentagon", "hexagon", "heptagon", "octagon", "nonagon", "circle", "rectangle",
        "small", "medium", "large", "extra", "short", "long",
    ]

    /// The label of each step. If the reference does not have three steps, only the step that states the answer has a
    /// label.
    static func labels(of steps: [String], for problem: Problem) -> [StepLabel?] {
        let reference = problem.referenceSteps
        return steps.indices.map { place in
            if steps[place].localizedCaseInsensitiveContains("the answer is") {
                return label(PlainText.key(steps[place]).hasSuffix("answer is \(PlainText.key(problem.answerText))"))
            }
            guard reference.count == 3, place < 3 else { return nil }
            let step = steps[place]
            switch place {
            case 0: return label(facts(in: step).sorted() == facts(in: reference[0]).sorted())
            // A pattern can be explained in more than one way, so no explanation is labelled wrong.
            case 1: return facts(in: step) == facts(in: reference[1]) ? .right : nil
            default: return label(conclusion(of: step) == conclusion(of: problem.answerText))
            }
        }
    }

    /// The names or the number that a text ends with.
    private static func conclusion(of text: String) -> [String] {
        let words = text.lowercased().matches(of: /[a-z]+|[0-9]+/).map { String($0.0) }
        return words.reversed().prefix { !facts(in: $0).isEmpty }.flatMap(facts)
    }

    private static func label(_ isRight: Bool) -> StepLabel { isRight ? .right : .wrong }

    /// Numbers, question marks, and names of objects and their attributes in the singular, in order.
    static func facts(in text: String) -> [String] {
        let words = text.lowercased().matches(of: /[a-z]+|[0-9]+|\?/).map { String($0.0) }
        return words.compactMap { word in
            guard word.first?.isLetter == true else { return word }
            let singular = word.hasSuffix("s") ? String(word.dropLast()) : word
            return names.contains(word) ? word : names.contains(singular) ? singular : nil
        }
    }
}
