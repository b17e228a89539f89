/// The report as Markdown.
enum Markdown {
    static func report(_ summary: Summary, figures: [[Figure]]) -> String {
        let skipped = summary.skippedProblems
        var parts = ["# Evaluation"]
        parts.append(
            "\(summary.records) results on \(summary.problems) problems. "
                + (skipped == 0 ? "" : "**Problems that were skipped: \(skipped).** ")
                + coverage(summary)
                + "Brackets hold 95 % intervals. Abstentions and failures count as wrong."
        )
        if summary.models.count > 1 { parts += ["## Side by side", overviewTable(summary)] }
        for (model, figures) in zip(summary.models, figures) {
            parts.append("## \(escaped(model.model))")
            parts += sections(model, summary.options, figures)
        }
        parts += settings(summary.runs ?? [])
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// How many of the problems have results, so that readers need not find out what is missing.
    private static func coverage(_ summary: Summary) -> String {
        guard let planned = summary.plannedProblems else { return "How many problems there were to run is not known. " }
        let missing = planned - summary.problems
        if missing > 0 { return "**Incomplete: \(missing) of \(planned) problems have no result.** " }
        return summary.skippedProblems == 0
            ? "These are all problems; none was skipped. " : "These are all that could be run. "
    }

    private static func sections(_ model: ModelSummary, _ options: ReportOptions, _ figures: [Figure]) -> [String] {
        func images(_ section: Figure.Section) -> [String] {
            figures.filter { $0.section == section }.map { "![\(escaped($0.caption))](\($0.fileName))" }
        }
        let baseline = escaped(options.baseline)
        var parts = ["### Accuracy and cost", accuracyTable(model)]
        if model.sharedProblems < model.problems {
            parts.append(
                "Not every strategy has a result of every problem: "
                    + "all have \(model.sharedProblems) of \(model.problems) in common. "
                    + "This table takes each on its own; the comparisons below take what is shared."
            )
        }
        parts += failureTable(model) + images(.cost) + ["### Against \(baseline)"]
        if model.comparisons.isEmpty {
            parts.append("There is nothing to compare, or no results of \(baseline).")
        } else {
            let isExact = model.comparisons.allSatisfy { $0.difference?.exactPValue != nil || $0.pairs == 0 }
            parts += [
                comparisonTable(model),
                isExact
                    ? "p is that of the exact sign-flip test over problems; with one seed it is McNemar's."
                    : "p is the paired bootstrap's, over problems.",
            ]
            parts += ["### Revisions of \(baseline)", revisionTable(model)]
            parts.append(
                isExact
                    ? "p is the same as above: the seeds of a problem are taken together."
                    : "p is that of McNemar's exact test, which takes the seeds of a problem for independent."
            )
            parts += images(.revisions)
        }
        if model.strategies.contains(where: { $0.steps != nil }) {
            parts += ["### Verdicts on steps", stepTable(model, options)] + images(.steps)
        }
        if model.strategies.contains(where: { $0.confidence != nil }) {
            parts += ["### Confidence in answers", confidenceTable(model, options)] + images(.confidence)
        }
        for breakdown in model.breakdowns {
            parts += ["### By \(escaped(breakdown.key))", breakdownTable(breakdown, model)]
            parts += images(.breakdown(key: breakdown.key))
        }
        return parts
    }

    // MARK: Tables

    /// Accuracies, a row for each strategy and a column for each model.
    private static func overviewTable(_ summary: Summary) -> String {
        let names = summary.models.flatMap { $0.strategies.map(\.strategy) }
        let isBaseline = { (name: String) in name == summary.options.baseline }
        let rows = Set(names).sorted { (isBaseline($0) ? 0 : 1, $0) < (isBaseline($1) ? 0 : 1, $1) }.map { name in
            [escaped(name)]
                + summary.models.map { model in
                    model.strategies.first { $0.strategy == name }.map { proportion($0.accuracy) } ?? "–"
                }
        }
        return table(["strategy"] + summary.models.map { escaped($0.model) }, rows)
    }

    private static func accuracyTable(_ model: ModelSummary) -> String {
        let header = [
            "strategy", "accuracy", "lowest–highest seed", "processed tokens", "seconds", "overhead", "abstained",
            "failures",
        ]
        let rows = model.strategies.map { strategy in
            let seeds = strategy.seedAccuracies.map(\.accuracy)
            let range = "\(NumberText.percent(seeds.min()))–\(NumberText.percent(seeds.max())) of \(seeds.count)"
            return [
                escaped(strategy.strategy), proportion(strategy.accuracy), seeds.count > 1 ? range : "one seed",
                NumberText.decimal(strategy.processedTokens, 0), NumberText.decimal(strategy.seconds, 2),
                NumberText.decimal(strategy.overhead, 2), "\(strategy.abstained)",
                "\(strategy.failures.values.reduce(0, +)) of \(strategy.records)",
            ]
        }
        return table(header, rows)
    }

    private static func failureTable(_ model: ModelSummary) -> [String] {
        let rows = model.strategies.flatMap { strategy in
            strategy.failures.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
                ["\(escaped(strategy.strategy)): \(escaped($0.key))", "\($0.value)"]
            }
        }
        return rows.isEmpty ? [] : [table(["why there is no answer", "results"], rows)]
    }

