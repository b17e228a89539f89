import Foundation

/// The most memory this process has had in RAM so far, in bytes; pages of a mapped model file count once touched.
func peakResidentBytes() -> Int {
    var usage = rusage()
    #if os(Linux)
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return usage.ru_maxrss * 1024  // Linux counts kibibytes, macOS bytes
    #else
        guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
        return usage.ru_maxrss
    #endif
}
