import Foundation

extension Problem {
    /// The question as its benchmark presents it to a model.
    ///
    /// The decoder's prompts say how to reason, except where the benchmark's own wording does.
    public var prompt: String {
        switch benchmark {
        case .own: ownPrompt
        case .puzzleVQA: puzzleVQAPrompt
        case .mathVista: mathVistaPrompt
        case .mathV: mathVPrompt
        case .weMath: weMathPrompt
        }
    }

    /// The question with its unit, then a line per choice.
    private var ownPrompt: String { ([questionWithUnit] + choiceLines).joined(separator: "\n") }

    /// `Question:` and `Options:` with a line per option.
    private var puzzleVQAPrompt: String {
        (["Question: " + question, "Options:"] + choiceLines).joined(separator: "\n")
    }

    /// `Question:`, `Choices:`, `Hint:` and `Solution:`, as MathVista's script builds a query without examples. (The
    /// queries in the data set begin with the hint and end with the choices.)
    private var mathVistaPrompt: String {
        var lines = ["Question: " + questionWithUnit]
        if !choices.isEmpty { lines += ["Choices:"] + choiceLines }
        if let hint = mathVistaHint { lines.append("Hint: Please answer the question " + hint + ", at the end.") }
        return (lines + ["Solution:"]).joined(separator: "\n")
    }

    private var mathVistaHint: String? {
        switch answerType {
        case .choice: "and provide the correct option letter, e.g., A, B, C, D"
        case .integer: "requiring an integer answer and provide the final value, e.g., 1, 2, 3"
        case .float(precision: 1):
            "requiring a floating-point number with one decimal place and provide the final value, e.g., 1.2, 1.3, 1.4"
        case .float(precision: 2):
            "requiring a floating-point number with two decimal places and provide the final value, e.g., 1.23, 1.34, 1.45"
        case .float(let precision):
            "requiring a floating-point number with \(precision) decimal places and provide the final value"
        case .list:
            "requiring a Python list as an answer and provide the final list, e.g., [1, 2, 3], [1.2, 1.3, 1.4]"
        case .text: nil
        }
    }

    /// The request for a boxed answer, the question, and the options, unless these are only letters that refer to the
    /// image.
    private var mathVPrompt: String {
        let request =
            #"Please solve the problem step by step and put your answer in one "\boxed{}". If it is a multiple choice "#
            + #"question, only one letter is allowed in the "\boxed{}"."#
        return ([request, question] + (choices.joined() == "ABCDE" ? [] : choiceLines)).joined(separator: "\n")
    }

    /// The question and its options, between the request for thoughts and the request for an option in angle brackets.
    private var weMathPrompt: String {
        let options = choices.enumerated().map { "\(Self.letter($0)). \($1)" }.joined(separator: "; ")
        return """
            Now, we require you to solve a multiple-choice math question. Please briefly describe your thought process \
            and provide the final answer(option).
            Question: \(question)
            Option: \(options)
            Regarding the format, please answer following the template below, and be sure to include two <> symbols:
            <Thought process>: <<your thought process>> <Answer>: <<your option>>
            """
    }

    private var questionWithUnit: String { unit.map { "\(question) (Unit: \($0))" } ?? question }

    private var choiceLines: [String] { choices.enumerated().map { "(\(Self.letter($0))) \($1)" } }
}
