/// The key-value section of a GGUF file, with checked access.
package struct GGUFMetadata: Sendable {
    /// The file, for messages.
    let path: String
    /// The keys in the file's order.
    package private(set) var keys: [String] = []
    private var values: [String: GGUFValue] = [:]

    init(path: String) { self.path = path }

    /// The value of `key`, if the file has it.
    package subscript(_ key: String) -> GGUFValue? { values[key] }

    mutating func append(_ key: String, _ value: GGUFValue) throws {
        guard values.updateValue(value, forKey: key) == nil else {
            throw EMLLMError.invalidMetadata(path: path, key: key, expected: "the key once", found: "it twice")
        }
        keys.append(key)
    }

    /// The text of `key`, or nil when the file does not have it.
    ///
    /// - Throws: `EMLLMError.Code.invalidMetadata` when the value is something else.
    package func string(_ key: String) throws -> String? {
        guard let value = values[key] else { return nil }
        guard case .string(let text) = value else { throw wrongType(key, "a string", value) }
        return text
    }

    /// The integer of `key`, or nil when the file does not have it.
    ///
    /// - Throws: `EMLLMError.Code.invalidMetadata` when the value is something else or outside `range`.
    package func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let value = values[key] else { return nil }
        let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
        let number: Int?
        switch value {
        case .unsigned(let raw): number = Int(exactly: raw)
        case .signed(let raw): number = Int(exactly: raw)
        default: throw wrongType(key, expected, value)
        }
        guard let number, range.contains(number) else {
            throw EMLLMError.invalidMetadata(path: path, key: key, expected: expected, found: Self.describe(value))
        }
        return number
    }

    /// The finite number of `key`, or nil when the file does not have it.
    ///
    /// - Throws: `EMLLMError.Code.invalidMetadata` when the value is something else, infinite or NaN.
    package func float(_ key: String) throws -> Float? {
        guard let value = values[key] else { return nil }
        guard case .float(let number) = value else { throw wrongType(key, "a float", value) }
        guard Float(number).isFinite else {
            throw EMLLMError.invalidMetadata(path: path, key: key, expected: "a finite float", found: "\(number)")
        }
        return Float(number)
    }

    /// The truth value of `key`, or nil when the file does not have it.
    ///
    /// - Throws: `EMLLMError.Code.invalidMetadata` when the value is something else.
    package func bool(_ key: String) throws -> Bool? {
        guard let value = values[key] else { return nil }
        guard case .bool(let flag) = value else { throw wrongType(key, "a boolean", value) }
        return flag
    }

    /// The list of `key`, or nil when the file does not have it.
    ///
    /// - Throws: `EMLLMError.Code.invalidMetadata` when the value is something else.
    package func array(_ key: String) throws -> GGUFArray? {
        guard let value = values[key] else { return nil }
        guard case .array(let array) = value else { throw wrongType(key, "an array", value) }
        return array
    }

    /// The list of texts of `key`, or nil when the file does not have it.
    ///
    /// - Throws: `EMLLMError.Code.invalidMetadata` when the value is something else.
    package func strings(_ key: String) throws -> [String]? {
        guard let array = try array(key) else { return nil }
        guard case .strings(let texts) = array else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: key,
                expected: "an array of strings",
                found: "an array of something else"
            )
        }
        return texts
    }

    /// `value`, or an error that names the key that should have held it.
    func require<T>(_ key: String, _ value: T?) throws -> T {
        guard let value else {
            throw EMLLMError.missingMetadata(path: path, key: key)
        }
        return value
    }

    private func wrongType(_ key: String, _ expected: String, _ value: GGUFValue) -> EMLLMError {
        EMLLMError.invalidMetadata(path: path, key: key, expected: expected, found: value.kind)
    }

    private static func describe(_ value: GGUFValue) -> String {
        switch value {
        case .unsigned(let number): "\(number)"
        case .signed(let number): "\(number)"
        default: value.kind
        }
    }
}

extension EMLLMError.Code {
    /// A metadata key that the model needs is absent.
    public static let missingMetadata = Self(rawValue: "missing-metadata")
    /// A metadata value has the wrong type or makes no sense.
    public static let invalidMetadata = Self(rawValue: "invalid-metadata")
    /// A metadata value's type number is not one of GGUF's.
    public static let unknownMetadataType = Self(rawValue: "unknown-metadata-type")
}

extension EMLLMError {
    static func missingMetadata(path: String, key: String) -> EMLLMError {
        EMLLMError(
            code: .missingMetadata,
            subject: path,
            expected: "the metadata key \(key)",
            found: "no such key",
            remedy: "convert the model again with a current converter"
        )
    }

    static func invalidMetadata(path: String, key: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidMetadata,
            subject: path,
            expected: "\(expected) for \(key)",
            found: found,
            remedy: "convert the model again with a current converter"
        )
    }

    static func unknownMetadataType(path: String, key: String, number: UInt32) -> EMLLMError {
        EMLLMError(
            code: .unknownMetadataType,
            subject: path,
            expected: "a value type from 0 to 12 for \(key)",
            found: "\(number)",
            remedy: damagedFileRemedy
        )
    }
}
