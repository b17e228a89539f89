import CTensor

/// The shape of one cache page.
struct KeyValueLayout: Equatable {
    let layers: Int
    let heads: Int
    let headDimension: Int

    /// Positions in a page; a multiple of the kernels' key group.
    static let pagePositions = 32

    /// Floats that the keys (or the values) of one head take in one page.
    var headStride: Int { Self.pagePositions * headDimension }
    /// Floats from one layer to the next: keys of all heads, then values of all heads.
    var layerStride: Int { 2 * heads * headStride }
    var pageFloats: Int { layers * layerStride }
    var pageBytes: Int { pageFloats * MemoryLayout<Float>.stride }

    /// Where the keys of a head begin in a page. Their layout: `[pagePositions / 16, headDimension, 16]`.
    func keyOffset(layer: Int, head: Int) -> Int { layer * layerStride + head * headStride }
    /// Where the values of a head begin in a page. Their layout: `[pagePositions, headDimension]`.
    func valueOffset(layer: Int, head: Int) -> Int { layer * layerStride + (heads + head) * headStride }
}

/// Pages of keys and values, recycled, and counted against a budget.
final class KeyValuePagePool {
    let layout: KeyValueLayout
    private let budgetBytes: Int?
    private var free: [ScratchBuffer<Float>] = []
    /// Pages in use.
    private(set) var livePages = 0
    /// Segments alive, in all trees; tests watch it to find leaks.
    fileprivate(set) var liveSegments = 0
    /// The most pages that were ever in use at once.
    private(set) var peakPages = 0

    /// Unused pages to keep for the next branch rather than give back: verdict forks come and go all the time.
    private static let keptFreePages = 16

    init(layout: KeyValueLayout, budgetBytes: Int?) {
        self.layout = layout
        self.budgetBytes = budgetBytes
    }

    /// How many more pages fit the budget.
    var availablePages: Int {
        guard let budgetBytes else { return .max }
        return max(0, budgetBytes / layout.pageBytes - livePages)
    }

    fileprivate func take() -> ScratchBuffer<Float> {
        livePages += 1
        peakPages = max(peakPages, livePages)
        return free.popLast() ?? ScratchBuffer(count: layout.pageFloats)
    }

    fileprivate func giveBack(_ page: ScratchBuffer<Float>) {
        livePages -= 1
        if free.count < Self.keptFreePages { free.append(page) }
    }
}

/// A run of positions in the tree of cached tokens: its own tokens, after the first `start` positions of its parent's path.
///
/// A segment lives as long as a branch or a child refers to it, so that dropping a branch frees exactly what nobody else
/// shares.
final class KeyValueSegment {
    let parent: KeyValueSegment?
    /// The absolute position of this segment's first token: how much of the parent's path it continues.
    let start: Int
    private(set) var tokens: [TokenID] = []
    /// Where each token stands, for those after it.
    private(set) var marks: [PositionMark] = []
    private(set) var pages: [ScratchBuffer<Float>] = []
    let pool: KeyValuePagePool

    init(parent: KeyValueSegment?, start: Int, pool: KeyValuePagePool) {
        self.parent = parent
        self.start = start
        self.pool = pool
        pool.liveSegments += 1
    }

    deinit {
        for page in pages { pool.giveBack(page) }
        pool.liveSegments -= 1
    }

    /// The absolute position after this segment's last token.
    var end: Int { start + tokens.count }

    static func pagesNeeded(forPositions count: Int) -> Int {
        (count + KeyValueLayout.pagePositions - 1) / KeyValueLayout.pagePositions
    }

    /// Makes room for more tokens and records them; the keys and values are written by the forward pass.
    func append(_ newTokens: some Collection<TokenID>, marks newMarks: [PositionMark]) {
        tokens.append(contentsOf: newTokens)
        marks.append(contentsOf: newMarks)
        let needed = Self.pagesNeeded(forPositions: tokens.count)
        while pages.count < needed { pages.append(pool.take()) }
    }

    /// Forgets the tokens from absolute position `position` on.
    func truncate(to position: Int) {
        marks.removeLast(end - position)
        tokens.removeLast(end - position)
        let needed = Self.pagesNeeded(forPositions: tokens.count)
        while pages.count > needed { pool.giveBack(pages.removeLast()) }
    }
}
