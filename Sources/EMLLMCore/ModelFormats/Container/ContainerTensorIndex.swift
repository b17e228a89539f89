/// The tensor index of an `.emllm` file.
enum ContainerTensorIndex {
    /// One tensor of the index.
    struct Entry {
        var name: String
        var type: TensorType
        var shape: WeightShape
        /// The offset from the start of the tensor data section.
        var offset: Int
        var byteCount: Int
        var checksum: Checksum
    }

    static func read(_ section: UnsafeRawBufferPointer, dataBytes: Int, path: String) throws -> [Entry] {
        var reader = ByteReader(section, path: path)
        let declared = UInt64(try reader.integer(UInt32.self, "the number of tensors"))
        let nameBytes = Int(try reader.integer(UInt32.self, "the length of the tensor names"))
        let count = try reader.checkedCount(declared, minimumSize: ContainerFormat.tensorEntryBytes, "tensors")
        guard count <= ContainerFormat.mostTensors else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "tensors",
                count: declared,
                most: UInt64(ContainerFormat.mostTensors)
            )
        }
        var entries = ByteReader(
            try reader.take(count * ContainerFormat.tensorEntryBytes, "the tensor index"),
            path: path
        )
        let names = try reader.take(nameBytes, "the tensor names")
        guard reader.remaining == 0 else {
            throw EMLLMError.invalidSection(
                path: path,
                name: "tensor index",
                expected: "\(reader.offset) bytes",
                found: "\(section.count)"
            )
        }
        var seen = Set<String>(minimumCapacity: count)
        var result: [Entry] = []
        result.reserveCapacity(count)
        for index in 0..<count {
            let entry = try readEntry(&entries, index: index, names: names, dataBytes: dataBytes)
            guard seen.insert(entry.name).inserted else {
                throw EMLLMError.duplicateTensor(path: path, name: entry.name)
            }
            result.append(entry)
        }
        try GGUFTensorTable.checkOverlap(result.map { ($0.name, $0.offset, $0.byteCount) }, path: path)
        return result
    }

    private static func readEntry(
        _ reader: inout ByteReader,
        index: Int,
        names: UnsafeRawBufferPointer,
        dataBytes: Int
    ) throws -> Entry {
        let path = reader.path
        let nameOffset = try reader.integer(UInt32.self, "the name of tensor \(index)")
        let nameBytes = try reader.integer(UInt32.self, "the name of tensor \(index)")
        guard nameBytes >= 1, nameBytes <= ContainerFormat.mostTensorNameBytes else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "bytes of the name of tensor \(index), and at least 1",
                count: UInt64(nameBytes),
                most: UInt64(ContainerFormat.mostTensorNameBytes)
            )
        }
        var nameReader = ByteReader(names, path: path)
        _ = try nameReader.take(nameOffset, "the name of tensor \(index)")
        let name = try nameReader.text(nameBytes, "the name of tensor \(index)")

        let typeNumber = try reader.integer(UInt32.self, "the type of \(name)")
        guard let type = TensorType(rawValue: typeNumber) else {
            throw EMLLMError.unsupportedTensorType(path: path, name: name, type: "type number \(typeNumber)")
        }
        let rank = try reader.integer(UInt32.self, "the rank of \(name)")
        let rows = try dimension(&reader, name)
        let columns = try dimension(&reader, name)
        guard rank == 2 || (rank == 1 && rows == 1 && type == .f32) else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "rank 2, or rank 1 with one row of F32",
                found: "rank \(rank), \(rows) rows of \(type.name)"
            )
        }
        let offset = try reader.integer(UInt64.self, "the offset of \(name)")
        let byteCount = try reader.integer(UInt64.self, "the size of \(name)")
        let checksum = Checksum(bytes: Array(try reader.take(Checksum.byteCount, "the checksum of \(name)")))

        let packedBytes = rank == 1 ? columns * 4 : type.packedBytes(rows: rows, columns: columns)
        guard let packedBytes else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "a multiple of \(type.blockColumns) columns for \(type.name)",
                found: "\(columns)"
            )
        }
        guard byteCount == UInt64(packedBytes) else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "\(packedBytes) bytes for [\(rows), \(columns)] of \(type.name)",
                found: "\(byteCount)"
            )
        }
        guard offset % UInt64(weightAlignment) == 0 else {
            throw EMLLMError.misalignedTensor(path: path, name: name, alignment: weightAlignment, offset: offset)
        }
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard !overflow, end <= UInt64(dataBytes) else {
            throw EMLLMError.tensorOutsideFile(
                path: path,
                name: name,
                end: overflow ? "beyond 2^64" : "\(end) of its section",
                size: dataBytes
            )
        }
        return Entry(
            name: name,
            type: type,
            shape: rank == 1 ? .vector(count: columns) : .matrix(rows: rows, columns: columns),
            offset: Int(offset),
            byteCount: packedBytes,
            checksum: checksum
        )
    }

    private static func dimension(_ reader: inout ByteReader, _ name: String) throws -> Int {
        let size = try reader.integer(UInt64.self, "the shape of \(name)")
        guard size >= 1, size <= UInt64(Int32.max) else {
            throw EMLLMError.invalidTensorShape(
                path: reader.path,
                name: name,
                expected: "sizes from 1 to \(Int32.max)",
                found: "\(size)"
            )
        }
        return Int(size)
    }

    static func bytes(of entries: [Entry]) -> [UInt8] {
        var names: [UInt8] = []
        var table: [UInt8] = []
        for entry in entries {
            table.append(littleEndian: UInt32(names.count))
            table.append(littleEndian: UInt32(entry.name.utf8.count))
            names += entry.name.utf8
            table.append(littleEndian: entry.type.rawValue)
            switch entry.shape {
            case .vector(let count):
                table.append(littleEndian: UInt32(1))
                table.append(littleEndian: UInt64(1))
                table.append(littleEndian: UInt64(count))
            case .matrix(let rows, let columns):
                table.append(littleEndian: UInt32(2))
                table.append(littleEndian: UInt64(rows))
                table.append(littleEndian: UInt64(columns))
            }
            table.append(littleEndian: UInt64(entry.offset))
            table.append(littleEndian: UInt64(entry.byteCount))
            table += entry.checksum.bytes
        }
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt32(entries.count))
        bytes.append(littleEndian: UInt32(names.count))
        return bytes + table + names
    }
}
