import CTensor
import Foundation

/// A family of SIMD instructions that the kernels are compiled for.
///
/// All of them give the same bits; they differ in speed. The scalar one is the oracle that the others are tested against.
public enum InstructionSet: String, CaseIterable, Sendable, Codable {
    /// Plain C, on any processor.
    case scalar
    /// x86-64 with AVX2, FMA and F16C.
    case avx2
    /// x86-64 with AVX-512 F, BW, VL, DQ and VNNI.
    case avx512

    /// The environment variable that forces one.
    public static let environmentVariable = "EMLLM_ISA"

    var cValue: ct_isa {
        switch self {
        case .scalar: CT_ISA_SCALAR
        case .avx2: CT_ISA_AVX2
        case .avx512: CT_ISA_AVX512
        }
    }

    /// Whether this processor can run it.
    public var isSupported: Bool { ct_isa_supported(cValue) }

    /// Those that this processor can run, slowest first.
    public static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

    /// The fastest that this processor can run.
    public static var best: InstructionSet { supported.last ?? .scalar }

    /// The one to use: the caller's choice, else `EMLLM_ISA`, else the fastest.
    ///
    /// - Throws: `EMLLMError` when the name is unknown or the processor lacks the instructions.
    public static func resolve(
        _ requested: InstructionSet? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> InstructionSet {
        var choice = requested
        if choice == nil, let name = environment[environmentVariable], !name.isEmpty {
            guard let named = InstructionSet(rawValue: name) else { throw EMLLMError.unknownInstructionSet(name) }
            choice = named
        }
        guard let choice else { return best }
        guard choice.isSupported else { throw EMLLMError.unsupportedInstructionSet(choice) }
        return choice
    }

    /// The kernels of this instruction set, checked by ``resolve(_:environment:)`` to exist.
    func kernels() throws -> UnsafePointer<ct_kernels> {
        guard let kernels = ct_kernels_for(cValue) else { throw EMLLMError.unsupportedInstructionSet(self) }
        return kernels
    }
}

extension EMLLMError.Code {
    /// A name of an instruction set that does not exist.
    public static let unknownInstructionSet = Self(rawValue: "unknown-instruction-set")
    /// An instruction set that this processor lacks.
    public static let unsupportedInstructionSet = Self(rawValue: "unsupported-instruction-set")
}

extension EMLLMError {
    static func unknownInstructionSet(_ name: String) -> EMLLMError {
        EMLLMError(
            code: .unknownInstructionSet,
            subject: InstructionSet.environmentVariable,
            expected: InstructionSet.allCases.map(\.rawValue).joined(separator: "|"),
            found: "'\(name)'",
            remedy: "unset it to use the fastest"
        )
    }

    static func unsupportedInstructionSet(_ set: InstructionSet) -> EMLLMError {
        EMLLMError(
            code: .unsupportedInstructionSet,
            subject: "instruction set \(set.rawValue)",
            expected: "one this processor has (\(InstructionSet.supported.map(\.rawValue).joined(separator: ", ")))",
            found: "\(set.rawValue)",
            remedy: "choose another, or unset \(InstructionSet.environmentVariable)"
        )
    }
}
