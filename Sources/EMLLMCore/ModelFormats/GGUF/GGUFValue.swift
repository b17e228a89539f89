/// One metadata value of a GGUF file.
package enum GGUFValue: Sendable, Equatable {
    /// Any of the unsigned integer types.
    case unsigned(UInt64)
    /// Any of the signed integer types.
    case signed(Int64)
    /// Either of the float types.
    case float(Double)
    /// A truth value.
    case bool(Bool)
    /// Text.
    case string(String)
    /// A list.
    case array(GGUFArray)

    /// The kind of the value, for messages.
    var kind: String {
        switch self {
        case .unsigned, .signed: "an integer"
        case .float: "a float"
        case .bool: "a boolean"
        case .string: "a string"
        case .array: "an array"
        }
    }
}

/// A list of metadata values of one type.
package enum GGUFArray: Sendable, Equatable {
    /// Any of the unsigned integer types.
    case unsigned([UInt64])
    /// Any of the signed integer types.
    case signed([Int64])
    /// Either of the float types.
    case floats([Double])
    /// Truth values.
    case bools([Bool])
    /// Texts.
    case strings([String])
    /// Lists of lists.
    case arrays([GGUFArray])

    /// Number of elements.
    package var count: Int {
        switch self {
        case .unsigned(let values): values.count
        case .signed(let values): values.count
        case .floats(let values): values.count
        case .bools(let values): values.count
        case .strings(let values): values.count
        case .arrays(let values): values.count
        }
    }
}

/// The type numbers of GGUF's metadata values.
enum GGUFValueType: UInt32 {
    case uint8 = 0
    case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// The minimum size of a value of this type in a file, in bytes.
    var minimumSize: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .string: 8
        case .array: 12
        }
    }
}

extension ByteReader {
    /// GGUF's string: a 64-bit length, then UTF-8 bytes.
    mutating func ggufString(_ what: String, most: Int = Int.max) throws -> String {
        let count = try checkedCount(try integer(UInt64.self, what), minimumSize: 1, "bytes of \(what)")
        guard count <= most else {
            throw EMLLMError.absurdCount(path: path, what: "bytes of \(what)", count: UInt64(count), most: UInt64(most))
        }
        return try text(count, what)
    }

    /// The type number of the value of `key`.
    mutating func ggufValueType(_ key: String) throws -> GGUFValueType {
        let number = try integer(UInt32.self, "the type of \(key)")
        guard let type = GGUFValueType(rawValue: number) else {
            throw EMLLMError.unknownMetadataType(path: path, key: key, number: number)
        }
        return type
    }

    /// Reads a value whose type has been read already.
    mutating func ggufValue(_ type: GGUFValueType, _ key: String) throws -> GGUFValue {
        switch type {
        case .uint8: .unsigned(UInt64(try integer(UInt8.self, key)))
        case .uint16: .unsigned(UInt64(try integer(UInt16.self, key)))
        case .uint32: .unsigned(UInt64(try integer(UInt32.self, key)))
        case .uint64: .unsigned(try integer(UInt64.self, key))
        case .int8: .signed(Int64(try integer(Int8.self, key)))
        case .int16: .signed(Int64(try integer(Int16.self, key)))
        case .int32: .signed(Int64(try integer(Int32.self, key)))
        case .int64: .signed(try integer(Int64.self, key))
        case .float32: .float(Double(try float(key)))
        case .float64: .float(try double(key))
        case .bool: .bool(try ggufBool(key))
        case .string: .string(try ggufString(key))
        case .array: .array(try ggufArray(key, depth: 1))
        }
    }

    private mutating func ggufBool(_ key: String) throws -> Bool {
        let byte = try integer(UInt8.self, key)
        guard byte <= 1 else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: key,
                expected: "a boolean of 0 or 1",
                found: "\(byte)"
            )
        }
        return byte == 1
    }

    private mutating func ggufArray(_ key: String, depth: Int) throws -> GGUFArray {
        guard depth <= GGUFLimits.arrayDepth else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: key,
                expected: "arrays nested at most \(GGUFLimits.arrayDepth) deep",
                found: "a deeper one"
            )
        }
        let type = try ggufValueType("the elements of \(key)")
        let declared = try integer(UInt64.self, "the length of \(key)")
        let count = try checkedCount(declared, minimumSize: type.minimumSize, "elements of \(key)")
        guard count <= GGUFLimits.arrayElements else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "elements of \(key)",
                count: declared,
                most: UInt64(GGUFLimits.arrayElements)
            )
        }
        switch type {
        case .uint8: return .unsigned(try list(count) { UInt64(try $0.integer(UInt8.self, key)) })
        case .uint16: return .unsigned(try list(count) { UInt64(try $0.integer(UInt16.self, key)) })
        case .uint32: return .unsigned(try list(count) { UInt64(try $0.integer(UInt32.self, key)) })
        case .uint64: return .unsigned(try list(count) { try $0.integer(UInt64.self, key) })
        case .int8: return .signed(try list(count) { Int64(try $0.integer(Int8.self, key)) })
        case .int16: return .signed(try list(count) { Int64(try $0.integer(Int16.self, key)) })
        case .int32: return .signed(try list(count) { Int64(try $0.integer(Int32.self, key)) })
        case .int64: return .signed(try list(count) { try $0.integer(Int64.self, key) })
        case .float32: return .floats(try list(count) { Double(try $0.float(key)) })
        case .float64: return .floats(try list(count) { try $0.double(key) })
        case .bool: return .bools(try list(count) { try $0.ggufBool(key) })
        case .string: return .strings(try list(count) { try $0.ggufString(key) })
        case .array: return .arrays(try list(count) { try $0.ggufArray(key, depth: depth + 1) })
        }
    }

    private mutating func list<T>(_ count: Int, _ element: (inout ByteReader) throws -> T) rethrows -> [T] {
        var values: [T] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try element(&self)) }
        return values
    }
}
