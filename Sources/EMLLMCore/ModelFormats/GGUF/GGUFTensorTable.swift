/// Reads and validates the table of tensors: names, shapes, types and offsets.
enum GGUFTensorTable {
    private struct Entry {
        var name: String
        var dimensions: [Int]
        var type: TensorType
        var offset: UInt64
        var byteCount: Int
    }

    /// Reads `count` entries, which leaves the reader at the end of the header.
    static func read(_ reader: inout ByteReader, count: Int, alignment: Int) throws -> [GGUFFile.Tensor] {
        let path = reader.path
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        var names = Set<String>(minimumCapacity: count)
        for index in 0..<count {
            let entry = try readEntry(&reader, index: index)
            guard names.insert(entry.name).inserted else {
                throw EMLLMError.duplicateTensor(path: path, name: entry.name)
            }
            entries.append(entry)
        }
        guard let base = reader.offset.alignedUp(to: alignment) else {
            throw EMLLMError.tensorOutsideFile(path: path, name: "the first tensor", end: "beyond any file", size: 0)
        }
        let fileSize = reader.bytes.count
        let tensors = try entries.map { entry in
            guard entry.offset % UInt64(alignment) == 0 else {
                throw EMLLMError.misalignedTensor(
                    path: path,
                    name: entry.name,
                    alignment: alignment,
                    offset: entry.offset
                )
            }
            let (start, startOverflow) = UInt64(base).addingReportingOverflow(entry.offset)
            let (end, endOverflow) = start.addingReportingOverflow(UInt64(entry.byteCount))
            guard !startOverflow, !endOverflow, end <= UInt64(fileSize) else {
                throw EMLLMError.tensorOutsideFile(
                    path: path,
                    name: entry.name,
                    end: endOverflow || startOverflow ? "beyond 2^64" : "\(end)",
                    size: fileSize
                )
            }
            return GGUFFile.Tensor(
                name: entry.name,
                dimensions: entry.dimensions,
                type: entry.type,
                offset: Int(start),
                byteCount: entry.byteCount
            )
        }
        try checkOverlap(tensors.map { ($0.name, $0.offset, $0.byteCount) }, path: path)
        return tensors
    }

    /// Checks that no two tensors share bytes.
    ///
    /// - Complexity: O(n log n).
    static func checkOverlap(_ tensors: [(name: String, offset: Int, byteCount: Int)], path: String) throws {
        let sorted = tensors.sorted { $0.offset < $1.offset }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.offset + first.byteCount > second.offset {
            throw EMLLMError.overlappingTensors(path: path, first: first.name, second: second.name)
        }
    }

    private static func readEntry(_ reader: inout ByteReader, index: Int) throws -> Entry {
        let path = reader.path
        let name = try reader.ggufString("the name of tensor \(index)", most: GGUFLimits.tensorNameBytes)
        let rank = try reader.integer(UInt32.self, "the rank of \(name)")
        guard (1...4).contains(rank) else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "1 to 4 dimensions",
                found: "\(rank)"
            )
        }
        var dimensions: [Int] = []
        var elements = 1
        for _ in 0..<rank {
            let raw = try reader.integer(UInt64.self, "the shape of \(name)")
            guard let size = Int(exactly: raw), (1...GGUFLimits.largestDimension).contains(size) else {
                throw EMLLMError.invalidTensorShape(
                    path: path,
                    name: name,
                    expected: "sizes from 1 to \(GGUFLimits.largestDimension)",
                    found: "\(raw)"
                )
            }
            let (product, overflow) = elements.multipliedReportingOverflow(by: size)
            guard !overflow else {
                throw EMLLMError.invalidTensorShape(
                    path: path,
                    name: name,
                    expected: "fewer than 2^63 elements",
                    found: "more"
                )
            }
            elements = product
            dimensions.append(size)
        }
        let number = try reader.integer(UInt32.self, "the type of \(name)")
        guard let type = GGMLType.supported[number] else {
            throw EMLLMError.unsupportedTensorType(
                path: path,
                name: name,
                type: GGMLType.otherNames[number] ?? "type number \(number)"
            )
        }
        guard let rowBytes = type.rowBytes(columns: dimensions[0]) else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "a multiple of \(type.blockColumns) columns for \(type.name)",
                found: "\(dimensions[0])"
            )
        }
        let (byteCount, overflow) = rowBytes.multipliedReportingOverflow(by: elements / dimensions[0])
        guard !overflow else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "fewer than 2^63 bytes",
                found: "more"
            )
        }
        let offset = try reader.integer(UInt64.self, "the offset of \(name)")
        return Entry(name: name, dimensions: dimensions, type: type, offset: offset, byteCount: byteCount)
    }
}

