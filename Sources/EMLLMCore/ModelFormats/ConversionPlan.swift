import CTensor

/// What a conversion does with one weight.
struct ConversionPlan {
    let weight: ModelSource.Weight
    let target: TensorType
    /// Why ``target`` is not the requested type.
    let note: String?

    init(_ weight: ModelSource.Weight, options: ModelConverter.Options) {
        self.weight = weight
        guard case .matrix(_, let columns) = weight.shape else {
            // Norms are a ten-thousandth of the bytes and scale whole channels, so they are always floats.
            target = .f32
            note = nil
            return
        }
        let isVision = weight.name.hasPrefix("vision.")
        guard let wanted = isVision ? options.visionQuantization : options.quantization else {
            target = weight.type
            note = nil
            return
        }
        if isVision, wanted.isQuantized, ["vision.patch_embedding", "vision.positions"].contains(weight.name) {
            // They are small, and are multiplied with pixels and sums, not with quantized activations.
            target = weight.type
            note = "stays at \(weight.type.name)"
            return
        }
        let isVocabulary = weight.name == "token_embedding" || weight.name == "output"
        let isCoarse = wanted.bitsPerWeight < TensorType.q8_0.bitsPerWeight
        if isVocabulary, isCoarse, !options.isPure {
            // Errors here affect every input and output token; Q8_0 costs little accuracy. Never widen a type that is
            // already coarser.
            let isKept = weight.type.bitsPerWeight <= TensorType.q8_0.bitsPerWeight
            let type = isKept || columns % 32 != 0 ? weight.type : .q8_0
            target = type
            note = type == wanted ? nil : "vocabulary stays at \(type.name)"
        } else if columns % wanted.blockColumns != 0 {
            target = weight.type
            note = "\(columns) columns are not a multiple of \(wanted.blockColumns)"
        } else {
            target = wanted
            note = nil
        }
    }

    /// The packed weight in its new type, and the resulting error.
    ///
    /// - Throws: `EMLLMError.Code.nonFiniteWeight` for weights that are not finite, and errors of memory allocation.
    func packed(
        from source: ModelSource
    ) throws -> (bytes: (bytes: UnsafeRawBufferPointer, owner: AnyObject), error: QuantizationError?) {
        let path = source.path
        let gathered = try weight.gathered(path: path)
        defer { withExtendedLifetime(gathered.owner) {} }
        guard let bytes = gathered.bytes.baseAddress else {
            throw EMLLMError.missingTensor(path: path, name: weight.name)
        }
        switch weight.shape {
        case .vector(let count):
            func check(_ floats: UnsafeRawPointer) throws {
                try TensorPacking.checkFinite(
                    type: .f32,
                    rows: 1,
                    columns: count,
                    packed: floats,
                    name: weight.name,
                    path: path
                )
            }
            if weight.type == .f32, Self.isAligned(bytes) {
                try check(bytes)
                return (gathered, nil)
            }
            let buffer = try AlignedBuffer(byteCount: count * MemoryLayout<Float>.size, for: path)
            try TensorPacking.floats(
                type: weight.type,
                count: count,
                source: bytes,
                into: buffer.bytes.baseAddress!.assumingMemoryBound(to: Float.self),
                path: path
            )
            try check(buffer.bytes.baseAddress!)
            return ((UnsafeRawBufferPointer(buffer.bytes), buffer), nil)
        case .matrix(let rows, let columns):
            let kept: (bytes: UnsafeRawBufferPointer, owner: AnyObject)
            switch source.arrangement {
            case .packed: kept = gathered
            // Packed floats are stored row by row, as they already are.
            case .rows where !weight.type.isQuantized && Self.isAligned(bytes): kept = gathered
            case .rows:
                let buffer = try Self.buffer(weight.type, rows, columns, weight.name, path)
                TensorPacking.pack(
                    type: weight.type,
                    rows: rows,
                    columns: columns,
                    source: bytes,
                    packed: buffer.bytes.baseAddress!
                )
                kept = (UnsafeRawBufferPointer(buffer.bytes), buffer)
            }
            try TensorPacking.checkFinite(
                type: weight.type,
                rows: rows,
                columns: columns,
                packed: kept.bytes.baseAddress!,
                name: weight.name,
                path: path
            )
            guard target != weight.type else { return (kept, nil) }
            return try withExtendedLifetime(kept.owner) {
                let (buffer, error) = try requantized(kept.bytes.baseAddress!, rows: rows, columns: columns, path: path)
                return ((UnsafeRawBufferPointer(buffer.bytes), buffer), error)
            }
        }
    }

