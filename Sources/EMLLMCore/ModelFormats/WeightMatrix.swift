/// A packed weight `[rows M, columns K]` that keeps its memory (a mapped file or a buffer) alive.
///
/// The bytes are in the layout of `weights-format.md`, aligned to ``weightAlignment``.
public struct WeightMatrix: @unchecked Sendable {  // the memory is never written after loading
    /// How the elements are stored.
    public let type: TensorType
    /// Outputs, M.
    public let rows: Int
    /// Inputs, K.
    public let columns: Int
    /// The first byte; valid as long as this value, or the package it came from, lives.
    public let pointer: UnsafeRawPointer
    private let owner: AnyObject

    init(type: TensorType, rows: Int, columns: Int, pointer: UnsafeRawPointer, owner: AnyObject) {
        self.type = type
        self.rows = rows
        self.columns = columns
        self.pointer = pointer
        self.owner = owner
    }
}

/// A one-dimensional weight of 32-bit floats that keeps its memory alive.
public struct WeightVector: @unchecked Sendable {  // the memory is never written after loading
    /// Number of elements.
    public let count: Int
    /// The first element; valid as long as this value, or the package it came from, lives.
    public let pointer: UnsafePointer<Float>
    private let owner: AnyObject

    init(count: Int, pointer: UnsafePointer<Float>, owner: AnyObject) {
        self.count = count
        self.pointer = pointer
        self.owner = owner
    }
}
