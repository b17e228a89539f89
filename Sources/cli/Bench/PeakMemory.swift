import Foundation

/// The peak resident memory of this process since the last ``resetPeakResidentBytes()``, in bytes. Pages of a mapped
/// model file count once they are touched.
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

/// Resets the peak to the current resident memory; does nothing on systems that do not support it.
func resetPeakResidentBytes() {
    #if os(Linux)
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
    #endif
}
