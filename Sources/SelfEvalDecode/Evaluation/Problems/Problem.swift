import Foundation

/// One question of a benchmark: what is asked, about which images, and what the right answer is.
public struct Problem: Codable, Sendable, Equatable, Identifiable {
    /// Where a problem comes from. This determines the columns of its file, its prompt and its scoring rule.
    public enum Benchmark: String, Codable, Sendable, CaseIterable {
        /// A file in this package's own columns.
        case own
        /// PuzzleVQA (arXiv 2403.13315): abstract patterns, three or four options.
        case puzzleVQA
        /// MathVista (arXiv 2310.02255): five answer types.
        case mathVista
        /// MATH-Vision (arXiv 2402.14804): options A to E, or a value.
        case mathV
        /// We-Math (arXiv 2407.01284): problems of two or three steps, where each step is a problem too.
        case weMath
    }

    /// The form that an answer has.
    public enum AnswerType: Codable, Sendable, Equatable {
        /// One of the choices.
        case choice
        /// A whole number.
        case integer
        /// A number that is compared after rounding to this many decimals.
        case float(precision: Int)
        /// Several values in order, as in `[2007, 2008]`.
        case list
        /// Anything else.
        case text

        /// The name in reports and in the column `answer_type`.
        public var name: String {
            switch self {
            case .choice: "choice"
            case .integer: "integer"
            case .float: "float"
            case .list: "list"
            case .text: "text"
            }
        }
    }

    /// The problem's identifier, which does not depend on the rest of its file.
    public var id: String
    /// Where it comes from.
    public var benchmark: Benchmark = .own
    /// The question.
    public var question: String
    /// The images that it is about, as file URLs, in order.
    public var images: [URL] = []
    /// The options; empty if the answer is free.
    public var choices: [String] = []
    /// The right answer as written in its file: an option's text or letter, or a value.
    public var answer: String
    /// The index of the right answer in ``choices``; `nil` if the answer is free.
    public var answerIndex: Int?
    /// The form of the answer.
    public var answerType: AnswerType
    /// The unit of the answer, such as "cm".
    public var unit: String?
    /// What results are broken down by, such as "task", "grade" or "subject". Several values of one key are joined by
    /// "; "; ``values(of:)`` splits them.
    public var breakdown: [String: String] = [:]
    /// The steps of a solution that came with the problem.
    public var referenceSteps: [String] = []
    /// Which of the steps that came with the problem are right; `nil` for a step without a label.
    public var stepLabels: [StepLabel?] = []

    /// The right answer in words: the text of the right choice, or the answer itself.
    public var answerText: String { rightChoice ?? answer }

    /// The values of a key of ``breakdown``: one problem may need several skills.
    public func values(of key: String) -> [String] { breakdown[key]?.components(separatedBy: "; ") ?? [] }

    /// The text of the right choice. Choices that read the same are equally right.
    var rightChoice: String? {
        guard let answerIndex, choices.indices.contains(answerIndex) else { return nil }
        return choices[answerIndex]
    }

    /// The largest number of choices: one for each letter.
    static let mostChoices = 26

    /// The letter of a choice, from A.
    static func letter(_ index: Int) -> String {
        index < mostChoices ? String(UnicodeScalar(UInt8(ascii: "A") + UInt8(index))) : String(index + 1)
    }
}
