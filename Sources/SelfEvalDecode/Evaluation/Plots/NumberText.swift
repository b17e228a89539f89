import Foundation

/// Numbers as the report shows them; "–" for those that are not defined.
enum NumberText {
    static func decimal(_ value: Double?, _ digits: Int) -> String {
        value.map { String(format: "%.\(digits)f", $0) } ?? "–"
    }

    static func percent(_ share: Double?) -> String { share.map { decimal($0 * 100, 1) + " %" } ?? "–" }

    /// A difference of shares in percentage points, with its sign.
    static func points(_ difference: Double) -> String { String(format: "%+.1f", difference * 100) }

    static func pValue(_ value: Double?) -> String {
        value.map { $0 < 0.001 ? "< 0.001" : decimal($0, 3) } ?? "–"
    }

    /// A count of at most five characters, up to ten thousand million.
    static func short(_ count: Int) -> String {
        count < 100_000 ? "\(count)" : count < 10_000_000 ? "\(count / 1000)k" : "\(count / 1_000_000)M"
    }
}
