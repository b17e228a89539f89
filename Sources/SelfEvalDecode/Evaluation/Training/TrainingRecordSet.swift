import EMLLMCore
import Foundation
import SelfEvalDecode

/// The training records of a run, and counts of what the rules of ``DataFilter`` left out.
public struct TrainingRecordSet: Sendable {
    /// The records that are kept.
    public private(set) var records: [TrainingRecord] = []
    /// Problems that were left out, by the rule they violate.
    public private(set) var sourceDefects: [DataFilter.SourceDefect: Int] = [:]
    /// Records that were left out, by the rule they violate.
    public private(set) var recordDefects: [DataFilter.RecordDefect: Int] = [:]

    /// Makes records from all traces of a run.
    ///
    /// - Parameters:
    ///   - folder: the folder of the run.
    ///   - labels: how steps are labelled.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder is not a run's, or its problems have changed.
    public init(of folder: RunFolder, labels: StepLabelRule) throws {
        let description = try folder.readDescription()
        let byProblem = Dictionary(grouping: try folder.readResults().filter { $0.failure == nil }, by: \.problem)
        var seen: Set<String> = []
        for problem in try folder.readProblems(description) {
            guard let results = byProblem[problem.id] else { continue }
            if let defect = DataFilter.defect(of: problem, results: results, seen: &seen) {
                sourceDefects[defect, default: 0] += 1
                continue
            }
            for result in results {
                guard let trace = try folder.readTrace(of: result) else { continue }
                let record = TrainingRecord(trace, of: problem, labels: labels)
                let prompts = trace.header.options.prompts
                if let defect = DataFilter.defect(of: record, isCorrect: result.isCorrect, prompts: prompts) {
                    recordDefects[defect, default: 0] += 1
                } else {
                    records.append(record)
                }
            }
        }
    }

    /// The records as JSON lines.
    public func jsonLines() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try records.reduce(into: Data()) { $0 += try encoder.encode($1) + Data("\n".utf8) }
    }
}
