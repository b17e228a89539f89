/// The header and the section table of an `.emllm` file.
enum ContainerHeader {
    /// Reads and validates the header and the section table.
    static func read(_ file: MappedFile) throws -> [ContainerSection] {
        let path = file.path
        var reader = ByteReader(file.bytes, path: path)
        let magic = try reader.take(ContainerFormat.magic.count, "the magic number")
        guard magic.elementsEqual(ContainerFormat.magic) else {
            // The last bytes are a line ending, which a transfer in text mode changes.
            throw magic.starts(with: ContainerFormat.magic.prefix(6))
                ? EMLLMError.textModeTransfer(path: path) : EMLLMError.wrongMagic(path: path)
        }
        let version = try reader.integer(UInt32.self, "the version")
        guard version == ContainerFormat.version else {
            throw EMLLMError.unsupportedVersion(
                path: path,
                format: ".emllm",
                expected: "\(ContainerFormat.version)",
                found: version
            )
        }
        let declared = UInt64(try reader.integer(UInt32.self, "the section count"))
        let fileSize = try reader.integer(UInt64.self, "the file size")
        guard fileSize == UInt64(file.bytes.count) else {
            throw EMLLMError.wrongFileSize(path: path, expected: fileSize, found: file.bytes.count)
        }
        _ = try reader.integer(UInt64.self, "reserved bytes")
        let checksum = Array(try reader.take(Checksum.byteCount, "the header's checksum"))
        let count = try reader.checkedCount(declared, minimumSize: ContainerFormat.sectionEntryBytes, "sections")
        guard count <= ContainerFormat.mostSections else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "sections",
                count: declared,
                most: UInt64(ContainerFormat.mostSections)
            )
        }
        let tableBytes = count * ContainerFormat.sectionEntryBytes
        let table = try reader.take(tableBytes, "the section table")
        guard Checksum(of: Array(file.bytes[0..<32]) + Array(table)).bytes == checksum else {
            throw EMLLMError.checksumMismatch(path: path, what: "the header")
        }

        var entries = ByteReader(table, path: path)
        var sections: [ContainerSection] = []
        for _ in 0..<count {
            sections.append(try readSection(&entries, fileSize: file.bytes.count, firstByte: reader.offset))
        }
        try check(sections, path: path)
        return sections
    }

    private static func readSection(
        _ reader: inout ByteReader,
        fileSize: Int,
        firstByte: Int
    ) throws -> ContainerSection {
        let kind = try reader.integer(UInt32.self, "a section's kind")
        let flags = try reader.integer(UInt32.self, "a section's flags")
        let offset = try reader.integer(UInt64.self, "a section's offset")
        let byteCount = try reader.integer(UInt64.self, "a section's size")
        _ = try reader.integer(UInt64.self, "reserved bytes")
        let checksum = Checksum(bytes: Array(try reader.take(Checksum.byteCount, "a section's checksum")))
        var section = ContainerSection(kind: kind, flags: flags, offset: 0, byteCount: 0, checksum: checksum)
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard !overflow, end <= UInt64(fileSize), offset >= UInt64(firstByte) else {
            throw EMLLMError.invalidSection(
                path: reader.path,
                name: section.name,
                expected: "bytes within \(firstByte) to \(fileSize)",
                found: overflow ? "an end beyond 2^64" : "\(offset) to \(end)"
            )
        }
        guard offset % UInt64(weightAlignment) == 0 else {
            throw EMLLMError.invalidSection(
                path: reader.path,
                name: section.name,
                expected: "a start at a multiple of \(weightAlignment)",
                found: "\(offset)"
            )
        }
        section.offset = Int(offset)
        section.byteCount = Int(byteCount)
        return section
    }

    private static func check(_ sections: [ContainerSection], path: String) throws {
        var kinds = Set<UInt32>()
        for section in sections {
            guard kinds.insert(section.kind).inserted else {
                throw EMLLMError.invalidSection(
                    path: path,
                    name: section.name,
                    expected: "one such section",
                    found: "two"
                )
            }
            let isKnown = ContainerFormat.SectionKind(rawValue: section.kind) != nil
            guard isKnown || section.flags & ContainerFormat.requiredFlag == 0 else {
                throw EMLLMError.unknownSection(path: path, kind: section.kind)
            }
        }
        let sorted = sections.sorted { $0.offset < $1.offset }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.offset + first.byteCount > second.offset {
            throw EMLLMError.invalidSection(
                path: path,
                name: second.name,
                expected: "bytes of its own",
                found: "an overlap with the \(first.name)"
            )
        }
    }

    /// The header and the section table of a file of `fileSize` bytes.
    static func bytes(sections: [ContainerSection], fileSize: Int) -> [UInt8] {
        var fixed = ContainerFormat.magic
        fixed.append(littleEndian: ContainerFormat.version)
        fixed.append(littleEndian: UInt32(sections.count))
        fixed.append(littleEndian: UInt64(fileSize))
        fixed.append(littleEndian: UInt64(0))
        var table: [UInt8] = []
        for section in sections {
            table.append(littleEndian: section.kind)
            table.append(littleEndian: section.flags)
            table.append(littleEndian: UInt64(truncatingIfNeeded: section.offset))
            table.append(littleEndian: UInt64(truncatingIfNeeded: section.byteCount))
            table.append(littleEndian: UInt64(0))
            table += section.checksum.bytes
        }
        return fixed + Checksum(of: fixed + table).bytes + table
    }
}

extension EMLLMError.Code {
    /// The file is shorter or longer than its header says.
    public static let wrongFileSize = Self(rawValue: "wrong-file-size")
    /// A section is missing, repeated, misplaced or invalid.
    public static let invalidSection = Self(rawValue: "invalid-section")
    /// The file has a required section of an unknown kind.
    public static let unknownSection = Self(rawValue: "unknown-section")
    /// Line endings in the file were changed by a transfer in text mode.
    public static let textModeTransfer = Self(rawValue: "text-mode-transfer")
}

extension EMLLMError {
    static func wrongFileSize(path: String, expected: UInt64, found: Int) -> EMLLMError {
        EMLLMError(
            code: .wrongFileSize,
            subject: path,
            expected: "\(expected) bytes",
            found: "\(found)",
            remedy: damagedFileRemedy
        )
    }

    static func invalidSection(path: String, name: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidSection,
            subject: path,
            expected: "\(expected) for the \(name)",
            found: found,
            remedy: damagedFileRemedy
        )
    }

    static func unknownSection(path: String, kind: UInt32) -> EMLLMError {
        EMLLMError(
            code: .unknownSection,
            subject: path,
            expected: "required sections of kinds 1 to 5",
            found: "kind \(kind)",
            remedy: "update EMLLM"
        )
    }

    static func textModeTransfer(path: String) -> EMLLMError {
        EMLLMError(
            code: .textModeTransfer,
            subject: path,
            expected: "a binary .emllm file",
            found: "one whose line endings were changed",
            remedy: "transfer it again in binary mode"
        )
    }
}
