import Foundation

/// The result of a benchmark, for people and for programs.
protocol BenchmarkReport: Encodable {
    /// A few lines and a Markdown table, ready to paste.
    func table() -> String
}

extension BenchmarkReport {
    /// The report as JSON, with the field names that Python and JavaScript programs expect.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

func decimal(_ value: Double) -> String { String(format: "%.1f", value) }
func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }
func gigabytes(_ bytes: Double) -> String { String(format: "%.1f GB", bytes / 1e9) }
func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }
