import Foundation

/// JSON files, with errors that name the file and the key.
enum JSONFile {
    /// The maximum size of such a file, in bytes; the largest tokenizers have 20 million.
    static let mostBytes = 256 << 20

    /// Decodes bytes of a file.
    ///
    /// - Throws: `EMLLMError` with the path of the key that is missing or of another type.
    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: UnsafeRawBufferPointer, path: String) throws
        -> Value
    {
        guard bytes.count <= mostBytes else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "bytes of JSON",
                count: UInt64(bytes.count),
                most: UInt64(mostBytes)
            )
        }
        func key(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let DecodingError.keyNotFound(missing, context) {
            throw EMLLMError.missingMetadata(path: path, key: key(context.codingPath + [missing]))
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: key(context.codingPath),
                expected: "a value of its documented type",
                found: "another"
            )
        } catch {
            throw EMLLMError(
                code: .invalidMetadata,
                subject: path,
                expected: "JSON",
                found: "something else",
                remedy: EMLLMError.damagedFileRemedy
            )
        }
    }
}

/// The members of a JSON object, read with their ranges.
struct JSONFields {
    let path: String
    let object: JSONValue
    /// The prefix of a key in messages, such as "text_config.".
    var prefix = ""

    /// A number in a range; `nil` if the key is absent or null.
    func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let value = present(key) else { return nil }
        guard let number = value.whole, range.contains(number) else {
            throw invalid(key, "a whole number from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    /// A finite number; `nil` if the key is absent or null.
    func float(_ key: String) throws -> Float? {
        guard let value = present(key) else { return nil }
        guard let number = value.real.map({ Float($0) }), number.isFinite else { throw invalid(key, "a number", value) }
        return number
    }

    /// A flag; `nil` if the key is absent or null.
    func bool(_ key: String) throws -> Bool? {
        guard let value = present(key) else { return nil }
        guard let flag = value.flag else { throw invalid(key, "true or false", value) }
        return flag
    }

    /// A text; `nil` if the key is absent or null.
    func string(_ key: String) throws -> String? {
        guard let value = present(key) else { return nil }
        guard let text = value.text else { throw invalid(key, "a string", value) }
        return text
    }

    /// The members of an object; `nil` if the key is absent or null.
    func fields(_ key: String) throws -> JSONFields? {
        guard let value = present(key) else { return nil }
        guard case .object = value else { throw invalid(key, "an object", value) }
        return JSONFields(path: path, object: value, prefix: prefix + key + ".")
    }

    /// Integers: one, or a list of them. Empty if the key is absent or null.
    func integers(_ key: String, in range: ClosedRange<Int>) throws -> [Int] {
        guard let value = present(key) else { return [] }
        let numbers = (value.elements ?? [value]).map(\.whole)
        let found = numbers.compactMap { $0 }.filter { range.contains($0) }
        guard found.count == numbers.count else {
            throw invalid(key, "whole numbers from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return found
    }

    /// A required value.
    func require<Value>(_ key: String, _ value: Value?) throws -> Value {
        guard let value else { throw EMLLMError.missingMetadata(path: path, key: prefix + key) }
        return value
    }

    private func present(_ key: String) -> JSONValue? {
        guard let value = object[key], value != .null else { return nil }
        return value
    }

    private func invalid(_ key: String, _ expected: String, _ value: JSONValue) -> EMLLMError {
        let found =
            switch value {
            case .null: "null"
            case .bool(let flag): "\(flag)"
            case .integer(let number): "\(number)"
            case .number(let number): "\(number)"
            case .string(let text): "'\(text.prefix(40))'"
            case .array: "a list"
            case .object: "an object"
            }
        return EMLLMError.invalidMetadata(path: path, key: prefix + key, expected: expected, found: found)
    }
}
