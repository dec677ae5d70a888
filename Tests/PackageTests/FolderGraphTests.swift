import Testing

/// The finder of cycles, on made-up targets.
struct FolderGraphTests {
    /// The graph of files of a target `T`, by their paths within it.
    private static func graph(_ files: KeyValuePairs<String, String>) -> FolderGraph {
        FolderGraph(
            files: files.map {
                SwiftFile(
                    SourceFile(path: "Sources/T/\($0.key)", target: "T", text: $0.value))
            })
    }

    @Test("Two folders that use each other's types are a cycle with a use of each")
    func twoFolders() {
        let graph = Self.graph([
            "A/One.swift": "struct One {}\nlet two: Two?\n",
            "B/Two.swift": "struct Two {}\n\nfunc f(_ one: One, _ other: One) {}\n",
        ])
        #expect(
            graph.cycles == [
                "A → B (Sources/T/A/One.swift:2 `Two`) → "
                    + "A (Sources/T/B/Two.swift:3 `One` and 1 more)"
            ])
    }

    @Test("The shortest cycle through three folders is named once")
    func threeFolders() {
        let graph = Self.graph([
            "A/One.swift": "func one() { two() }", "B/Two.swift": "func two() { _ = three }",
            "C/Three.swift": "let three = 3\nfunc f() { one() }", "D/Four.swift": "let x = three",
        ])
        #expect(
            graph.cycles == [
                "A → B (Sources/T/A/One.swift:1 `two`) → C (Sources/T/B/Two.swift:1 `three`) → "
                    + "A (Sources/T/C/Three.swift:2 `one`)"
            ])
    }

    @Test("Uses in one direction are crossings and no cycle")
    func oneDirection() {
        let graph = Self.graph([
            "A/One.swift": "struct One { var two: Two }", "B/Two.swift": "struct Two {}",
            "Root.swift": "let one: One?",
        ])
        #expect(graph.cycles == [])
        #expect(graph.crossings == ["A → B (Sources/T/A/One.swift:1 `Two`)"])
    }

    @Test("What stands in the target's folder may be shared, or put folders together, but not both")
    func root() {
        let shared = "protocol Shared {}"
        let folder = "struct One: Shared {}"
        let registry = "let all = [One()]"
        #expect(
            Self.graph(["Shared.swift": shared, "A/One.swift": folder, "All.swift": registry])
                .cycles == [])
        #expect(
            Self.graph(["Shared.swift": "\(shared)\n\(registry)", "A/One.swift": folder]).cycles
                == [
                    "A → Shared.swift (Sources/T/A/One.swift:1 `Shared`) → "
                        + "A (Sources/T/Shared.swift:2 `One`)"
                ])
    }

    @Test("A member that an extension adds to a type of elsewhere is a use of its folder")
    func members() {
        let graph = Self.graph([
            "A/One.swift": "struct One {}\nlet x = One().doubled\nlet y = [1].mean()",
            "B/One+Two.swift":
                "extension One { var doubled: Int { 2 } }\nextension Array { func mean() {} }",
        ])
        #expect(
            graph.cycles == [
                "A → B (Sources/T/A/One.swift:2 `doubled` and 1 more) → "
                    + "A (Sources/T/B/One+Two.swift:1 `One`)"
            ])
    }

    @Test(
        "Names that mean something else are no uses",
        arguments: [
            // In comments and strings; in interpolations they are uses.
            "// Two\nlet a = \"Two\"", "/* Two /* Two */ Two */",
            // Nested types, here and there, and members.
            "struct One { struct Two {} }\nlet a: One.Two", "let a = One.Two.self", "let a = b.Two",
            // Private here, or hidden there.
            "private struct Two {}\nlet a: Two", "let a: Hidden", "let a: Nested",
            // Labels and local names.
            "func f(two: Int) {}", "f(two: 1)", "let two = 1\nlet b = two",
            // A member of that name that is declared twice.
            "extension Int { var half: Int { 1 } }\nlet a = 1.half",
        ])
    func otherMeanings(_ text: String) {
        let graph = Self.graph([
            "A/One.swift": text,
            "B/Two.swift": """
            struct Two { struct Nested {} }
            private struct Hidden {}
            let two = 2
            extension Double { var half: Double { 0 } }
            """,
        ])
        #expect(graph.uses == [:])
    }

    @Test("A use within an interpolation is found")
    func interpolation() {
        let graph = Self.graph([
            "A/One.swift": "let a = \"b \\(Two.self) \\\"Three\\\"\"",
            "B/Two.swift": "struct Two {}\nstruct Three {}",
        ])
        #expect(graph.crossings == ["A → B (Sources/T/A/One.swift:1 `Two`)"])
    }
}
