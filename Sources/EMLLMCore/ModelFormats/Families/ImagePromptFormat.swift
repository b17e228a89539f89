/// How a prompt speaks of a picture: what a chat template writes for it, and what that becomes.
package struct ImagePromptFormat: Codable, Sendable, Equatable {
    /// What stands around a picture's features.
    package enum Surroundings: Codable, Sendable, Equatable {
        /// Nothing but what the template writes.
        case none
        /// A token before and one behind.
        case between(begin: String, end: String)
        /// Rows and columns of tiles with their names, and the whole picture last (Idefics 3, SmolVLM).
        case tiles(around: String, whole: String)
    }

    /// What chat templates write for a picture.
    package var marker: String
    /// What stands around the features.
    package var surroundings: Surroundings

    /// Makes a format.
    package init(marker: String, surroundings: Surroundings = .none) {
        self.marker = marker
        self.surroundings = surroundings
    }

    /// A stretch of what a picture's marker becomes.
    package enum Part: Equatable {
        /// Text of the template.
        case text(String)
        /// So many features, the next ones of the picture.
        case features(Int)
    }

    /// What a picture's marker becomes.
    ///
    /// - Parameters:
    ///   - tiles: rows and columns of tiles; zero of both for a picture that was not cut.
    ///   - features: features of the picture in all, its tiles' included.
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
