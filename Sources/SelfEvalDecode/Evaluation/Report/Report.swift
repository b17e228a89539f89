import EMLLMCore
import Foundation

/// An evaluation as numbers, text and figures.
///
/// ```swift
/// let records = try ResultRecord.records(from: Data(contentsOf: file), file: file.lastPathComponent)
/// try Report(records: records).write(to: folder)
/// ```
public struct Report: Sendable {
    /// The numbers.
    public let summary: Summary
    /// The report for people to read, as Markdown; it shows the plots.
    public let markdown: String
    /// SVG documents by file name.
    public let plots: [String: String]

    /// Makes a report from the results of any number of models, strategies and seeds.
    ///
    /// - Parameters:
    ///   - records: the results.
    ///   - skippedProblems: how many problems were not run.
    ///   - plannedProblems: how many problems should have been run; `nil` if unknown.
    ///   - runs: what the runs were made with; `nil` if unknown.
    ///   - options: the settings of the computation.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when two records have the same problem, strategy, model and seed.
    public init(
        records: [ResultRecord],
        skippedProblems: Int = 0,
        plannedProblems: Int? = nil,
        runs: [RunSettings]? = nil,
        options: ReportOptions = ReportOptions()
    ) throws {
        let summary = try Summary(
            records: records,
            skippedProblems: skippedProblems,
            plannedProblems: plannedProblems,
            runs: runs,
            options: options
        )
        self.init(summary: summary)
    }

    /// Makes a report from numbers that were computed earlier.
    public init(summary: Summary) {
        var taken: Set<String> = []
        let figures = summary.models.map { model in
            Figure.all(of: model, in: summary).map { figure in
                // A number distinguishes names that differ only in characters that a file name cannot hold.
                var (named, number) = (figure, 2)
                while !taken.insert(named.fileName).inserted {
                    named.name = "\(figure.name)-\(number)"
                    number += 1
                }
                return named
            }
        }
        self.summary = summary
        markdown = Markdown.report(summary, figures: figures)
        plots = Dictionary(
            figures.joined().map { ($0.fileName, $0.svg) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Writes `report.md`, `summary.json` and the plots into a folder, which is created if it is missing. Each file is
    /// written under a temporary name and then renamed, so that no reader sees a partial file. Existing files with
    /// these names are replaced.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names what could not be written.
    public func write(to folder: URL) throws {
        var files = plots.mapValues { Data($0.utf8) }
        files["report.md"] = Data(markdown.utf8)
        files["summary.json"] = try summary.json()
        var url = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (name, data) in files.sorted(by: { $0.key < $1.key }) {
                url = folder.appending(path: name)
                try data.write(to: url, options: .atomic)
            }
        } catch {
            throw EMLLMError.reportNotWritten(url, reason: error)
        }
    }
}

/// A plot and its place in the report.
struct Figure {
    enum Section: Equatable { case cost, revisions, steps, confidence, breakdown(key: String) }

    let section: Section
    var name: String
    let caption: String
    let svg: String

    var fileName: String { name + ".svg" }

    private init(_ section: Section, _ model: String?, _ name: String, _ caption: String, _ svg: (String) -> String) {
        self.section = section
        self.name = [model ?? "", name].map(Self.slug).filter { !$0.isEmpty }.joined(separator: "-")
        self.caption = caption
        self.svg = svg(model.map { "\(caption) – \($0)" } ?? caption)
    }

    /// A model's figures. Those without data are left out.
    static func all(of model: ModelSummary, in summary: Summary) -> [Figure] {
        let prefix = summary.models.count > 1 ? model.model : nil
        var figures: [Figure] = []
        func add(_ section: Section, _ name: String, _ caption: String, _ svg: (String) -> String) {
            figures.append(Figure(section, prefix, name, caption, svg))
        }
        /// The series of a plot, one for each strategy that has data.
        func series<Data>(_ data: (StrategySummary) -> Data?) -> [PlotSeries<Data>] {
            model.strategies.enumerated().compactMap { rank, strategy in
                data(strategy).map { PlotSeries(name: strategy.strategy, rank: rank, data: $0) }
            }
        }
        func addCost(_ name: String, _ caption: String, _ costTitle: String, _ cost: (StrategySummary) -> Double?) {
            add(.cost, name, caption) { title in
                let points = series { strategy in cost(strategy).map { (cost: $0, accuracy: strategy.accuracy) } }
                return Plots.cost(title: title, costTitle: costTitle, series: points)
            }
        }
        addCost(
            "accuracy-tokens",
            "Accuracy against processed tokens",
            "Processed tokens per problem",
            \.processedTokens
        )
        addCost("accuracy-seconds", "Accuracy against time", "Seconds per problem", \.seconds)
        if !model.comparisons.isEmpty {
            let baseline = summary.options.baseline
            add(.revisions, "revisions", "What became of the answers of \(baseline)") { title in
                let matrices = model.comparisons.map { ($0.strategy, $0.revisions) }
                return Plots.revision(title: title, baseline: baseline, matrices: matrices)
            }
        }
        for strategy in model.strategies {
            let name = strategy.strategy
            if let bins = strategy.steps?.verdict.bins {
                add(.steps, "reliability-steps-\(name)", "Reliability of step verdicts: \(name)") {
                    Plots.reliability(title: $0, bins: bins)
                }
            }
            if let bins = strategy.confidence?.answers.bins {
                add(.confidence, "reliability-answers-\(name)", "Reliability of the confidence in answers: \(name)") {
                    Plots.reliability(title: $0, bins: bins)
                }
            }
        }
        let curves = series { $0.confidence?.curve }
        if !curves.isEmpty {
            add(.confidence, "risk-coverage", "Risk against coverage") {
                Plots.riskCoverage(title: $0, series: curves)
            }
        }
        for breakdown in model.breakdowns {
            let key = breakdown.key
            add(.breakdown(key: key), "accuracy-by-\(key)", "Accuracy by \(key)") { title in
                let accuracies = series { strategy in breakdown.groups.map { $0.accuracies[strategy.strategy] } }
                return Plots.breakdown(title: title, rows: breakdown.groups.map(\.value), series: accuracies)
            }
        }
        return figures
    }

    /// A name that every file system accepts: ASCII letters in lower case, digits and hyphens, at most 80 of them.
    private static func slug(_ text: String) -> String {
        let kept = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return kept.prefix(80).split(separator: "-").map { String($0) }.joined(separator: "-")
    }
}
