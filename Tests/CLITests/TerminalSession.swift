import Foundation
import Testing

/// `emllm` on a pseudo terminal, as a person at the keyboard has it.
final class TerminalSession {
    private let process = Process()
    private let keyboard: FileHandle
    private var unread = ""
    private var bytes = Data()

    /// Starts the program.
    init(_ arguments: [String], term: String) throws {
        let (controller, terminal) = try Self.openPair()
        keyboard = FileHandle(fileDescriptor: controller, closeOnDealloc: true)
        let screen = FileHandle(fileDescriptor: terminal, closeOnDealloc: true)
        process.executableURL = Program.url("emllm")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["TERM": term]) { $1 }
        process.standardInput = screen
        process.standardOutput = screen
        process.standardError = screen
        try process.run()
    }

    private static func openPair() throws -> (controller: Int32, terminal: Int32) {
        let controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        #if os(Linux)
            // What grantpt, unlockpt and ptsname do; Glibc's module leaves them out, and these requests as well.
            let (unlock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
            var (isLocked, number): (Int32, Int32) = (0, -1)
            try #require(ioctl(controller, unlock, &isLocked) == 0 && ioctl(controller, getNumber, &number) == 0)
            let name = "/dev/pts/\(number)"
        #else
            try #require(grantpt(controller) == 0 && unlockpt(controller) == 0)
            let name = try #require(ptsname(controller).map { String(cString: $0) })
        #endif
        let terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(controller >= 0 && terminal >= 0)
        return (controller, terminal)
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Types a line.
    func type(_ line: String) throws { try keyboard.write(contentsOf: Data((line + "\r").utf8)) }

    /// Types Ctrl-D, and returns the status that the program ends with; -1 where it goes on all the same.
    func endOfInput() throws -> Int32 {
        try keyboard.write(contentsOf: Data([4]))
        return status()
    }

    /// The status, or the signal, that the program ended with; `nil` while it runs.
    ///
    /// `Process` hears of an end when a socket closes, which programs that other tests start at the same moment inherit: as
    /// long as one of them runs, `isRunning` stays true. The kernel is asked instead, and nothing is reaped.
    private var endStatus: Int32? {
        var info = siginfo_t()
        guard waitid(P_PID, id_t(process.processIdentifier), &info, WEXITED | WNOHANG | WNOWAIT) == 0 else {
            return process.isRunning ? nil : process.terminationStatus
        }
        guard info.si_signo != 0 else { return nil }
        #if os(Linux)
            return info._sifields._sigchld.si_status
        #else
            return info.si_status
        #endif
    }

    /// What Ctrl-C does.
    func interrupt() { process.interrupt() }

    /// Waits until the screen shows a text, behind the one that was waited for before.
    func expect(_ text: String, location: SourceLocation = #_sourceLocation) throws {
        let deadline = Date().addingTimeInterval(60)
        while !unread.contains(text), Date() < deadline {
            var ready = pollfd(fd: keyboard.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, 200) > 0 else { continue }
            guard ready.revents & Int16(POLLIN) != 0 else { break }
            bytes += keyboard.availableData
            unread = String(decoding: bytes, as: UTF8.self)
        }
        let found = try #require(unread.range(of: text), "\(unread)", sourceLocation: location)
        unread = String(unread[found.upperBound...])
        bytes = Data(unread.utf8)
    }

    /// The status that the program ends with; -1 where it does not.
    func status() -> Int32 {
        let deadline = Date().addingTimeInterval(20)
        while endStatus == nil, Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
        return endStatus ?? -1
    }
}
