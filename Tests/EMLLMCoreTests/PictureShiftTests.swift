import EMLLMCore
import Testing

@Suite("Pictures moved in their frames")
struct PictureShiftTests {
    /// NumPy's: `numpy.pad(numpy.arange(12).reshape(3, 4), 3, mode="edge")[3 - down:6 - down, 3 - right:7 - right]`.
    @Test(
        "edges are repeated, as NumPy pads",
        arguments: [
            (1, 0, [0, 0, 1, 2, 4, 4, 5, 6, 8, 8, 9, 10]),
            (-2, 1, [2, 3, 3, 3, 2, 3, 3, 3, 6, 7, 7, 7]),
            (0, -1, [4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11]),
            (3, -3, [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]),
        ]
    )
    func reference(right: Int, down: Int, expected: [Int]) {
        // Three colours that differ, so that none can take another's place.
        let picture = RGBImage(width: 4, height: 3, pixels: (0..<12).flatMap { [$0, $0 + 50, $0 + 100] })
        let moved = picture.shifted(right: right, down: down)
        #expect(moved.width == 4 && moved.height == 3)
        #expect(moved.pixels.map(Int.init) == expected.flatMap { [$0, $0 + 50, $0 + 100] })
    }

    @Test("a picture that is not moved is the same, and one moved out of its frame is its edge")
    func extremes() {
        let picture = RGBImage(width: 2, height: 2, pixels: (0..<12).map { UInt8($0) })
        #expect(picture.shifted(right: 0, down: 0) == picture)
        #expect(
            picture.shifted(right: .max, down: .max).pixels == Array(repeating: [0, 1, 2], count: 4).flatMap { $0 }
        )
        #expect(
            picture.shifted(right: .min, down: .min).pixels == Array(repeating: [9, 10, 11], count: 4).flatMap { $0 }
        )
    }
}
