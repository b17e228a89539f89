import Foundation

extension Jinja {
    /// C's `strftime` in the C locale, for the conversions that are useful in a prompt.
    struct DateFormat {
        private let parts: DateComponents

        private static let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

        private static let compounds: [Unicode.Scalar: String] = [
            "F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M",
        ]

        init(date: Date, timeZone: TimeZone) {
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = timeZone
            parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second, .weekday, .dayOfYear],
                from: date
            )
        }

        /// Formats the date; `unsupported` makes the error for a conversion that is not implemented.
        func text(_ format: String, unsupported: (String) -> EMLLMError) throws -> String {
            var result = ""
            var rest = Array(format.unicodeScalars.reversed())
            while let scalar = rest.popLast() {
                guard scalar == "%", var conversion = rest.popLast() else {
                    result.unicodeScalars.append(scalar)
                    continue
                }
                // GNU's flag for numbers without padding.
                let isUnpadded = conversion == "-"
                if isUnpadded, let next = rest.popLast() { conversion = next }
                if let expansion = Self.compounds[conversion] {
                    rest += expansion.unicodeScalars.reversed()
                    continue
                }
                guard let part = self.part(conversion, isUnpadded: isUnpadded) else {
                    throw unsupported("%" + (isUnpadded ? "-" : "") + String(conversion))
                }
                result += part
            }
            return result
        }

        private func part(_ conversion: Unicode.Scalar, isUnpadded: Bool) -> String? {
            func number(_ value: Int?, _ width: Int, _ pad: String = "0") -> String {
                let text = String(value ?? 0)
                return isUnpadded ? text : String(repeating: pad, count: max(0, width - text.count)) + text
            }
            let hour = parts.hour ?? 0
            let month = Self.months[max(0, min(11, (parts.month ?? 1) - 1))]
            let day = Self.days[max(0, min(6, (parts.weekday ?? 1) - 1))]
            switch conversion {
            case "Y": return String(parts.year ?? 0)
            case "y": return number((parts.year ?? 0) % 100, 2)
            case "m": return number(parts.month, 2)
            case "d": return number(parts.day, 2)
            case "e": return number(parts.day, 2, " ")
            case "j": return number(parts.dayOfYear, 3)
            case "H": return number(hour, 2)
            case "I": return number((hour + 11) % 12 + 1, 2)
            case "M": return number(parts.minute, 2)
            case "S": return number(parts.second, 2)
            case "p": return hour < 12 ? "AM" : "PM"
            case "B": return month
            case "b", "h": return String(month.prefix(3))
            case "A": return day
            case "a": return String(day.prefix(3))
            case "w": return String((parts.weekday ?? 1) - 1)
            case "%": return "%"
            case "n": return "\n"
            case "t": return "\t"
            default: return nil
            }
        }
    }
}
