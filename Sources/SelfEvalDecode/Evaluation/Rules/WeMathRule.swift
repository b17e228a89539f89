import Foundation

/// We-Math's rule: the letter of an option. The corrected variant is the common reading of choices.
enum WeMathRule {
    static func published(_ output: ModelOutput, _ problem: Problem) -> Score {
        // The first character after the last "Answer", or else of the response: "Because …" is the answer B.
        let tail = output.response.components(separatedBy: "Answer").last ?? ""
        let kept = tail.filter { !"<>:.".contains($0) }.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let letter = kept.first.map(String.init), "ABCDEFGH".contains(letter) else { return .nothing(kept) }
        let index = problem.choices.indices.first { Problem.letter($0) == letter }
        return Score(
            extracted: letter,
            normalized: index.map { problem.choices[$0] } ?? letter,
            isCorrect: letter == problem.answer,
            how: .letter
        )
    }
}

/// We-Math's diagnosis: whether a model that fails a problem of two or three steps lacks the steps or their combination
/// (arXiv 2407.01284, section 3).
public struct WeMathDiagnosis: Codable, Sendable, Equatable {
    /// How problems divide into the four conditions.
    public struct Conditions: Codable, Sendable, Equatable {
        /// IK: the problem is wrong, and so is a step.
        public var insufficientKnowledge = 0
        /// IG: the problem is wrong although every step is right.
        public var inadequateGeneralization = 0
        /// CM: the problem is right, and so are its steps.
        public var completeMastery = 0
        /// RM: the problem is right although its steps are wrong.
        public var roteMemorization = 0
        /// The number of problems that shares refer to.
        public var total = 0

        /// (CM + IG / 2) / total. The script computes 1 − (IK + RM + IG / 2) / total instead, so that a problem in none
        /// of the conditions counts as mastered.
        public var averageScore: Double {
            let lost = Double(insufficientKnowledge + roteMemorization) + Double(inadequateGeneralization) / 2
            return total == 0 ? 0 : 1 - lost / Double(total)
        }

        /// RM as a share of the problems that are right; `nil` if none is.
        public var roteMemorizationRate: Double? {
            let right = roteMemorization + completeMastery
            return right == 0 ? nil : Double(roteMemorization) / Double(right)
        }

        /// Writes the counts and the values that are computed from them.
        public func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(insufficientKnowledge, forKey: .insufficientKnowledge)
            try values.encode(inadequateGeneralization, forKey: .inadequateGeneralization)
            try values.encode(completeMastery, forKey: .completeMastery)
            try values.encode(roteMemorization, forKey: .roteMemorization)
            try values.encode(total, forKey: .total)
            try values.encode(averageScore, forKey: .averageScore)
            try values.encodeIfPresent(roteMemorizationRate, forKey: .roteMemorizationRate)
        }

        /// Reads the counts; the rest follows from them.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            insufficientKnowledge = try values.decode(Int.self, forKey: .insufficientKnowledge)
            inadequateGeneralization = try values.decode(Int.self, forKey: .inadequateGeneralization)
            completeMastery = try values.decode(Int.self, forKey: .completeMastery)
            roteMemorization = try values.decode(Int.self, forKey: .roteMemorization)
            total = try values.decode(Int.self, forKey: .total)
        }

        /// Makes empty conditions.
        public init() {}

        private enum CodingKeys: String, CodingKey {
            case insufficientKnowledge, inadequateGeneralization, completeMastery, roteMemorization, total
            case averageScore, roteMemorizationRate
        }

        /// Adds a problem; a part is `nil` if the published script has no output for it.
        fileprivate mutating func add(steps: [Bool?], whole: Bool?, isStrict: Bool) {
            let areRight = steps.allSatisfy { $0 == true }
            let areWrong = steps.allSatisfy { $0 == false }
            switch whole {
            case true?:
                if isStrict ? areRight : steps.contains(true) { completeMastery += 1 }
                if isStrict ? steps.contains(false) : areWrong { roteMemorization += 1 }
            case false?:
                if areRight { inadequateGeneralization += 1 }
                if steps.contains(false) { insufficientKnowledge += 1 }
            case nil: break
            }
        }
    }

    /// A problem is mastered if all of its steps are right, and memorized if any is wrong.
    public var strict = Conditions()
    /// A problem is mastered if any of its steps is right, and memorized if all are wrong.
    public var loose = Conditions()
    /// The problems that lack a part in the file, so that they are in none of the conditions.
    public var incomplete: [String] = []

    /// The number of problems in the benchmark. The published script divides by it, however many were run.
    static let publishedTotal = 525

    /// Sorts problems into the conditions by the scores of their parts.
    ///
    /// - Parameters:
    ///   - problems: the parts, each with its "group" and "key" in ``Problem/breakdown``.
    ///   - scores: the scores by the problems' ids. A part without a score counts as wrong; in the published script, it
    ///     counts as neither right nor wrong.
    ///   - variant: which variant of the rule to apply.
    public init(_ problems: [Problem], scores: [String: Score], variant: ScoringRule.Variant = .corrected) {
        let groups = Dictionary(grouping: problems.filter { $0.benchmark == .weMath }) {
            $0.breakdown["group"] ?? $0.id
        }
        for (group, parts) in groups.sorted(by: { $0.key < $1.key }) {
            let ids = Dictionary(parts.map { ($0.breakdown["key"] ?? "", $0.id) }) { first, _ in first }
            let count = (2...3).first { ids["\($0)steps_multi"] != nil } ?? 0
            let names = (0..<count).map { "\(count)steps_\($0 + 1)" }
            guard let whole = ids["\(count)steps_multi"], names.allSatisfy({ ids[$0] != nil }) else {
                incomplete.append(group)
                continue
            }
            func isRight(_ id: String) -> Bool? { scores[id]?.isCorrect ?? (variant == .corrected ? false : nil) }
            let steps = names.compactMap { ids[$0] }.map(isRight)
            // The script starts from the outputs of first steps.
            guard steps[0] != nil else { continue }
            strict.add(steps: steps, whole: isRight(whole), isStrict: true)
            loose.add(steps: steps, whole: isRight(whole), isStrict: false)
        }
        strict.total = variant == .corrected ? groups.count - incomplete.count : Self.publishedTotal
        loose.total = strict.total
    }
}
