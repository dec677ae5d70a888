import Testing

@testable import Basics

struct NearestNameTests {
    /// Keys of a config.
    private static let known = ["context_size", "dataset", "batch_size_prompts", "dtype"]

    @Test(
        "A mistyped name is found",
        arguments: [
            ("contextsize", "context_size"), ("contxt_size", "context_size"),
            ("data_set", "dataset"),
            ("batch_size", "batch_size_prompts"), ("dtyp", "dtype"), ("dtype", "dtype"),
        ])
    func near(name: String, nearest: String) {
        #expect(nearestName(to: name, among: Self.known) == nearest)
        #expect(suggestion(for: name, among: Self.known).hasPrefix("`\(nearest)`"))
    }

    @Test("A name that resembles none finds none", arguments: ["zzzzzzzzzzzz", "", "q"])
    func far(name: String) {
        #expect(nearestName(to: name, among: Self.known) == nil)
        #expect(
            suggestion(for: name, among: Self.known)
                == "one of batch_size_prompts, context_size, dataset, dtype")
    }

    @Test("Without known names there is no nearest one")
    func none() { #expect(nearestName(to: "a", among: []) == nil) }

    @Test("Of equally near names the first one is taken")
    func ties() { #expect(nearestName(to: "tac", among: ["tab", "tap"]) == "tab") }
}
