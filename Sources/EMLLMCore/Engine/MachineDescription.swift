import CTensor
import Foundation

/// What a measurement was made on: the processor, the system, and the math library's choice of kernels.
package struct MachineDescription: Codable, Sendable, Equatable {
    /// The processor's name as the system reports it, or its architecture where it reports none.
    package var processor: String
    /// CPUs that this process may run on.
    package var availableCPUs: Int
    /// The operating system's name and version.
    package var operatingSystem: String
    /// The core type that OpenBLAS chose its kernels for; `OPENBLAS_CORETYPE` in the environment overrides its choice.
    package var openBLASCore: String

    /// Describes the machine this process runs on.
    package static func current() -> MachineDescription {
        MachineDescription(
            processor: processorName(),
            availableCPUs: RuntimeOptions.availableCPUs,
            operatingSystem: ProcessInfo.processInfo.operatingSystemVersionString,
            openBLASCore: String(cString: ct_blas_core_name())
        )
    }

    private static func processorName() -> String {
        // Linux on x86 has a "model name" for each CPU; on arm64 it has only numbers.
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("model name") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return architecture
    }

    private static var architecture: String {
        #if arch(x86_64)
            "x86-64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown processor"
        #endif
    }
}