/// ggml's numbers for tensor types.
enum GGMLType {
    /// The types that this engine reads.
    static let supported: [UInt32: TensorType] = [
        0: .f32, 1: .f16, 2: .q4_0, 3: .q4_1, 6: .q5_0, 7: .q5_1, 8: .q8_0, 12: .q4_K, 13: .q5_K, 14: .q6_K, 30: .bf16,
    ]

    /// The names of types that this engine does not read, for messages.
    static let otherNames: [UInt32: String] = [
        4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS",
        19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64",
        28: "F64", 29: "IQ1_M", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 34: "TQ1_0", 35: "TQ2_0",
        36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8", 39: "MXFP4",
    ]
}

extension EMLLMError.Code {
    /// Two tensors have the same name.
    public static let duplicateTensor = Self(rawValue: "duplicate-tensor")
    /// A tensor's bytes reach beyond the end of the file.
    public static let tensorOutsideFile = Self(rawValue: "tensor-outside-file")
    /// A tensor does not start at a multiple of the alignment.
    public static let misalignedTensor = Self(rawValue: "misaligned-tensor")
    /// Two tensors share bytes.
    public static let overlappingTensors = Self(rawValue: "overlapping-tensors")
    /// A tensor's shape is invalid, or does not suit its type or role.
    public static let invalidTensorShape = Self(rawValue: "invalid-tensor-shape")
    /// A tensor is stored in a type that this build does not read.
    public static let unsupportedTensorType = Self(rawValue: "unsupported-tensor-type")
}

extension EMLLMError {
    static func duplicateTensor(path: String, name: String) -> EMLLMError {
        EMLLMError(
            code: .duplicateTensor,
            subject: path,
            expected: "tensor names that differ",
            found: "\(name) twice",
            remedy: damagedFileRemedy
        )
    }

    static func tensorOutsideFile(path: String, name: String, end: String, size: Int) -> EMLLMError {
        EMLLMError(
            code: .tensorOutsideFile,
            subject: path,
            expected: "\(name) to lie within the file's \(size) bytes",
            found: "its end at byte \(end)",
            remedy: damagedFileRemedy
        )
    }

    static func misalignedTensor(path: String, name: String, alignment: Int, offset: UInt64) -> EMLLMError {
        EMLLMError(
            code: .misalignedTensor,
            subject: path,
            expected: "\(name) at a multiple of \(alignment) bytes",
            found: "offset \(offset)",
            remedy: damagedFileRemedy
        )
    }

    static func overlappingTensors(path: String, first: String, second: String) -> EMLLMError {
        EMLLMError(
            code: .overlappingTensors,
            subject: path,
            expected: "tensors that share no bytes",
            found: "\(first) reaching into \(second)",
            remedy: damagedFileRemedy
        )
    }

    static func invalidTensorShape(path: String, name: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidTensorShape,
            subject: path,
            expected: "\(expected) in \(name)",
            found: found,
            remedy: damagedFileRemedy
        )
    }

    static func unsupportedTensorType(path: String, name: String, type: String) -> EMLLMError {
        EMLLMError(
            code: .unsupportedTensorType,
            subject: path,
            expected: "\(name) as one of \(TensorType.allCases.map(\.name).joined(separator: ", "))",
            found: type,
            remedy: "use a file quantized to one of these"
        )
    }
}
