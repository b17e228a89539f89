/// A packed weight `[rows M, columns K]` that keeps its memory (a mapped file or a buffer) alive.
///
/// The bytes are in the layout of `weights-format.md`, aligned to `weightAlignment`.
package struct WeightMatrix: @unchecked Sendable {  // the memory is never written after loading
    /// How the elements are stored.
    package let type: TensorType
    /// Outputs, M.
    package let rows: Int
    /// Inputs, K.
    package let columns: Int
    /// The first byte; valid during the lifetime of this value, or of the package it came from.
    package let pointer: UnsafeRawPointer
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
package struct WeightVector: @unchecked Sendable {  // the memory is never written after loading
    /// Number of elements.
    package let count: Int
    /// The first element; valid during the lifetime of this value, or of the package it came from.
    package let pointer: UnsafePointer<Float>
    private let owner: AnyObject

    init(count: Int, pointer: UnsafePointer<Float>, owner: AnyObject) {
        self.count = count
        self.pointer = pointer
        self.owner = owner
    }
}
