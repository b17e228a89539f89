/// Suggestions for mistyped words.
public enum Spelling {
    /// The word in `words` that is nearest to `word`: it differs in at most two characters, and in less than half of
    /// them.
    public static func nearest(to word: String, in words: [String]) -> String? {
        words.map { (word: $0, distance: distance(word.lowercased(), $0)) }
            .filter { $0.distance <= 2 && 2 * $0.distance < max(word.count, $0.word.count) }
            .min { $0.distance < $1.distance }?.word
    }

    /// The number of characters to insert, delete, replace, or swap with their neighbour to turn one text into the
    /// other (optimal string alignment).
    private static func distance(_ first: String, _ second: String) -> Int {
        let (a, b) = (Array(first), Array(second))
        var rows = [Array(0...b.count)]
        for i in 1..<(a.count + 1) {
            var row = [i]
            for j in 1..<(b.count + 1) {
                var cost = min(rows[i - 1][j], row[j - 1]) + 1
                cost = min(cost, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, rows[i - 2][j - 2] + 1) }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
