import CTensor
import EMLLMCore
import Foundation
import Testing

@testable import EMLLMFormats

@Suite("Weights: conversion")
struct WeightsConverterTests {
    @Test("Re-quantizing reports the error that the new file has", arguments: TensorType.allCases.filter(\.isWritable))
    func quantize(type: TensorType) throws {
        let folder = try TemporaryFolder()
        let output = try folder.file("out.emllm")
        let input = try folder.file("in.gguf", GGUFBuilder.tinyLlama(.f32).bytes())
        let report = try ModelConverter.convert(
            input,
            to: output,
            options: ModelConverter.Options(quantization: type, isPure: true)
        )
        let before = try ModelPackage.open(input)
        let after = try ModelPackage.open(output)
        #expect(after.provenance.quantization == "\(type.name) (pure)")
        // Worst possible rounding of numbers between -1 and 1, from the width of a step.
        let step: Double =
            [.f32: 0, .f16: 1e-3, .bf16: 1e-2, .q8_0: 1.0 / 127, .q5_0: 1.0 / 8, .q5_1: 1.0 / 15][type] ?? 0.25
        for tensor in report.tensors where tensor.dimensions.count == 2 {
            #expect(tensor.target == type && tensor.note == nil)
            let (rows, columns) = (tensor.dimensions[0], tensor.dimensions[1])
            let old = try Self.floats(before, tensor.name, rows, columns)
            let new = try Self.floats(after, tensor.name, rows, columns)
            let differences = zip(old, new).map { Double($1) - Double($0) }
            let squares = old.reduce(0) { $0 + Double($1) * Double($1) }
            let relative = (differences.reduce(0) { $0 + $1 * $1 } / squares).squareRoot()
            guard let error = tensor.error else {
                #expect(type == .f32 && differences.allSatisfy { $0 == 0 })
                continue
            }
            #expect(abs(error.relativeRMS - relative) < 1e-12 && error.largest == differences.map(abs).max())
            #expect(error.largest > 0 && error.largest <= step * 1.01, "\(tensor.name) \(error.largest)")
        }
    }

