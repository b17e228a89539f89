/// A path through the tree of cached tokens: one line of text that can be continued, forked and rolled back.
///
/// ```swift
/// let question = context.makeBranch()
/// _ = try context.extend(question, with: prompt)
/// let verdict = question.fork()                              // copies nothing
/// let logits = try context.extend(verdict, with: evaluation) // costs the evaluation's tokens
/// ```
///
/// Dropping the last reference to a branch frees the keys and values that no other branch shares. A branch belongs to
/// the ``InferenceContext`` that made it, and is used on that context's thread.
public final class Branch {
    private(set) var head: KeyValueSegment
    /// Positions in this branch.
    public private(set) var count: Int

    init(head: KeyValueSegment, count: Int) {
        self.head = head
        self.count = count
    }

    /// The tokens of this branch from the root on.
    ///
    /// - Complexity: O(n) in ``count``.
    public var tokens: [TokenID] {
        var runs: [ArraySlice<TokenID>] = []
        forEachVisibleSegment { segment, visible in runs.append(segment.tokens.prefix(visible)) }
        return runs.reversed().flatMap { $0 }
    }

    /// A second path that shares everything up to here.
    ///
    /// - Complexity: O(1); no key, value or token is copied.
    public func fork() -> Branch { Branch(head: head, count: count) }

    /// Forgets every token from `position` on.
    ///
    /// - Complexity: O(depth of the tree); nothing is recomputed.
    /// - Precondition: `0 <= position <= count`.
    public func rollback(to position: Int) {
        precondition((0...count).contains(position), "rollback to \(position) in a branch of \(count) positions")
        while position <= head.start, let parent = head.parent { head = parent }
        count = position
    }

    /// Visits the segments from the head to the root, each with the number of its tokens that this branch sees.
    func forEachVisibleSegment(_ body: (KeyValueSegment, Int) -> Void) {
        var segment: KeyValueSegment? = head
        var end = count
        while let current = segment {
            if end > current.start { body(current, end - current.start) }
            end = min(end, current.start)
            segment = current.parent
        }
    }

    /// How many pages ``append(_:images:)`` would take for `newTokens` more positions.
    func pagesNeeded(forAppending newTokens: Int) -> Int {
        let owned = isKnownUniquelyReferenced(&head)
        let kept = owned ? count - head.start : 0
        let existing = owned ? KeyValueSegment.pagesNeeded(forPositions: kept) : 0
        return KeyValueSegment.pagesNeeded(forPositions: kept + newTokens) - existing
    }

    /// What the last token leaves to the next one; `nil` in an empty branch.
    private var lastMark: PositionMark? {
        var segment: KeyValueSegment? = head
        while let current = segment {
            if count > current.start { return current.marks[count - current.start - 1] }
            segment = current.parent
        }
        return nil
    }

    /// Appends tokens: in place when nobody else refers to the head segment, else in a new segment after it.
    ///
    /// A word stands one behind everything before it. The features of a picture on a grid share the time at which the
    /// picture begins, and add their row and column to it; a later word follows the last row and column.
    ///
    /// - Returns: where the tokens stand.
    func append(_ newTokens: some Collection<TokenID>, images: ImageTable) -> [TokenPosition] {
        var last = lastMark
        var positions: [TokenPosition] = []
        var marks: [PositionMark] = []
        for token in newTokens {
            let next = Int(last?.next ?? 0)
            let position: TokenPosition
            if let cell = images.cell(of: token) {
                let start = cell.isFirst ? next : Int(last?.time ?? 0)
                position = TokenPosition(time: start, row: start + cell.row, column: start + cell.column)
            } else {
                position = TokenPosition(next)
            }
            let mark = PositionMark(time: position.time, next: Int32(clamping: max(next, position.next)))
            positions.append(position)
            marks.append(mark)
            last = mark
        }
        if isKnownUniquelyReferenced(&head) {
            if head.end > count { head.truncate(to: count) }
        } else {
            head = KeyValueSegment(parent: head, start: count, pool: head.pool)
        }
        head.append(newTokens, marks: marks)
        count += newTokens.count
        return positions
    }
}
