import Basics
import Testing

@testable import Plans

struct PathExpansionTests {
    /// A home folder and two variables.
    static let variables = ["HOME": "/home/me", "WORK": "/work", "W2_": "b", "EMPTY": ""]

    /// What a path becomes.
    static func expanded(_ path: String) throws -> String {
        try expandedPath(path, of: "`output`", environment: { variables[$0] })
    }

    @Test(
        "Home and variables are written out as a shell does it",
        arguments: [
            ("~", "/home/me"), ("~/runs/a", "/home/me/runs/a"), ("$WORK/a", "/work/a"),
            ("${WORK}_a/$W2_/${W2_}c", "/work_a/b/bc"), ("a/~/b", "a/~/b"), ("a~", "a~"),
            ("cost$", "cost$"), ("a$1/$-", "a$1/$-"), ("${WORK", "${WORK"), ("$$WORK", "$/work"),
            ("plain/a", "plain/a"), ("", ""),
        ])
    func forms(path: String, result: String) throws {
        #expect(try Self.expanded(path) == result)
    }

    @Test(
        "A variable that is not set, or is empty, and the home of another user are refused by name",
        arguments: [
            ("$NONE/a", "NONE"), ("a/${NONE}", "${NONE}"), ("$EMPTY/a", "EMPTY"),
            ("~you/a", "another user"),
        ])
    func refused(path: String, part: String) throws {
        let error = try #require(throws: RunError.self) { try Self.expanded(path) }
        #expect(error.code == .badConfig && error.advice != nil)
        for text in ["`output`", path, part] { #expect(error.message.contains(text), "\(error)") }
    }

    @Test("A path that exists as it is written stays as it is")
    func literal() throws {
        let folder = try TemporaryFolder()
        try makeFolder("\(folder.path)/a$WORK")
        let file = try folder.write("x", to: "$NONE")
        #expect(try Self.expanded("\(folder.path)/a$WORK") == "\(folder.path)/a$WORK")
        #expect(try Self.expanded(file) == file)
        #expect(try Self.expanded("\(folder.path)/b$WORK") == "\(folder.path)/b/work")
    }

    @Test("Every path of a config is written out, and a wrong one names key and file")
    func config() throws {
        let text = """
            model: ~/m
            saes: [$WORK/a, {path: ~/b}, {repo: org/name}]
            evals: {core: {}}
            datasets: {q: '${WORK}/q.jsonl', h: 'hf://datasets/org/d/f.jsonl'}
            output: $WORK/run
            artifacts: ~/artifacts
            """
        let read = try configuration(text, environment: Self.variables)
        #expect(read.model == "/home/me/m" && read.output == "/work/run")
        #expect(read.artifacts == "/home/me/artifacts")
        #expect(read.saes.prefix(2).map(\.source) == [.path("/work/a"), .path("/home/me/b")])
        #expect(read.datasets.map(\.path) == ["/work/q.jsonl", "hf://datasets/org/d/f.jsonl"])
        let flags = [(keys: ["output"], value: JSON.string("~/x"))]
        #expect(
            try configuration(text, flags: flags, environment: Self.variables).output
                == "/home/me/x")
        let error = try configurationError(text, environment: ["HOME": "/home/me"])
        #expect(error.message.contains("`saes` in "), "\(error)")
        #expect(error.message.contains("config.yaml"), "\(error)")
    }
}