    @Test("The vocabulary stays at Q8_0 unless told otherwise, and norms stay floats")
    func policy() throws {
        func targets(_ source: TensorType, _ options: ModelConverter.Options) throws -> [String: TensorType] {
            let file = try EMLLMFile(
                MappedFile(
                    bytes: WeightsFixtures.container(GGUFBuilder.tinyLlama(source).bytes(), options: options),
                    path: "x"
                )
            )
            return Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.type) })
        }
        let coarse = try targets(.f16, .init(quantization: .q4_0))
        #expect(coarse["token_embedding"] == .q8_0 && coarse["layers.0.attention.q"] == .q4_0)
        #expect(coarse["output_norm"] == .f32 && coarse["layers.0.attention_norm"] == .f32)
        let pure = try targets(.f16, .init(quantization: .q4_0, isPure: true))
        #expect(pure["token_embedding"] == .q4_0 && pure["output_norm"] == .f32)
        // What is coarse already is not widened.
        let coarseAlready = try targets(.q5_1, .init(quantization: .q4_0))
        #expect(coarseAlready["token_embedding"] == .q5_1 && coarseAlready["layers.0.attention.q"] == .q4_0)
        let fine = try targets(.q4_1, .init(quantization: .f16))
        #expect(fine["token_embedding"] == .f16)
    }

    @Test("A matrix whose columns do not fit the type keeps its own, and the report says so")
    func unfittingColumns() throws {
        let folder = try TemporaryFolder()
        let output = try folder.file("out.emllm")
        let report = try ModelConverter.convert(
            WeightsFixtures.stories260K,
            to: output,
            options: .init(quantization: .q8_0)
        )
        let down = try #require(report.tensors.first { $0.name == "layers.0.feed_forward.down" })
        #expect(down.target == .f32 && down.error == nil)
        #expect(down.note == "172 columns are not a multiple of 32")
        let gate = try #require(report.tensors.first { $0.name == "layers.0.feed_forward.gate" })
        #expect(gate.target == .q8_0 && gate.note == nil)
        #expect((gate.error?.relativeRMS ?? 1) < 0.01)
        _ = try ModelPackage.open(output)
    }

    @Test("Weights that are not finite cannot be put on a scale", arguments: [Float.nan, .infinity, 1e30])
    func notFinite(value: Float) throws {
        var file = GGUFBuilder.tinyLlama(.f32)
        var bytes: [UInt8] = []
        bytes.append(littleEndian: value.bitPattern)
        file.change("blk.0.ffn_up.weight") { $0.data.replaceSubrange(32 * 4 * 5 + 8..<32 * 4 * 5 + 12, with: bytes) }
        let error = try #require(
            WeightsFixtures.error {
                _ = try WeightsFixtures.container(file.bytes(), options: .init(quantization: .q4_0))
            }
        )
        guard value.isFinite else {
            // With or without re-quantizing: a model of such weights answers nothing.
            #expect(error.code == .nonFiniteWeight && error.expected.contains("layers.0.feed_forward.up"), "\(error)")
            #expect(error.found.contains("row 5, column 2"))
            let kept = WeightsFixtures.error { _ = try WeightsFixtures.container(file.bytes()) }
            #expect(kept?.code == .nonFiniteWeight)
            return
        }
        #expect(error.code == .cannotQuantize)
        #expect("\(error)".contains("row 5 of layers.0.feed_forward.up"), "\(error)")
        // Without re-quantizing, bits are bits.
        _ = try WeightsFixtures.container(file.bytes())
    }

    @Test("An .emllm file can be converted again; its origin stays known")
    func again() throws {
        let folder = try TemporaryFolder()
        let first = try folder.file("first.emllm")
        let second = try folder.file("second.emllm")
        try ModelConverter.convert(try folder.file("in.gguf", GGUFBuilder.tinyLlama(.q5_0).bytes()), to: first)
        try ModelConverter.convert(first, to: second, options: .init(name: "renamed", license: "Apache-2.0"))
        let (old, new) = (try EMLLMFile(MappedFile(first)), try EMLLMFile(MappedFile(second)))
        #expect(old.tensors.map(\.checksum) == new.tensors.map(\.checksum))
        #expect(new.provenance.name == "renamed" && new.provenance.license == "Apache-2.0")
        #expect(new.provenance.sourceFile == "in.gguf" && new.provenance.sourceSHA256 == old.provenance.sourceSHA256)
    }

    @Test("A damaged .emllm file does not get new checksums")
    func damaged() throws {
        let folder = try TemporaryFolder()
        var bytes = try WeightsFixtures.container(GGUFBuilder.tinyLlama(.q5_0).bytes())
        bytes[bytes.count - 1] ^= 1
        let output = try folder.file("out.emllm")
        let input = try folder.file("in.emllm", bytes)
        #expect(WeightsFixtures.error { try ModelConverter.convert(input, to: output) }?.code == .checksumMismatch)
        #expect(try folder.contents() == ["in.emllm"])
    }

    @Test("Stopping leaves nothing behind, at whatever moment")
    func cancellation() throws {
        struct Stop: Error {}
        let folder = try TemporaryFolder()
        let input = try folder.file("in.gguf", GGUFBuilder.tinyLlama().bytes())
        let output = try folder.file("out.emllm")
        var calls = 0
        try ModelConverter.convert(input, to: output) { done, total in
            calls += 1
            #expect(0 < done && done <= total)
        }
        try FileManager.default.removeItem(at: output)
        #expect(calls > 11)
        for moment in 1...calls {
            var left = moment
            #expect(throws: Stop.self) {
                try ModelConverter.convert(input, to: output) { _, _ in
                    left -= 1
                    if left == 0 { throw Stop() }
                }
            }
            #expect(try folder.contents() == ["in.gguf"])
        }
    }

    @Test("Errors that concern the output come before any work, and leave the files alone")
    func outputs() throws {
        let folder = try TemporaryFolder()
        let bytes = GGUFBuilder.tinyLlama().bytes()
        let input = try folder.file("in.gguf", bytes)
        let existing = try folder.file("existing", [1, 2])
        let alias = try folder.file("alias")
        try FileManager.default.createSymbolicLink(at: alias, withDestinationURL: input)
        func code(_ output: URL, overwrites: Bool) -> EMLLMError.Code? {
            WeightsFixtures.error {
                try ModelConverter.convert(input, to: output, options: .init(overwrites: overwrites)) { _, _ in
                    Issue.record("work was done")
                }
            }?.code
        }
        #expect(code(existing, overwrites: false) == .outputExists)
        #expect(code(input, overwrites: true) == .sameFile)
        #expect(code(alias, overwrites: true) == .sameFile)
        #expect(code(folder.url, overwrites: true) == .notARegularFile)
        #expect(code(try folder.file("no/folder"), overwrites: true) == .cannotWrite)
        #expect(try folder.contents() == ["alias", "existing", "in.gguf"])
        #expect(try Data(contentsOf: input) == Data(bytes))
        #expect(
            WeightsFixtures.error {
                try ModelConverter.convert(input, to: existing, options: .init(quantization: .q6_K, overwrites: true))
            }?.code == .cannotQuantize
        )
        try ModelConverter.convert(input, to: existing, options: .init(overwrites: true))
        _ = try ModelPackage.open(existing)
    }

    private static func floats(
        _ package: ModelPackage,
        _ name: String,
        _ rows: Int,
        _ columns: Int
    ) throws -> [Float] {
        let matrix = try package.matrix(name, rows: rows, columns: columns)
        var floats = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            floats.withUnsafeMutableBufferPointer {
                ct_dequantize_row(
                    matrix.type.cType,
                    Int64(rows),
                    Int64(columns),
                    matrix.pointer,
                    Int64(row),
                    $0.baseAddress! + row * columns
                )
            }
        }
        return floats
    }
}
