import Foundation

/// The most memory this process has had in RAM since the last ``resetPeakResidentBytes()``, in bytes; pages of a mapped
/// model file count once touched.
func peakResidentBytes() -> Int {
    #if os(Linux)
        // Unlike getrusage's number, this one can be reset.
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        if let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) {
            return kibibytes * 1024
        }
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return usage.ru_maxrss * 1024  // Linux counts kibibytes, macOS bytes
    #else
        var usage = rusage()
        guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
        return usage.ru_maxrss
    #endif
}

/// Lets the peak begin anew at what is in RAM now; does nothing where the system has no such thing.
func resetPeakResidentBytes() {
    #if os(Linux)
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
    #endif
}
