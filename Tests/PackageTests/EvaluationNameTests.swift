import Testing

/// What runs evaluations knows none of them by name.
struct EvaluationNameTests {
    /// Targets that plan, run and keep what any evaluation gives.
    private static let targets: Set<String> = [
        "EvalKit", "Results", "Activations", "Plans", "Runs", "Provisioning", "Reports",
    ]

    /// The evaluations' names in configs and results.
    private static func identifiers(in files: [SourceFile]) -> Set<String> {
        Set(
            files.filter { $0.target == "Evals" }.flatMap { file in
                file.text.matches(of: /static let identifier = "([a-z_]+)"/).map {
                    String($0.output.1)
                }
            })
    }

    /// Lines outside comments with one of some names as a text of its own, or before a dot as in the
    /// key of a setting.
    private static func uses(of names: Set<String>, in files: [SourceFile]) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().filter { _, line in
                let isComment = line.drop { $0 == " " }.hasPrefix("//")
                return !isComment
                    && names.contains { line.contains("\"\($0)\"") || line.contains("\"\($0).") }
            }.map { "\(file.path):\($0.offset + 1)" }
        }
    }

    @Test("No evaluation is known by name where evaluations are planned, run and kept")
    func names() throws {
        let files = try sourceFiles()
        let names = Self.identifiers(in: files)
        #expect(names.count >= 5 && names.contains("core"))
        #expect(files.contains { Self.targets.contains($0.target) })
        #expect(Self.uses(of: names, in: files.filter { Self.targets.contains($0.target) }) == [])
    }

    @Test("A name is found in code, alone or before a key, and not in comments or longer words")
    func isFound() {
        let text = """
            // such as "core"
            if name == "core" {}
            let key = "core.context_size"
                /// "tpp"
            let other = "core_size"
            """
        let file = SourceFile(path: "Sources/Runs/A.swift", target: "Runs", text: text)
        #expect(
            Self.uses(of: ["core", "tpp"], in: [file]) == [
                "Sources/Runs/A.swift:2", "Sources/Runs/A.swift:3",
            ])
    }
}
