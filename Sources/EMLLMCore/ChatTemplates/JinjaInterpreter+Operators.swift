import Foundation

extension Jinja.Interpreter {
    // MARK: Arithmetic

    /// The result of a checked integer operation.
    func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Int {
        guard !result.overflow else {
            throw failure(expected: "a whole number that fits 64 bits", found: "a larger one")
        }
        return result.partialValue
    }

    func arithmetic(_ symbol: Jinja.ArithmeticOperator, _ left: Value, _ right: Value) throws -> Value {
        if let left = number(left), let right = number(right) {
            if case .integer(let left) = left, case .integer(let right) = right {
                return try integerArithmetic(symbol, left, right)
            }
            return .double(try floatArithmetic(symbol, left.double, right.double))
        }
        switch (symbol, left, right) {
        case (.add, .string(let left), .string(let right)): return .string(try sum(left, right))
        case (.add, .items(let left), .items(let right))
        where left.kind == right.kind && (left.kind == .list || left.kind == .tuple):
            return try makeItems(left.kind, left.elements + right.elements)
        case (.multiply, _, _):
            if let count = integer(right), let result = try repetition(of: left, count: count) { return result }
            if let count = integer(left), let result = try repetition(of: right, count: count) { return result }
        case (.remainder, .string(let format), let value): return .string(try formatted(format, value))
        default: break
        }
        throw failure(
            expected: "operands that '\(symbol.rawValue)' can combine",
            found: "\(left.typeName) and \(right.typeName)"
        )
    }

    /// Concatenation; a string marked safe escapes the other one, as in Jinja.
    private func sum(_ left: TemplateString, _ right: TemplateString) throws -> TemplateString {
        let isMarkup = left.isMarkup || right.isMarkup
        var result = isMarkup ? left.htmlEscaped() : left
        let right = isMarkup ? right.htmlEscaped() : right
        try checkLength(result.count + right.count)
        result.append(right)
        return result
    }

    private func repetition(of value: Value, count: Int) throws -> Value? {
        let count = max(0, count)
        switch value {
        case .string(let text):
            let (length, overflow) = text.count.multipliedReportingOverflow(by: count)
            try checkLength(overflow ? .max : length)
            var result = TemplateString()
            result.isMarkup = text.isMarkup
            if !text.isEmpty { for _ in 0..<count { result.append(text) } }
            return .string(result)
        case .items(let items) where items.kind == .list || items.kind == .tuple:
            let (length, overflow) = items.elements.count.multipliedReportingOverflow(by: count)
            try spend((overflow ? limits.steps : min(length, limits.steps)) + 1)
            guard length > 0 else { return try makeItems(items.kind, []) }
            return try makeItems(items.kind, Array(repeating: items.elements, count: count).flatMap { $0 })
        default: return nil
        }
    }

    private func integerArithmetic(_ symbol: Jinja.ArithmeticOperator, _ left: Int, _ right: Int) throws -> Value {
        switch symbol {
        case .add: return .integer(try checked(left.addingReportingOverflow(right)))
        case .subtract: return .integer(try checked(left.subtractingReportingOverflow(right)))
        case .multiply: return .integer(try checked(left.multipliedReportingOverflow(by: right)))
        case .divide: return .double(try floatArithmetic(.divide, Double(left), Double(right)))
        case .floorDivide:
            try checkDivisor(Double(right))
            let quotient = try checked(left.dividedReportingOverflow(by: right))
            let isRoundedUp = left % right != 0 && (left < 0) != (right < 0)
            return .integer(isRoundedUp ? quotient - 1 : quotient)
        case .remainder:
            try checkDivisor(Double(right))
            let remainder = left.remainderReportingOverflow(dividingBy: right).partialValue
            return .integer(remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder)
        case .power:
            guard right >= 0 else { return .double(try floatArithmetic(.power, Double(left), Double(right))) }
            var result = 1
            var base = left
            var exponent = right
            while exponent > 0 {
                if exponent & 1 == 1 { result = try checked(result.multipliedReportingOverflow(by: base)) }
                exponent >>= 1
                if exponent > 0 { base = try checked(base.multipliedReportingOverflow(by: base)) }
            }
            return .integer(result)
        }
    }

