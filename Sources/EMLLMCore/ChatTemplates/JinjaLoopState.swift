extension Jinja {
    /// A running `for` loop, which the template sees as `loop`.
    ///
    /// As in Jinja, elements are tested against the loop's condition only when they are needed, since a condition may
    /// depend on what the body did to a namespace.
    final class LoopState {
        let depth: Int
        /// Elements not yet tested, in reverse order.
        private var source: [Value]
        /// Elements that passed the test ahead of time, from `firstPending` on.
        private var pending: [Value] = []
        private var firstPending = 0
        /// The loop's condition; nil once there is none.
        private var condition: ((Value) throws -> Bool)?
        /// The number of elements before the current one; -1 before the first.
        private(set) var index = -1
        private(set) var current: Value?
        private(set) var previous: Value?
        private var lastChanged: [Value]?

        init(_ elements: [Value], depth: Int, condition: ((Value) throws -> Bool)?) {
            source = elements.reversed()
            self.depth = depth
            self.condition = condition
        }

        private func pull() throws -> Value? {
            while let candidate = source.popLast() {
                if try condition?(candidate) ?? true { return candidate }
            }
            return nil
        }

        /// Moves to the next element.
        func advance() throws -> Value? {
            guard let next = try peek() else { return nil }
            firstPending += 1
            previous = current
            current = next
            index += 1
            return next
        }

        /// The next element, without moving to it.
        func peek() throws -> Value? {
            if firstPending < pending.count { return pending[firstPending] }
            pending.removeAll(keepingCapacity: true)
            firstPending = 0
            guard let next = try pull() else { return nil }
            pending.append(next)
            return next
        }

        /// The total number of elements that the loop visits.
        func length() throws -> Int {
            while let next = try pull() { pending.append(next) }
            return index + 1 + pending.count - firstPending
        }

        /// Stores the arguments of `loop.changed` and returns those of the previous call.
        func exchangeChanged(_ values: [Value]) -> [Value]? {
            defer { lastChanged = values }
            return lastChanged
        }

        /// Releases what the condition captures, for templates that keep the loop after its end.
        func finish() { condition = nil }
    }
}
