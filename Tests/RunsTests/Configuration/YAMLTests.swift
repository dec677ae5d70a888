import Basics
import Formats
import Testing

@testable import Plans

struct YAMLTests {
    @Test(
        "Plain words have the types of YAML, quoted ones are texts",
        arguments: [
            ("5", "5"), ("-5", "-5"), ("+5", "5"), ("1.5", "1.5"), ("1e3", "1000.0"), (".5", "0.5"),
            ("true", "true"),
            ("False", "false"), ("null", "null"), ("~", "null"), ("", "null"), ("yes", "\"yes\""),
            ("no", "\"no\""),
            ("'5'", "\"5\""), ("\"5\"", "\"5\""), ("'true'", "\"true\""), ("\"\"", "\"\""),
            ("'null'", "\"null\""),
            ("1_000", "\"1_000\""), ("12 apples", "\"12 apples\""), ("1.2.3", "\"1.2.3\""),
            ("nan", "\"nan\""), ("a#b", "\"a#b\""), ("a # b", "\"a\""), ("[1, '1']", "[1, \"1\"]"),
            ("{a: 1}", "{\"a\": 1}"), ("|\n  a\n  b\n", "\"a\\nb\\n\""),
            (">\n  a\n  b\n", "\"a b\\n\""),
            ("9223372036854775808", "9.223372036854776e+18"),
        ])
    func scalars(yaml: String, json: String) throws {
        #expect(try parseYAML("key: \(yaml)", source: "a test")["key"]?.text() == json)
    }

    @Test("Keys keep their order and need not be words")
    func keys() throws {
        let tree = try parseYAML("z: 1\na: 2\n5: 3\n'q r': 4\na/b: 5\n", source: "a test")
        #expect(tree.members?.map(\.key) == ["z", "a", "5", "q r", "a/b"])
    }

    @Test("Aliases are written out")
    func aliases() throws {
        let tree = try parseYAML("a: &x {b: [1, 2]}\nc: *x\n", source: "a test")
        let written = try #require(tree["a"]).text()
        #expect(tree["c"]?.text() == written)
    }

    @Test("Aliases that multiply without measure are refused at once")
    func multiplyingAliases() throws {
        var text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        for level in 1..<12 {
            let aliases = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = try #require(throws: RunError.self) {
            _ = try parseYAML(text, source: "a test")
        }
        #expect(error.code == .badConfig)
        #expect(error.message.contains("100000 values"))
    }

    @Test("Deep nesting is refused", arguments: [101, 900, 100_000])
    func depth(levels: Int) {
        let text = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        #expect(throws: RunError.self) { try parseYAML(text, source: "a test") }
    }

    @Test(
        "A text that is not YAML is refused in one line that names the place",
        arguments: [
            "a: 1\na: 2", "a: {b: 1, b: 2}", "a: [1", "a: \"b", "\ta: 1", "a: b: c", "a: *none",
            "a: 1\n---\nb: 2",
            "{a: 1}}", "a: 'b", "- a\nb: 1", "%", "? [a]\n: b",
        ])
    func refused(text: String) throws {
        let error = try #require(throws: RunError.self) {
            _ = try parseYAML(text, source: "a test")
        }
        #expect(error.code == .badConfig)
        #expect(error.message.hasPrefix("a test"))
        #expect(!error.description.contains("\n"))
    }

    @Test("A text cut at any place is a tree or an error")
    func truncation() {
        let text =
            "model: &m 'a'\nsaes:\n  - path: \"b\\n\"\n    layers: [1, 2]\nevals: {core: {dataset: *m}}\n"
        var refused = 0
        for length in 0..<text.utf8.count {
            let start = String(decoding: text.utf8.prefix(length), as: UTF8.self)
            if (try? parseYAML(start, source: "a test")) == nil { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test("A written tree reads as the same tree", arguments: [0.1, 1e-7, 1e300, -2.5, 3])
    func numbers(value: Double) throws {
        let tree: JSON = .object([
            "a": .number(value), "b": .array([]), "c": .object([]), "d": .null, "e": .bool(true),
        ])
        #expect(try parseYAML(try yamlText(of: tree), source: "a test").text() == tree.text())
    }
}
