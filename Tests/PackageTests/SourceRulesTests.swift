import Testing

/// Rules of the house that every source file keeps.
struct SourceRulesTests {
    /// The endings of what people write.
    private static let endings: Set<String> = ["swift", "c", "h", "cu"]

    /// Words that have no place in sources.
    static let forbidden = ["try" + "!", "fatal" + "Error(", "TO" + "DO"]

    @Test("No source file is longer than 500 lines")
    func length() throws {
        let files = try sourceFiles(Self.endings)
        #expect(files.count > 100)
        let tooLong = files.filter { $0.lines.count > 500 }.map { "\($0.path): \($0.lines.count)" }
        #expect(tooLong == [])
    }

    @Test(
        "No source file traps where it should throw or leaves work for later", arguments: forbidden)
    func words(_ word: String) throws {
        let places = Self.places(of: word, in: try sourceFiles(Self.endings))
        #expect(places == [])
    }

    @Test(
        "Threads are started in one place, so that all are joined",
        arguments: [
            "pthread_create(", "pthread_detach(", "Thread(block", "detachNewThread",
            "Task.detached",
        ])
    func threads(_ word: String) throws {
        let owner = "Sources/Basics/BackgroundThread.swift"
        let files = try sourceFiles(Self.endings)
        #expect(files.contains { $0.path == owner && $0.text.contains("pthread_create(") })
        #expect(Self.places(of: word, in: files.filter { $0.path != owner }) == [])
    }

    @Test("No optional is unwrapped by force, and nothing is cast by force")
    func forcing() throws {
        #expect(try SwiftFile.all.get().values.joined().flatMap(CodeRules.forcing) == [])
    }

    @Test("Every public declaration has a documentation comment")
    func documentation() throws {
        #expect(Documentation(files: Array(try SwiftFile.all.get().values.joined())).missing == [])
    }

    @Test("No evaluation uses what another one declares")
    func evaluations() throws {
        let files = try #require(try SwiftFile.all.get()["Evals"])
        #expect(Set(files.map(\.room).filter(FolderGraph.isFolder)).count > 3)
        #expect(FolderGraph(files: files).crossings == [])
    }

    @Test("No folders of a target use each other in a circle")
    func cycles() throws {
        let targets = try SwiftFile.all.get().sorted { $0.key < $1.key }
        #expect(targets.count > 10)
        #expect(targets.flatMap { FolderGraph(files: $0.value).cycles } == [])
    }

    @Test("A forbidden word is found with file and line", arguments: forbidden)
    func isFound(_ word: String) {
        let file = SourceFile(
            path: "Sources/A/B.swift", target: "A", text: "let a = 1\nlet b = \(word)\n")
        #expect(Self.places(of: word, in: [file]) == ["Sources/A/B.swift:2"])
    }

    /// Where a word stands, as `file:line`.
    private static func places(of word: String, in files: [SourceFile]) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().filter { $0.element.contains(word) }
                .map { "\(file.path):\($0.offset + 1)" }
        }
    }
}
