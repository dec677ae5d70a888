import Testing

@testable import Reports

struct NoteLinesTests {
    @Test("Each sentence stands once, after the names of those that it is about")
    func grouping() {
        #expect(
            noteLines(of: [("a", ["One."]), ("b", []), ("c", ["Two.", "One."])])
                == "Note on a, c: One.\nNote on c: Two.\n")
    }

    @Test("Many names are counted", arguments: [(4, "all 4"), (5, "0, 1 and 2 others")])
    func many(count: Int, names: String) {
        let notes = (0..<count).map { (name: "\($0)", notes: $0 < 4 ? ["One."] : []) }
        #expect(noteLines(of: notes) == "Note on \(names): One.\n")
    }

    @Test("Without notes there is no line")
    func none() { #expect(noteLines(of: [("a", [])]).isEmpty) }
}
