import Foundation

/// The scores of one model's outputs on a benchmark, by the benchmark's own categories.
public struct BenchmarkSummary: Codable, Sendable, Equatable {
    /// Right answers among some problems.
    public struct Group: Codable, Sendable, Equatable {
        /// The category's value, such as "algebra".
        public var value: String
        /// The problems that accuracy is a share of.
        public var total: Int
        /// The right ones among them.
        public var correct: Int
        /// The share of right answers; 0 where there is nothing to score.
        public var accuracy: Double
    }

    /// The accuracies by one key of ``Problem/breakdown``.
    public struct Category: Codable, Sendable, Equatable {
        /// The key, such as "subject".
        public var key: String
        /// One for each value. A problem with several values is in several groups.
        public var groups: [Group]
    }

    /// The benchmark.
    public var benchmark: Problem.Benchmark
    /// The rule's variant.
    public var rule: ScoringRule.Variant
    /// All problems.
    public var overall: Group
    /// How many problems have an output.
    public var answered: Int
    /// How many problems have none. The corrected rules count them as wrong.
    public var unanswered: Int
    /// The benchmark's categories, and those of the file.
    public var categories: [Category]
    /// We-Math's diagnosis; `nil` for other benchmarks.
    public var weMath: WeMathDiagnosis?

    /// Sums up scores.
    ///
    /// - Parameters:
    ///   - problems: all problems of the benchmark.
    ///   - run: their scores.
    ///   - rule: the rule that the scores are by.
    public init(_ problems: [Problem], run: ScoredRun, rule: ScoringRule = ScoringRule()) {
        func group(_ value: String, _ members: [Problem]) -> Group {
            let scores = members.compactMap { run.scores[$0.id] }
            let total = rule.variant == .corrected ? members.count : scores.count
            let correct = scores.count { $0.isCorrect }
            let accuracy = total == 0 ? 0 : Double(correct) / Double(total)
            return Group(value: value, total: total, correct: correct, accuracy: accuracy)
        }
        benchmark = problems.first?.benchmark ?? .own
        self.rule = rule.variant
        overall = group("all", problems)
        answered = run.scores.count
        unanswered = run.unanswered.count
        categories = Self.keys(of: problems, benchmark).map { key in
            var members: [String: [Problem]] = [:]
            for problem in problems {
                for value in Self.values(of: key, problem) { members[value, default: []].append(problem) }
            }
            let sorted = members.sorted { $0.key.compare($1.key, options: .numeric) == .orderedAscending }
            return Category(key: key, groups: sorted.map { group($0.key, $0.value) })
        }
        weMath = benchmark == .weMath ? WeMathDiagnosis(problems, scores: run.scores, variant: rule.variant) : nil
    }

    private static let levelBySubject = "subject and level"

    /// The keys that the benchmark itself reports come first.
    private static func keys(of problems: [Problem], _ benchmark: Problem.Benchmark) -> [String] {
        let own: [String] =
            switch benchmark {
            case .own: []
            case .puzzleVQA: ["category"]
            case .mathVista: ["task", "skills", "source", "context", "grade", "question_type", "answer_type"]
            case .mathV: ["subject", "level", levelBySubject]
            case .weMath: ["key", "knowledge concept"]
            }
        let present = Set(problems.flatMap { $0.breakdown.keys })
        // What puts parts of a We-Math problem together is no category.
        let others = present.subtracting(own).subtracting(["group"]).sorted()
        return own.filter { present.contains($0) || $0 == levelBySubject } + others
    }

    private static func values(of key: String, _ problem: Problem) -> [String] {
        guard key == levelBySubject else { return problem.values(of: key) }
        guard let subject = problem.breakdown["subject"], let level = problem.breakdown["level"] else { return [] }
        return ["\(subject), level \(level)"]
    }

    /// The summary for people: a line for each group.
    public var text: String {
        func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
        func row(_ group: Group) -> String {
            "\(group.value): \(percent(group.accuracy)) (\(group.correct) of \(group.total))"
        }
        var lines = [row(overall)]
        if unanswered > 0 { lines.append("without an output: \(unanswered) of \(answered + unanswered)") }
        for category in categories {
            lines.append("by \(category.key):")
            lines += category.groups.map { "  " + row($0) }
        }
        if let weMath {
            for (name, conditions) in [("strict", weMath.strict), ("loose", weMath.loose)] {
                let memorized = conditions.roteMemorizationRate.map(percent) ?? "none is right"
                lines.append(
                    "We-Math, \(name): average score \(percent(conditions.averageScore)), rote memorization \(memorized); "
                        + "of \(conditions.total): IK \(conditions.insufficientKnowledge), "
                        + "IG \(conditions.inadequateGeneralization), CM \(conditions.completeMastery), "
                        + "RM \(conditions.roteMemorization)"
                )
            }
            if !weMath.incomplete.isEmpty { lines.append("incomplete in the file: \(weMath.incomplete.count)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
