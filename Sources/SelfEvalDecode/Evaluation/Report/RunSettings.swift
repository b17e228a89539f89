import EMLLMCore
import Foundation
import SelfEvalDecode

/// What the readers of a report need to repeat one of its runs.
public struct RunSettings: Codable, Sendable, Equatable {
    /// The model.
    public var model: ModelIdentity
    /// The name of the file of problems.
    public var problems: String
    /// The SHA-256 digest of its bytes.
    public var problemsDigest: String
    /// Its layout.
    public var layout: ProblemLayout
    /// The part of the problems that was run, such as "1/4"; `nil` for all.
    public var shard: String?
    /// How answers were scored.
    public var rule: ScoringRule.Variant
    /// How steps were labelled; `nil` if they were not.
    public var labels: StepLabelRule?
    /// For each strategy, the options that differ from the defaults of `SelfEvalOptions`, as JSON.
    public var options: [String: String]
    /// The seeds that have results, in ascending order.
    public var seeds: [UInt64]
    /// Where the run was computed; empty for runs of earlier versions, which did not record it.
    public var origins: [RunOrigin]

    /// Takes the settings of a run.
    ///
    /// - Parameters:
    ///   - description: the run.
    ///   - records: its results.
    /// - Throws: what the encoder of options throws.
    public init(_ description: RunDescription, records: [ResultRecord]) throws {
        model = description.model
        problems = URL(filePath: description.problems).lastPathComponent
        problemsDigest = description.problemsDigest
        layout = description.layout
        shard = description.shard
        rule = description.rule
        labels = description.labels
        options = try description.options.mapValues(Self.differences)
        seeds = Set(records.map(\.seed)).sorted()
        origins = description.origins ?? []
    }

    /// The options that are not the defaults. Prompts are long: a digest stands for them.
    private static func differences(of options: SelfEvalOptions) throws -> String {
        let usual = try fields(of: SelfEvalOptions())
        let found = try fields(of: options).filter { key, value in
            value != usual[key] && !["strategy", "seed"].contains(key)
        }
        let members = found.sorted { $0.key < $1.key }.map { key, value in
            "\"\(key)\":" + (key == "prompts" ? "\"sha256 \(Checksum(of: Array(value.utf8)))\"" : value)
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// The options by name, each as JSON.
    private static func fields(of options: SelfEvalOptions) throws -> [String: String] {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(options)) as? [String: Any]
        return try (object ?? [:]).mapValues { value in
            let json = try JSONSerialization.data(
                withJSONObject: value,
                options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
            )
            return String(decoding: json, as: UTF8.self)
        }
    }
}
