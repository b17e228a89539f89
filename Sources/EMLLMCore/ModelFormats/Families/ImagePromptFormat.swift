/// How a prompt represents a picture: the marker that a chat template writes, and what replaces it.
package struct ImagePromptFormat: Codable, Sendable, Equatable {
    /// The tokens around a picture's features.
    package enum Surroundings: Codable, Sendable, Equatable {
        /// Only what the template writes.
        case none
        /// One token before and one after.
        case between(begin: String, end: String)
        /// Rows and columns of tiles with their names, and the whole picture last (Idefics 3, SmolVLM).
        case tiles(around: String, whole: String)
    }

    /// The marker that chat templates write for a picture.
    package var marker: String
    /// The tokens around the features.
    package var surroundings: Surroundings

    /// Makes a format.
    package init(marker: String, surroundings: Surroundings = .none) {
        self.marker = marker
        self.surroundings = surroundings
    }

    /// A part of what replaces a picture's marker.
    package enum Part: Equatable {
        /// Text of the template.
        case text(String)
        /// This many features, the next ones of the picture.
        case features(Int)
    }

    /// The parts that replace a picture's marker.
    ///
    /// - Parameters:
    ///   - tiles: the rows and columns of tiles; both are zero for a picture that was not split.
    ///   - features: the total number of features of the picture, including its tiles.
    package func parts(tiles: (rows: Int, columns: Int), features: Int) -> [Part] {
        switch surroundings {
        case .none: return [.features(features)]
        case .between(let begin, let end): return [.text(begin), .features(features), .text(end)]
        case .tiles(let around, let whole):
            let each = features / (tiles.rows * tiles.columns + 1)
            var parts: [Part] = []
            for row in 0..<tiles.rows {
                for column in 0..<tiles.columns {
                    parts += [.text("\(around)<row_\(row + 1)_col_\(column + 1)>"), .features(each)]
                }
                parts.append(.text("\n"))
            }
            if tiles.rows > 0 { parts.append(.text("\n")) }
            return parts + [.text(around + whole), .features(each), .text(around)]
        }
    }
}
