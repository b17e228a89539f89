/// Where a token stands: its index in a text, or time, row and column in a picture (M-RoPE, arXiv 2409.12191).
struct TokenPosition: Equatable {
    let time: Int32
    let row: Int32
    let column: Int32

    init(time: Int, row: Int, column: Int) {
        self.time = Int32(clamping: time)
        self.row = Int32(clamping: row)
        self.column = Int32(clamping: column)
    }

    /// A word: all coordinates are the same.
    init(_ index: Int) { self.init(time: index, row: index, column: index) }

    /// The coordinate of an axis: time, row, column.
    func coordinate(_ axis: Int) -> Int { Int(axis == 0 ? time : axis == 1 ? row : column) }

    /// The position that the next word takes at least.
    var next: Int { Int(max(time, row, column)) + 1 }
}

/// What a cached token leaves to those after it.
struct PositionMark {
    /// The time of the token itself, which all features of a picture share.
    let time: Int32
    /// The position of a word after it.
    let next: Int32
}