    private static func comparisonTable(_ model: ModelSummary) -> String {
        let header = [
            "strategy", "difference in accuracy, points", "p", "problems", "pairs", "problems left out",
            "results left out",
        ]
        let rows = model.comparisons.map { one in
            let difference = one.difference.map {
                "\(NumberText.points($0.value)) "
                    + "[\(NumberText.points($0.interval.lower)), \(NumberText.points($0.interval.upper))]"
            }
            let counts = [one.problems, one.pairs, one.problemsLeftOut, one.recordsLeftOut]
            return [
                escaped(one.strategy), difference ?? "–",
                NumberText.pValue(one.difference?.exactPValue ?? one.difference?.pValue),
            ]
                + counts.map { "\($0)" }
        }
        return table(header, rows)
    }

    private static func revisionTable(_ model: ModelSummary) -> String {
        let rows = model.comparisons.map { one in
            let matrix = one.revisions
            let counts = [matrix.rightToRight, matrix.wrongToRight, matrix.rightToWrong, matrix.wrongToWrong]
            return [escaped(one.strategy)] + counts.map { "\($0)" } + [NumberText.pValue(one.revisionsPValue)]
        }
        return table(["strategy", "right → right", "wrong → right", "right → wrong", "wrong → wrong", "p"], rows)
    }

    private static func stepTable(_ model: ModelSummary, _ options: ReportOptions) -> String {
        let header = [
            "strategy", "steps", "right", "unevaluated", "AUROC", "AUROC of the verdict alone",
            "AUROC of mean log-probability",
            "AUPRC",
            "TNR at TPR \(NumberText.percent(options.truePositiveRate))", "ECE, equal width", "ECE, equal mass",
            "Brier", "first-error F1",
        ]
        let rows: [[String]] = model.strategies.compactMap { strategy in
            guard let steps = strategy.steps else { return nil }
            let verdict = steps.verdict
            let numbers = [
                verdict.areaUnderROC, steps.verdictAloneAreaUnderROC, steps.logProbabilityAreaUnderROC,
                verdict.averagePrecision, verdict.trueNegativeRate, verdict.calibrationErrorOfEqualWidth,
                verdict.calibrationErrorOfEqualMass,
                verdict.brierScore, steps.firstError?.f1,
            ]
            let counts = [verdict.count, verdict.right, steps.unevaluated].map { "\($0)" }
            return [escaped(strategy.strategy)] + counts + numbers.map { NumberText.decimal($0, 3) }
        }
        return table(header, rows)
    }

    private static func confidenceTable(_ model: ModelSummary, _ options: ReportOptions) -> String {
        let header = ["strategy", "answers", "without confidence", "AUROC", "ECE", "Brier", "AURC"]
        let rows: [[String]] = model.strategies.compactMap { strategy in
            guard let confidence = strategy.confidence else { return nil }
            let answers = confidence.answers
            let numbers = [
                answers.areaUnderROC, answers.calibrationErrorOfEqualWidth, answers.brierScore,
                confidence.areaUnderRiskCoverage,
            ]
            return [escaped(strategy.strategy), "\(answers.count)", "\(confidence.withoutConfidence)"]
                + numbers.map { NumberText.decimal($0, 3) } + confidence.coverages.map { NumberText.percent($0) }
        }
        return table(header + options.risks.map { "coverage at risk \(NumberText.percent($0))" }, rows)
    }

    private static func breakdownTable(_ breakdown: Breakdown, _ model: ModelSummary) -> String {
        let strategies = model.strategies.map(\.strategy)
        let rows = breakdown.groups.map { group in
            let cells = strategies.map { name in
                group.accuracies[name].map { "\(proportion($0)), n = \($0.trials)" } ?? "–"
            }
            return [escaped(group.value)] + cells
        }
        return table(([breakdown.key] + strategies).map(escaped), rows)
    }

    /// A table with the first column aligned left and the others aligned right.
    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        let rule = header.indices.map { $0 == 0 ? "---" : "---:" }
        return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }

    private static func proportion(_ proportion: Proportion) -> String {
        let ends = [proportion.interval.lower, proportion.interval.upper].map { NumberText.decimal($0 * 100, 1) }
        return "\(NumberText.percent(proportion.value)) [\(ends.joined(separator: ", "))]"
    }

    /// A name as plain text on one line: names come from files, and must not act as markup.
    static func escaped(_ name: String) -> String {
        name.map { character in
            character.isNewline ? " " : "\\`*_[]<>|#&!".contains(character) ? "\\\(character)" : "\(character)"
        }.joined()
    }
}
