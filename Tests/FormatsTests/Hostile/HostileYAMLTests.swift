import Basics
import Formats
import Testing

/// Aliases within each other: ten of the level below on each level.
private func bomb(levels: Int, list: Bool = true) -> String {
    var text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in 1...levels {
        let aliases = (0..<10).map { (list ? "" : "k\($0): ") + "*a\(level - 1)" }
        let joined = aliases.joined(separator: ", ")
        text += "a\(level): &a\(level) \(list ? "[\(joined)]" : "{\(joined)}")\n"
    }
    return text
}

/// The same text again and again.
private func many(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

/// A hostile text, the kind of its error and a piece of the sentence.
private typealias Hostile = (name: String, text: String, code: FormatDomain.Code, sentence: String)

private let attacks: [Hostile] = [
    ("aliases that multiply", bomb(levels: 12), .tooLarge, "100000 values"),
    ("mappings that multiply", bomb(levels: 12, list: false), .tooLarge, "100000 values"),
    ("a key that multiplies", bomb(levels: 3) + "? *a3\n: 1\n", .malformed, "a key is not a text"),
    (
        "a key of twelve levels", bomb(levels: 3).replacing("1, 1", with: "1") + "*a3 : 1\n",
        .malformed, "a key is not a text"
    ),
    (
        "a key in a flow that multiplies", bomb(levels: 3) + "x: {? *a3 : 1}\n", .malformed,
        "a key is not a text"
    ),
    ("a list that holds itself", "a: &a [*a]\n", .malformed, "the alias `a` stands for nothing"),
    (
        "a mapping that holds itself", "&a b: {c: &d {e: *d}}\n", .malformed,
        "the alias `d` stands for nothing"
    ),
    ("an alias of nothing", "a: *b\n", .malformed, "line 1, column 4: the alias `b`"),
    ("an alias without a name", "a: *\n", .malformed, "line 1"),
    ("an anchor without a name", "a: & 1\n", .malformed, "line 1"),
    ("two anchors on one value", "a: &b &c 1\n", .malformed, "line 1"),
    ("an anchor on an alias", "a: &b 1\nc: &d *b\n", .malformed, "line 2"),
    (
        "aliases that reach too deep",
        "a: &a \(many(60, "["))\(many(60, "]"))\nb: \(many(60, "["))*a\(many(60, "]"))\n",
        .tooLarge, "100 nested levels"
    ),
    ("101 lists", "a: \(many(101, "["))\(many(101, "]"))", .tooLarge, "100 nested levels"),
    ("many lists", many(100_000, "["), .malformed, "line 1, column"),
    ("many mappings", many(100_000, "{a: "), .tooLarge, "100 nested levels"),
    ("many keys in flow", many(100_000, "{? "), .malformed, "a key is not a text"),
    ("many dashes", many(100_000, "- "), .tooLarge, "100 nested levels"),
    ("many question marks", many(100_000, "? "), .malformed, "a key is not a text"),
    ("100,001 values", "a: [\(many(100_001, "1,"))]", .tooLarge, "100000 values"),
    ("100,001 keys", (0..<100_001).map { "k\($0): 1\n" }.joined(), .tooLarge, "100000 values"),
    ("a key twice", "a: 1\nb: 2\na: 3\n", .malformed, "line 3, column 1: `a` stands twice"),
    ("a key twice in a flow", "x: {a: 1, a: 2}", .malformed, "`a` stands twice"),
    ("a key twice, once in quotes", "a: 1\n\"\\x61\": 2\n", .malformed, "`a` stands twice"),
    ("a key twice, once as an alias", "a: &x b\nb: 1\n*x : 2\n", .malformed, "`b` stands twice"),
    ("a long key twice", many(2, "\(many(1_000, "a")): 1\n"), .malformed, "stands twice"),
    ("a list as a key", "? [a]\n: b\n", .malformed, "a key is not a text"),
    ("a mapping as a key", "{a: 1}: b\n", .malformed, "a key is not a text"),
    ("a tab that indents", "a:\n\tb: 1\n", .malformed, "line 2"),
    ("a tab before a key", "\ta: 1\n", .malformed, "line 1"),
    ("a mapping that steps back", "a:\n    b: 1\n  c: 2\n", .malformed, "line 3"),
    ("a list within a mapping", "a: 1\n- b\n", .malformed, "line 2"),
    ("two mappings on a line", "a: b: c\n", .malformed, "line 1"),
    ("an open list", "a: [1, 2\n", .malformed, "line"),
    ("an open mapping", "a: {b: 1\n", .malformed, "line"),
    ("an open quote", "a: \"b\n", .malformed, "line"),
    ("an open single quote", "a: 'b\n", .malformed, "line"),
    ("a bracket that was never opened", "a: 1]}\nb: ]\n", .malformed, "line 2"),
    ("a second document", "a: 1\n---\nb: 2\n", .malformed, "a second document"),
    ("an unknown escape", "a: \"\\q\"\n", .malformed, "line 1"),
    ("half a character", "a: \"\\ud800\"\n", .malformed, "line 1"),
    ("a character beyond Unicode", "a: \"\\UFFFFFFFF\"\n", .malformed, "line 1"),
    ("a cut escape", "a: \"\\x4\"\n", .malformed, "line 1"),
    ("a control character", "a: \u{1}\n", .malformed, "line"),
    ("a NUL", "a: 1\n\0b: 2\n", .malformed, "line"),
    ("a reserved sign", "a: @b\n", .malformed, "line 1"),
    ("a backquote", "a: `b`\n", .malformed, "line 1"),
    ("an unknown directive", "%YAML 3.0\n---\na: 1\n", .malformed, "line 1"),
    ("a directive alone", "%\n", .malformed, "line 1"),
    (
        "a Python object", "a: !!python/object/apply:os.system [\"true\"]\n", .malformed,
        "`tag:yaml.org,2002:python/object/apply:os.system`"
    ),
    ("a Python name", "a: !!python/name:os.system x\n", .malformed, "is no type of a config"),
    (
        "a Ruby object", "--- !ruby/object:Gem::Installer\ni: x\n", .malformed,
        "`!ruby/object:Gem::Installer`"
    ),
    ("bytes in base 64", "a: !!binary aGk=\n", .malformed, "is no type of a config"),
    ("a set", "a: !!set {b, c}\n", .malformed, "is no type of a config"),
    ("an undefined handle", "a: !e!tag 1\n", .malformed, "line 1"),
    ("a block with a wrong indent", "a: |0\n b\n", .malformed, "line 1"),
    ("a block with two indents", "a: |22\n b\n", .malformed, "line 1"),
]

@Suite("Hostile YAML")
struct HostileYAMLTests {
    @Test("A hostile text is refused at once with its own error", arguments: attacks.indices)
    func refused(index: Int) {
        let attack = attacks[index]
        let began = ContinuousClock.now
        let error = #expect(throws: FormatError.self, "\(attack.name)") {
            try yamlTree(attack.text, source: "a test")
        }
        #expect(ContinuousClock.now - began < .seconds(20), "\(attack.name)")
        #expect(error?.code == attack.code, "\(attack.name): \(error.map { "\($0)" } ?? "")")
        #expect(
            error?.message.contains(attack.sentence) == true,
            "\(attack.name): \(error.map { "\($0)" } ?? "")")
        #expect((error?.description.utf8.count ?? 0) < 500 && error?.advice != nil)
    }

    @Test("At least 40 attacks are made")
    func count() { #expect(attacks.count >= 40) }

    @Test(
        "Words that only Swift takes for numbers are texts",
        arguments: ["-inf", "+nan", "0x1p3", "-0x10", "1e400", many(400, "9")])
    func words(word: String) throws {
        #expect(try yamlTree("a: \(word)", source: "a test")["a"]?.text == word)
    }

    @Test(
        "Tags of YAML's own types count",
        arguments: [
            ("!!str 5", "\"5\""), ("!!int 5", "5"), ("!!float \"2.5\"", "2.5"),
            ("! 5", "\"5\""), ("!!seq [1]", "[1]"), ("!!map {b: 1}", "{\"b\": 1}"),
        ])
    func tags(yaml: String, json: String) throws {
        #expect(try yamlTree("a: \(yaml)", source: "a test")["a"]?.text() == json)
    }
}
