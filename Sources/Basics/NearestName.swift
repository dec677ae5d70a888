/// The known name that looks most like a given one, for messages about unknown keys.
///
/// - Returns: the shortest name that goes on where the given one of at least three letters ends,
///   else the one with the smallest edit distance; nil when that is above 2 and above half its
///   length. Names of foreign files can be long and many: only the first thousand of at most 200
///   bytes are compared.
public func nearestName(to name: String, among known: [String]) -> String? {
    guard name.utf8.count <= 200 else { return nil }
    let known = Array(known.lazy.filter { $0.utf8.count <= 200 }.prefix(1000))
    let longer = known.filter { name.count >= 3 && $0.hasPrefix(name) }
    if let shortest = longer.min(by: { $0.count < $1.count }) { return shortest }
    let best = known.map { ($0, editDistance(Array(name), Array($0))) }.min { $0.1 < $1.1 }
    guard let best, best.1 <= max(2, best.0.count / 2) else { return nil }
    return best.0
}

/// The sentence part that names the nearest known name.
public func suggestion(for name: String, among known: [String]) -> String {
    let list = known.sorted().joined(separator: ", ")
    return nearestName(to: name, among: known).map { "`\($0)`; known are \(list)" }
        ?? "one of \(list)"
}

private func editDistance(_ first: [Character], _ second: [Character]) -> Int {
    var row = Array(0...second.count)
    for (i, a) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in second.enumerated() {
            let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
            diagonal = row[j + 1]
            row[j + 1] = next
        }
    }
    return row[second.count]
}
