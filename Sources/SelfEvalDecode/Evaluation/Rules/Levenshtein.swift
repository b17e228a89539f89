/// The least number of Unicode scalars to insert, delete or replace to turn one text into the other (Levenshtein 1966).
func levenshteinDistance(_ first: String, _ second: String) -> Int {
    let columns = Array(second.unicodeScalars)
    var row = Array(0...columns.count)
    for (above, scalar) in first.unicodeScalars.enumerated() {
        var diagonal = above
        row[0] = above + 1
        for (index, column) in columns.enumerated() {
            let replaced = diagonal + (scalar == column ? 0 : 1)
            diagonal = row[index + 1]
            row[index + 1] = min(replaced, diagonal + 1, row[index] + 1)
        }
    }
    return row[columns.count]
}
