import Foundation

/// How the plots look.
enum Style {
    static let ink = "#222222"
    static let muted = "#666666"
    static let grid = "#dddddd"
    static let fontSize = 12.0

    /// Signs of six pixels around the origin; a polygon each.
    enum Shape: CaseIterable {
        case circle, square, triangle, diamond, invertedTriangle, star, plus

        var corners: [(Double, Double)] {
            switch self {
            case .circle: Self.around(24) { _ in 5 }
            case .square: [(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)]
            case .triangle: [(0, -6), (5.5, 4.5), (-5.5, 4.5)]
            case .diamond: [(0, -6.5), (6.5, 0), (0, 6.5), (-6.5, 0)]
            case .invertedTriangle: [(0, 6), (5.5, -4.5), (-5.5, -4.5)]
            case .star: Self.around(10) { $0 % 2 == 0 ? 7 : 3 }
            case .plus:
                [
                    (-2, -6), (2, -6), (2, -2), (6, -2), (6, 2), (2, 2), (2, 6), (-2, 6), (-2, 2), (-6, 2), (-6, -2),
                    (-2, -2),
                ]
            }
        }

        private static func around(_ count: Int, radius: (Int) -> Double) -> [(Double, Double)] {
            (0..<count).map { index in
                let angle = 2 * Double.pi * Double(index) / Double(count)
                return (radius(index) * sin(angle), -radius(index) * cos(angle))
            }
        }
    }

    /// How the n-th series is told apart. The colours are those of Okabe and Ito, "Color Universal Design", 2008,
    /// without the yellow, which is too light for white; shapes and dashes tell series apart without colour too.
    struct Look {
        let color: String
        let shape: Shape
        let dash: String?

        init(_ index: Int) {
            let colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
            let dashes = [nil, "7 3", "2 3", "9 3 2 3"]
            // The second round pairs colours with other shapes.
            let round = index / colors.count
            color = colors[index % colors.count]
            shape = Shape.allCases[(index + round) % Shape.allCases.count]
            dash = dashes[index % dashes.count]
        }
    }
}
