/// A part of a run, such as "1/4", the first of four.
public struct Shard: Sendable, Equatable, CustomStringConvertible {
    /// The number of this part, from 1.
    public let index: Int
    /// The number of parts.
    public let count: Int

    /// The largest number of parts that a run may have.
    static let mostParts = 100_000

    /// Reads "1/4"; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard parts.count == 2, text.count(where: { $0 == "/" }) == 1, (1...Self.mostParts).contains(parts[1]),
            (1...parts[1]).contains(parts[0])
        else { return nil }
        (index, count) = (parts[0], parts[1])
    }

    /// The part in its written form, such as `2/4`.
    public var description: String { "\(index)/\(count)" }

    /// Every n-th element, so that each part has problems of all kinds.
    public func part<Element>(of all: [Element]) -> [Element] {
        all.enumerated().filter { $0.offset % count == index - 1 }.map(\.element)
    }
}
