/// The tokens of one forward pass: rows of one or several branches, already appended to their branches.
struct ForwardBatch {
    /// One token to process.
    struct Row {
        let token: TokenID
        /// Index in its branch.
        let index: Int
        /// What the rotary embedding turns by.
        let position: TokenPosition
        /// For a feature of a picture: what takes the place of the token's embedding, and after it what is added behind
        /// the first blocks. `[1 + deepstack, hidden]`
        let features: UnsafePointer<Float>?
        /// The page that takes this position's keys and values, and the slot in it.
        let page: UnsafeMutablePointer<Float>
        let slot: Int
    }

    /// A run of cached positions that a branch sees, in one page.
    struct PageRun {
        let page: UnsafeMutablePointer<Float>
        let count: Int
    }

    /// The rows of one branch.
    struct Run {
        let rows: Range<Int>
        /// Everything the branch sees, from position 0 to its last row.
        let pages: Range<Int>
    }

    private(set) var rows: [Row] = []
    private(set) var runs: [Run] = []
    private(set) var pages: [PageRun] = []
    /// Rows whose logits are wanted.
    private(set) var outputs: [Int] = []
    /// Whether float products go to BLAS: the rows are a piece of one long run, so that its shape depends on nothing but
    /// the run.
    let isLongRun: Bool
    /// The pictures that tokens may speak of.
    private let images: ImageTable
    /// After how many blocks something is added to rows of this batch.
    private(set) var deepstackLayers = 0

    init(isLongRun: Bool, images: ImageTable) {
        self.isLongRun = isLongRun
        self.images = images
    }

    /// Appends `tokens` to `branch` and adds them to the batch.
    mutating func add(_ tokens: ArraySlice<TokenID>, to branch: Branch, wantsLogits: ForwardOutputs) {
        let begin = branch.count
        let positions = branch.append(tokens, images: images)
        let firstRow = rows.count
        let head = branch.head
        for (offset, token) in tokens.enumerated() {
            let index = begin + offset - head.start
            let features = images.features(of: token)
            if features != nil { deepstackLayers = images.deepstackLayers }
            rows.append(
                Row(
                    token: token,
                    index: begin + offset,
                    position: positions[offset],
                    features: features,
                    page: head.pages[index / KeyValueLayout.pagePositions].base,
                    slot: index % KeyValueLayout.pagePositions
                )
            )
        }
        let firstPage = pages.count
        branch.forEachVisibleSegment { segment, visible in
            for index in (0..<KeyValueSegment.pagesNeeded(forPositions: visible)).reversed() {
                let count = min(visible - index * KeyValueLayout.pagePositions, KeyValueLayout.pagePositions)
                pages.append(PageRun(page: segment.pages[index].base, count: count))
            }
        }
        pages[firstPage...].reverse()
        runs.append(Run(rows: firstRow..<rows.count, pages: firstPage..<pages.count))
        switch wantsLogits {
        case .none: break
        case .last: outputs.append(rows.count - 1)
        case .all: outputs.append(contentsOf: firstRow..<rows.count)
        }
    }
}

/// Which positions of a run give logits.
enum ForwardOutputs {
    case none
    case last
    case all
}