    private func floatArithmetic(_ symbol: Jinja.ArithmeticOperator, _ left: Double, _ right: Double) throws -> Double {
        switch symbol {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .divide:
            try checkDivisor(right)
            return left / right
        case .floorDivide:
            try checkDivisor(right)
            return ((left - floorRemainder(left, right)) / right).rounded()
        case .remainder:
            try checkDivisor(right)
            return floorRemainder(left, right)
        case .power:
            if left == 0, right < 0 { try checkDivisor(0) }
            let result = pow(left, right)
            guard result.isFinite || !left.isFinite || !right.isFinite else {
                throw failure(expected: "a real power within the range of a float", found: "none")
            }
            return result
        }
    }

    /// The remainder with the sign of the divisor.
    private func floorRemainder(_ left: Double, _ right: Double) -> Double {
        let remainder = fmod(left, right)
        if remainder == 0 { return copysign(0, right) }
        return (remainder < 0) != (right < 0) ? remainder + right : remainder
    }

    private func checkDivisor(_ divisor: Double) throws {
        guard divisor != 0 else { throw failure(expected: "a divisor other than zero", found: "zero") }
    }

    // MARK: Comparison

    func compare(_ symbol: Jinja.ComparisonOperator, _ left: Value, _ right: Value) throws -> Bool {
        switch symbol {
        case .equal: try isEqual(left, right)
        case .notEqual: !(try isEqual(left, right))
        case .less: try order(left, right, symbol.rawValue) == .less
        case .lessOrEqual: [.less, .equal].contains(try order(left, right, symbol.rawValue))
        case .greater: try order(left, right, symbol.rawValue) == .greater
        case .greaterOrEqual: [.greater, .equal].contains(try order(left, right, symbol.rawValue))
        case .contained: try isContained(left, in: right)
        case .notContained: !(try isContained(left, in: right))
        }
    }

    /// Python's `==`, which never fails.
    func isEqual(_ left: Value, _ right: Value) throws -> Bool {
        try descend()
        defer { ascend() }
        try spend(1)
        if let left = number(left), let right = number(right) {
            if case .integer(let left) = left, case .integer(let right) = right { return left == right }
            return left.double == right.double
        }
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let left), .string(let right)):
            try spend(characters: min(left.count, right.count))
            return left.scalars == right.scalars
        case (.items(let left), .items(let right)):
            guard left.kind == right.kind, left.elements.count == right.elements.count else { return false }
            for (left, right) in zip(left.elements, right.elements) where !(try isEqual(left, right)) { return false }
            return true
        case (.mapping(let left), .mapping(let right)):
            guard left.keys.count == right.keys.count else { return false }
            for (key, value) in zip(left.keys, left.values) {
                guard let other = right[try self.key(key)], try isEqual(value, other) else { return false }
            }
            return true
        case (.namespace(let left), .namespace(let right)), (.macro(let left), .macro(let right)): return left == right
        case (.function(let left), .function(let right)): return left == right
        case (.iterator(let left), .iterator(let right)): return left === right
        case (.loop(let left), .loop(let right)): return left === right
        default: return false
        }
    }

    enum Order { case less, equal, greater, unordered }

    /// The order of two values if Python's `<` is defined for them; an error otherwise.
    func order(_ left: Value, _ right: Value, _ symbol: String) throws -> Order {
        try descend()
        defer { ascend() }
        try spend(1)
        if let left = number(left), let right = number(right) {
            if case .integer(let left) = left, case .integer(let right) = right {
                return left < right ? .less : left == right ? .equal : .greater
            }
            let (left, right) = (left.double, right.double)
            return left < right ? .less : left == right ? .equal : left > right ? .greater : .unordered
        }
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try spend(characters: min(left.count, right.count))
            if left.scalars == right.scalars { return .equal }
            return left.scalars.lexicographicallyPrecedes(right.scalars) ? .less : .greater
        case (.items(let left), .items(let right))
        where left.kind == right.kind && (left.kind == .list || left.kind == .tuple):
            for (left, right) in zip(left.elements, right.elements) where !(try isEqual(left, right)) {
                return try order(left, right, symbol)
            }
            let (left, right) = (left.elements.count, right.elements.count)
            return left < right ? .less : left == right ? .equal : .greater
        default:
            throw failure(
                expected: "values that '\(symbol)' can compare",
                found: "\(left.typeName) and \(right.typeName)"
            )
        }
    }

    func isContained(_ value: Value, in container: Value) throws -> Bool {
        switch container {
        case .string(let text):
            guard case .string(let part) = value else {
                throw failure(expected: "a string to look for in a string", found: value)
            }
            return try firstRange(of: part, in: text) != nil
        case .mapping(let mapping): return mapping[try key(value)] != nil
        default:
            for element in try elements(of: container) where try isEqual(element, value) { return true }
            return false
        }
    }
}

