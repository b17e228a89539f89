import Foundation

/// Numbers as Python reads, rounds and writes them, since the published scripts depend on that.
enum PythonNumber {
    /// `float(text)`: surrounding white space and underscores between digits are allowed; `nil` if Python raises an
    /// error.
    static func float(_ text: String) -> Double? {
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
        switch word.lowercased().drop(while: { "+-".contains($0) }) {
        case "inf", "infinity", "nan":
            return word.count(where: { "+-".contains($0) }) <= 1 ? Double(word) : nil
        default:
            guard
                word.wholeMatch(
                    of: /[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?/
                ) != nil
            else { return nil }
            return Double(word.filter { $0 != "_" })
        }
    }

    /// `str(int(text))`.
    static func integer(_ text: String) -> String? {
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard word.wholeMatch(of: /[+-]?\d+(?:_\d+)*/) != nil else { return nil }
        let digits = word.filter(\.isNumber).drop { $0 == "0" }
        return digits.isEmpty ? "0" : (word.hasPrefix("-") ? "-" : "") + digits
    }

    /// `str(int(float(text)))`, truncated towards zero; `nil` if Python raises an error, as for infinity.
    static func truncated(_ text: String) -> String? {
        guard let value = float(text), value.isFinite else { return nil }
        return value.magnitude < 1 ? "0" : String(format: "%.0f", value.rounded(.towardZero))
    }

    /// `round(value, places)`: to the nearest decimal of the exact binary value.
    static func round(_ value: Double, _ places: Int) -> Double {
        value.isFinite ? Double(String(format: "%.\(min(max(places, 0), 17))f", value)) ?? value : value
    }
}
