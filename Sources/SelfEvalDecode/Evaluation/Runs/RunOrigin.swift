import EMLLMCore
import Foundation

/// Where and with what a run, or a part of it, was computed.
public struct RunOrigin: Codable, Sendable, Equatable {
    /// The version of this package.
    public var version: String
    /// The processor, the CPUs, the kernels and the system.
    public var machine: String
    /// When the work began, as ISO 8601 in UTC.
    public var began: String

    /// Names an origin.
    public init(version: String, machine: String, began: String) {
        self.version = version
        self.machine = machine
        self.began = began
    }

    /// This version, on this machine, at this moment.
    public static func current() -> RunOrigin {
        let machine = MachineDescription.current()
        let kernels = (try? InstructionSet.resolve()).map(\.rawValue) ?? "unknown"
        return RunOrigin(
            version: EMLLMVersion.current,
            machine: "\(machine.processor), \(machine.availableCPUs) CPUs, \(kernels) kernels, "
                + "OpenBLAS core \(machine.openBLASCore), \(machine.operatingSystem)",
            began: Date.now.formatted(.iso8601)
        )
    }

    /// Whether results of the two can differ in their speed: another version or another machine.
    func isElsewhere(than other: RunOrigin) -> Bool { version != other.version || machine != other.machine }
}