// MARK: - Searching

extension Jinja.Interpreter {
    /// The first occurrence of `part` at or after `start`. Every comparison is charged to the budget, since the simple
    /// search is quadratic for repetitive text.
    func firstRange(of part: TemplateString, in text: TemplateString, from start: Int = 0) throws -> Range<Int>? {
        guard part.count <= text.count else { return nil }
        var index = start
        var work = 0
        while index + part.count <= text.count {
            var matched = 0
            while matched < part.count, text.scalars[index + matched] == part.scalars[matched] { matched += 1 }
            if matched == part.count {
                try spend(characters: work + matched)
                return index..<(index + matched)
            }
            index += 1
            work += matched + 1
            if work > 4096 {
                try spend(characters: work)
                work = 0
            }
        }
        try spend(characters: work)
        return nil
    }

    /// The last occurrence of `part` that ends at or before `end`.
    func lastRange(of part: TemplateString, in text: TemplateString, upTo end: Int? = nil) throws -> Range<Int>? {
        var index = (end ?? text.count) - part.count
        while index >= 0 {
            var matched = 0
            while matched < part.count, text.scalars[index + matched] == part.scalars[matched] { matched += 1 }
            try spend(characters: matched)
            if matched == part.count { return index..<(index + matched) }
            index -= 1
        }
        return nil
    }

    /// The non-overlapping occurrences of `part` from left to right; at most `limit` of them, unless it is negative.
    /// Empty text occurs before every character and at the end.
    func ranges(of part: TemplateString, in text: TemplateString, limit: Int) throws -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var index = 0
        while limit < 0 || ranges.count < limit, index <= text.count,
            let range = try firstRange(of: part, in: text, from: index)
        {
            ranges.append(range)
            index = range.isEmpty ? range.upperBound + 1 : range.upperBound
        }
        return ranges
    }

    func replacing(_ part: TemplateString, with other: TemplateString, in text: TemplateString, limit: Int) throws
        -> TemplateString
    {
        let ranges = try ranges(of: part, in: text, limit: limit)
        let (added, overflow) = ranges.count.multipliedReportingOverflow(by: other.count)
        try checkLength(overflow ? .max : text.count + added)
        var result = TemplateString()
        var start = 0
        for range in ranges {
            result.append(text, range: start..<range.lowerBound)
            result.append(other)
            start = range.upperBound
        }
        result.append(text, range: start..<text.count)
        return result
    }

    func joining(_ parts: [TemplateString], with separator: TemplateString) throws -> TemplateString {
        var result = TemplateString()
        for (index, part) in parts.enumerated() {
            let added = part.count + (index > 0 ? separator.count : 0)
            try checkLength(result.count + added, copying: added)
            if index > 0 { result.append(separator) }
            result.append(part)
        }
        return result
    }
}