    private static func isAligned(_ pointer: UnsafeRawPointer) -> Bool {
        UInt(bitPattern: pointer) % UInt(MemoryLayout<Float>.alignment) == 0
    }

    private static func buffer(
        _ type: TensorType,
        _ rows: Int,
        _ columns: Int,
        _ name: String,
        _ path: String
    ) throws -> AlignedBuffer {
        guard let size = type.packedBytes(rows: rows, columns: columns) else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "a shape that fits \(type.name)",
                found: "[\(rows), \(columns)]"
            )
        }
        return try AlignedBuffer(byteCount: size, for: path)
    }

    /// Re-quantizes row by row, on all processors.
    private func requantized(
        _ packed: UnsafeRawPointer,
        rows: Int,
        columns: Int,
        path: String
    ) throws -> (AlignedBuffer, QuantizationError) {
        guard let rowBytes = target.rowBytes(columns: columns) else {
            throw EMLLMError.cannotQuantize(
                path: path,
                what: weight.name,
                expected: "a multiple of \(target.blockColumns) columns",
                found: "\(columns)"
            )
        }
        let blocks = try AlignedBuffer(byteCount: rows * rowBytes, for: path)
        let result = try Self.buffer(target, rows, columns, weight.name, path)
        let tallies = try AlignedBuffer(byteCount: rows * MemoryLayout<RowTally>.stride, for: path)
        // Each chunk writes only its own rows of each buffer.
        nonisolated(unsafe) let source = packed
        nonisolated(unsafe) let blockBase = blocks.bytes.baseAddress!
        nonisolated(unsafe) let resultBase = result.bytes.baseAddress!
        nonisolated(unsafe) let tallyBase = tallies.bytes.baseAddress!.bindMemory(to: RowTally.self, capacity: rows)
        let (old, new) = (weight.type.cType, target.cType)
        TensorPacking.forEachChunk(ofRows: rows, columns: columns) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * columns) { scratch in
                let before = scratch.baseAddress!
                let after = before + columns
                for row in range {
                    ct_dequantize_row(old, Int64(rows), Int64(columns), source, Int64(row), before)
                    // A value that is not finite cannot be quantized; the row stays zero and is reported below.
                    guard (0..<columns).allSatisfy({ before[$0].isFinite }) else {
                        tallyBase[row].isFinite = false
                        continue
                    }
                    tallyBase[row].isWritten = ct_quantize_row(
                        new,
                        before,
                        Int64(columns),
                        blockBase + row * rowBytes
                    )
                    tallyBase[row].isFinite = true
                }
                ct_pack(
                    new,
                    Int64(rows),
                    Int64(columns),
                    blockBase,
                    resultBase,
                    Int64(range.lowerBound),
                    Int64(range.upperBound)
                )
                for row in range where tallyBase[row].isFinite {
                    ct_dequantize_row(old, Int64(rows), Int64(columns), source, Int64(row), before)
                    ct_dequantize_row(new, Int64(rows), Int64(columns), resultBase, Int64(row), after)
                    tallyBase[row].compare(before, after, count: columns)
                }
            }
        }
        // Summed in row order, so that the report does not depend on how the work was divided.
        var sum = RowTally()
        for row in 0..<rows {
            let tally = tallyBase[row]
            guard tally.isFinite, tally.largest.isFinite else {
                throw EMLLMError.cannotQuantize(
                    path: path,
                    what: "row \(row) of \(weight.name)",
                    expected: "finite weights within the range of \(target.name)",
                    found: "others"
                )
            }
            guard tally.isWritten else {
                throw EMLLMError.cannotQuantize(
                    path: path,
                    what: weight.name,
                    expected: "a type that can be written",
                    found: target.name
                )
            }
            sum.squaredError += tally.squaredError
            sum.squaredValue += tally.squaredValue
            sum.largest = max(sum.largest, tally.largest)
        }
        let relative = sum.squaredValue > 0 ? (sum.squaredError / sum.squaredValue).squareRoot() : 0
        return (result, QuantizationError(relativeRMS: relative, largest: sum.largest))
    }

    /// The error of re-quantizing one row. All bytes are zero in a fresh buffer.
    private struct RowTally {
        var squaredError = 0.0
        var squaredValue = 0.0
        var largest = 0.0
        var isFinite = false
        var isWritten = false

        mutating func compare(_ before: UnsafePointer<Float>, _ after: UnsafePointer<Float>, count: Int) {
            for column in 0..<count {
                let old = Double(before[column])
                let error = abs(Double(after[column]) - old)
                squaredError += error * error
                squaredValue += old * old
                // Written so that a NaN error wins.
                if !(error <= largest) { largest = error }
            }
        }
    }
}
