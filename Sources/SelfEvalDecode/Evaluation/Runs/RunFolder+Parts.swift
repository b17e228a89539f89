import EMLLMCore
import Foundation

extension RunFolder {
    /// Merges the parts of a run into this folder, which must not exist yet.
    ///
    /// - Parameter parts: the folders of the parts, at least one.
    /// - Returns: the number of answers.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the parts belong to different runs or share an answer, when the folder
    ///   exists, or when something cannot be read or written.
    public func merge(_ parts: [RunFolder]) throws -> Int {
        precondition(!parts.isEmpty, "a run has parts")
        var whole = try parts[0].readDescription()
        whole.shard = nil
        var records: [ResultRecord] = []
        for folder in parts {
            var part = try folder.readDescription()
            part.shard = nil
            part.problems = whole.problems
            let origins = part.origins
            part.origins = whole.origins
            guard part == whole else {
                throw EMLLMError.otherRun(folder.url.path, what: "model, problem set or options")
            }
            whole.add(origins)
            records += try folder.readResults()
        }
        // Detects questions that two parts have both answered.
        _ = try Summary(records: records)
        guard !FileManager.default.fileExists(atPath: url.path) else { throw EMLLMError.folderExists(url.path) }
        try OutputFile.makeFolder(url)
        try write(whole)
        try write(parts[0].readSkipped())
        for record in records {
            let names = (record.problem, record.strategy, record.seed)
            let copy = trace(names.0, strategy: names.1, seed: names.2)
            for folder in parts {
                let file = folder.trace(names.0, strategy: names.1, seed: names.2)
                guard let data = FileManager.default.contents(atPath: file.path) else { continue }
                try OutputFile.makeFolder(copy.deletingLastPathComponent())
                try OutputFile.write(data, atomicallyTo: copy)
            }
        }
        let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
        try OutputFile.write(lines, atomicallyTo: results)
        return records.count
    }

    /// The ids of the problems that the run was meant to answer: all in its file, or those of its part of the file.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the file has changed since then.
    public func readPlannedProblems(_ description: RunDescription) throws -> Set<String> {
        let ids = try readProblems(description, requiresImages: false).map(\.id)
        guard let shard = description.shard.flatMap(Shard.init) else { return Set(ids) }
        return Set(shard.part(of: ids))
    }

    /// The parts of a run that are missing among these, such as "3/3" of a run that was divided into three.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when a folder is not a run's.
    public static func missingParts(among parts: [RunFolder]) throws -> [String] {
        let shards = try parts.compactMap { try $0.readDescription().shard.flatMap(Shard.init) }
        let there = Set(shards.map(\.description))
        return Set(shards.map(\.count)).sorted().flatMap { count in
            (1...count).map { "\($0)/\(count)" }.filter { !there.contains($0) }
        }
    }

    /// We-Math's own measures, by strategy and seed ("cot-0"): what the results on problems of several steps and on
    /// their parts show together.
    ///
    /// - Returns: `nil` for a run on other problems.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder is not a run's, or its problems have changed.
    public func weMathDiagnoses() throws -> [String: WeMathDiagnosis]? {
        let description = try readDescription()
        guard description.layout == .weMath else { return nil }
        let problems = try readProblems(description)
        let byID = Dictionary(problems.map { ($0.id, $0) }) { first, _ in first }
        var diagnoses: [String: WeMathDiagnosis] = [:]
        for (run, records) in Dictionary(grouping: try readResults(), by: { "\($0.strategy)-\($0.seed)" }) {
            var scores: [String: Score] = [:]
            for record in records {
                guard let problem = byID[record.problem] else { continue }
                let output = ModelOutput(answer: record.answer, response: record.response)
                scores[record.problem] = ScoringRule(description.rule).score(output, for: problem)
            }
            diagnoses[run] = WeMathDiagnosis(problems, scores: scores, variant: description.rule)
        }
        return diagnoses
    }
}

extension EMLLMError {
    static func folderExists(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .otherRun,
            subject: path,
            expected: "a new folder",
            found: "one that exists",
            remedy: "choose another folder"
        )
    }
}
