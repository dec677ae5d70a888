/// The notes on some autoencoders' results as lines of text: each sentence once, after the names of
/// those that it is about.
///
/// - Parameter notes: name and sentences of each autoencoder.
/// - Returns: nothing when nobody has a note.
public func noteLines(of notes: [(name: String, notes: [String])]) -> String {
    var names: [String: [String]] = [:]
    var sentences: [String] = []
    for (name, note) in notes.flatMap({ entry in entry.notes.map { (entry.name, $0) } }) {
        if names[note] == nil { sentences.append(note) }
        names[note, default: []].append(name)
    }
    return sentences.map { "Note on \(list(names[$0] ?? [], of: notes.count)): \($0)\n" }.joined()
}

/// Some names in a few words.
///
/// - Parameter count: how many there are in all.
private func list(_ names: [String], of count: Int) -> String {
    if names.count == count, count > 3 { return "all \(count)" }
    guard names.count > 3 else { return names.joined(separator: ", ") }
    return "\(names[0]), \(names[1]) and \(names.count - 2) others"
}
