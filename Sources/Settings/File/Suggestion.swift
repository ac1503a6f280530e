/// Finds the known word that was probably meant.
package enum Suggestion {
    /// The nearest of `known` by edits, where it is near enough to be the word that was meant.
    static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        guard word.count <= 64 else { return nil }
        let candidates = known.map { (name: $0, edits: edits(from: word, to: $0)) }
        guard let best = candidates.min(by: { ($0.edits, $0.name) < ($1.edits, $1.name) }) else { return nil }
        return best.edits <= max(1, min(word.count, best.name.count) / 3) ? best.name : nil
    }

    /// A sentence's end: `; did you mean "crm"?`, or nothing.
    package static func hint(for word: String, among known: some Sequence<String>) -> String {
        nearest(to: word, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    /// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the other.
    static func edits(from word: String, to other: String) -> Int {
        let (left, right) = (Array(word.unicodeScalars), Array(other.unicodeScalars))
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                var least = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    least = min(least, before[column - 2] + 1)
                }
                current.append(least)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
