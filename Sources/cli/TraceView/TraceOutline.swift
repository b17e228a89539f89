import SelfEvalDecode

/// The layout of a trace for display: the accepted line, and at each place of it the other texts.
///
/// The nodes of a trace are a tree. If it were shown as one, every step would be indented further than the last. So at
/// each place, one text continues in the same column, and the others branch off there. Without an accepted line, or
/// next to it, the text with the most descendants continues. Branches then nest at most log₂ n deep, whatever the file
/// contains.
struct TraceOutline {
    /// The texts that were begun after a node.
    struct Place {
        /// Those that branch off, in the order of writing.
        var others: [StepNode] = []
        /// The one that continues in the same column; `nil` if a line ends here, or none of several takes precedence.
        var next: StepNode?
    }

    let trace: Trace
    /// The nodes of the accepted line; in a truncated trace, those accepted so far.
    let path: [StepNode]
    private let nodes: [StepNode]
    private let standing: Set<Int>
    /// For each node and the question, its children.
    private let children: [[Int]]
    /// For each node and the question, the number of nodes in its subtree.
    private let sizes: [Int]
    /// For each node and the question, the number of steps up to it.
    private let numbers: [Int]
    private let takenBack: [Int: Backtrack]
    private let reflectionsByNode: [Int: [Reflection]]
    private let proposalsByNode: [Int: [Proposal]]

    /// - Complexity: O(n) in the number of nodes, and O(n) for each time that steps were taken back.
    init(_ trace: Trace) {
        self.trace = trace
        // Normalize ids and parents, so that even a damaged trace cannot index out of bounds.
        let nodes = trace.nodes.enumerated().map { index, node in
            var node = node
            node.id = index + 1
            if !(0..<node.id).contains(node.parent) { node.parent = 0 }
            return node
        }
        var children = [[Int]](repeating: [], count: nodes.count + 1)
        var numbers = [Int](repeating: 0, count: nodes.count + 1)
        for node in nodes {
            children[node.parent].append(node.id)
            numbers[node.id] = numbers[node.parent] + (node.kind == .step ? 1 : 0)
        }
        var sizes = [Int](repeating: 1, count: nodes.count + 1)
        for node in nodes.reversed() { sizes[node.parent] += sizes[node.id] }
        self.nodes = nodes
        self.children = children
        self.numbers = numbers
        self.sizes = sizes
        path = Self.path(nodes, children, recorded: Set(trace.summary?.path ?? []))
        standing = Set(path.map(\.id))
        takenBack = Self.takenBack(in: trace)
        reflectionsByNode = Dictionary(grouping: trace.reflections, by: \.node)
        proposalsByNode = Dictionary(
            grouping: trace.proposals.enumerated().map { Proposal(line: $0 + 1, answer: $1) },
            by: \.answer.node
        )
    }

    /// The accepted line: the recorded one or, if there is none, the one that follows unambiguously from the decisions.
    private static func path(_ nodes: [StepNode], _ children: [[Int]], recorded: Set<Int>) -> [StepNode] {
        var path: [StepNode] = []
        while true {
            let candidates = children[path.last?.id ?? 0].filter { child in
                recorded.isEmpty ? nodes[child - 1].decision?.stands == true : recorded.contains(child)
            }
            guard candidates.count == 1 || (!recorded.isEmpty && !candidates.isEmpty) else { return path }
            path.append(nodes[candidates[0] - 1])
        }
    }

    /// The reason for each node that was taken back and not restored.
    private static func takenBack(in trace: Trace) -> [Int: Backtrack] {
        var result: [Int: Backtrack] = [:]
        for backtrack in trace.backtracks {
            let line = trace.line(to: backtrack.from).drop { $0.id != backtrack.to }
            for node in line where node.decision == .abandoned { result[node.id] = backtrack }
        }
        return result
    }

    // MARK: Nodes

    /// The texts that were begun after a node, or the question.
    func place(after id: Int) -> Place {
        let ids = children[id]
        let next = ids.first { standing.contains($0) } ?? lineWithoutDecision(ids, after: id)
        return Place(others: ids.filter { $0 != next }.map { nodes[$0 - 1] }, next: next.map { nodes[$0 - 1] })
    }

    private func lineWithoutDecision(_ ids: [Int], after id: Int) -> Int? {
        if standing.contains(id) { return nil }
        return id == 0 && ids.count > 1 ? nil : longest(of: ids)
    }

    /// The text with the most descendants; `nil` if there are several texts, and none continues.
    private func longest(of ids: [Int]) -> Int? {
        guard ids.count > 1 else { return ids.first }
        let longest = ids.max { (sizes[$0], $1) < (sizes[$1], $0) }
        return longest.flatMap { sizes[$0] > 1 ? $0 : nil }
    }

    /// Whether a node belongs to the accepted line.
    func stands(_ node: StepNode) -> Bool { standing.contains(node.id) }

    /// Which step of its line a node is, from 1; for an evaluation, the step before it.
    func number(of id: Int) -> Int { numbers.indices.contains(id) ? numbers[id] : 0 }

    /// The highest number of any step.
    var highestNumber: Int { numbers.max() ?? 0 }

    /// How many nodes follow a node, directly or not.
    func descendants(of node: StepNode) -> Int { sizes[node.id] - 1 }

    /// Why a node was taken back; `nil` if it was not, or was restored.
    func backtrack(of node: StepNode) -> Backtrack? { takenBack[node.id] }

    /// The model's reflections on a node, or on the chain that it ends.
    func reflections(on node: StepNode) -> [Reflection] { reflectionsByNode[node.id] ?? [] }

    /// The answer of one of several lines.
    struct Proposal {
        /// The number of the line among those that propose an answer, from 1.
        let line: Int
        let answer: Answer
    }

    /// The answers that were proposed after a node.
    func proposals(after node: StepNode) -> [Proposal] { proposalsByNode[node.id] ?? [] }

    /// The number of written steps that were not accepted.
    var others: Int { nodes.count { $0.kind == .step && !standing.contains($0.id) } }

    /// The accepted steps.
    var steps: [StepNode] { path.filter { $0.kind == .step } }

    /// The number of texts that were written at the place of a node, including the node.
    func candidates(atPlaceOf node: StepNode) -> Int { children[node.parent].count { nodes[$0 - 1].kind == node.kind } }
}
