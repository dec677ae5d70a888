import Basics
import Formats
import Testing

@testable import Plans

struct RunConfigurationTests {
    @Test("What a config leaves out has its default")
    func defaults() throws {
        let read = try configuration()
        #expect(read.dtype == "float32")
        #expect(read.device == "auto")
        #expect(read.artifacts == "artifacts")
        #expect(read.threads == nil)
        #expect(read.memoryGiB == nil)
        #expect(read.datasets.isEmpty)
        #expect(read.saes.map(\.source) == [.path("folder")])
        #expect(read.saes[0].match == nil && read.saes[0].layers == nil)
    }

    @Test(
        "Autoencoders and evaluations can be named in several ways",
        arguments: [
            ("saes: folder", "evals: [core]"), ("saes: [folder]", "evals: {core: }"),
            ("saes: {path: folder}", "evals: {core: {}}"),
            ("saes: [{path: folder, match: ~}]", "evals: {core: null}"),
        ])
    func spellings(saes: String, evals: String) throws {
        let read = try configuration("model: m\noutput: o\n\(saes)\n\(evals)")
        #expect(read.saes.map(\.source) == [.path("folder")])
        #expect(read.evals.map(\.identifier) == ["core"])
    }

    @Test("A selection keeps its expression and layers")
    func selections() throws {
        let read = try configuration(
            "model: m\noutput: o\nevals: [core]\n"
                + "saes: [{path: f, match: 'a.*', layers: [1, 2]}, {path: g, layers: 3}]"
        )
        #expect(read.saes[0].match == "a.*")
        #expect(read.saes[0].layers == [1, 2])
        #expect(read.saes[1].layers == [3])
    }

    @Test("A selection may come from a repository of the hub, and is written as it was read")
    func repositories() throws {
        let text = """
            model: m
            output: o
            evals: [core]
            saes:
              - {repo: org/name}
              - {repo: org/name@v1, folder: a/b, match: 'x.*', layers: [3]}
            """
        let read = try configuration(text)
        let ids = [try HubID("org/name"), try HubID("org/name@v1")]
        #expect(
            read.saes.map(\.source) == [
                .repository(ids[0], folder: nil), .repository(ids[1], folder: "a/b"),
            ])
        let again = try configuration(try read.yaml())
        #expect(again.saes.map(\.source) == read.saes.map(\.source))
        #expect(again.saes.map(\.match) == [nil, "x.*"])
        #expect(again.saes.map(\.layers) == [nil, [3]])
    }

    @Test(
        "A selection that names no place, two places or a place outside is refused",
        arguments: [
            "{match: x}", "{path: a, repo: org/name}", "{path: a, folder: b}", "{folder: b}",
            "{repo: /etc}", "{repo: a/b/c}", "{repo: 7}", "{repo: org/name, folder: ../b}",
            "{repo: org/name, folder: /b}", "{repo: org/name, folder: 7}",
        ])
    func wrongPlaces(selection: String) throws {
        let error = try configurationError(
            "model: m\noutput: o\nevals: [core]\nsaes: [\(selection)]")
        #expect(error.code == .badConfig)
        #expect(error.message.contains("`saes"))
    }

    @Test(
        "An unknown key is named with the nearest known one",
        arguments: [
            ("modle: a", "modle", "model"), ("sae: a", "sae", "saes"),
            ("memory_gb: 3", "memory_gb", "memory_gib"),
            ("dataset: {}", "dataset", "datasets"), ("eval: []", "eval", "evals"),
        ])
    func unknownKeys(line: String, key: String, nearest: String) throws {
        let error = try configurationError("\(shortest)\n\(line)")
        #expect(error.code == .unknownKey)
        #expect(error.message.contains("`\(key)`"))
        #expect(error.advice?.hasPrefix("`\(nearest)`") == true)
    }

    @Test("An unknown key of a selection is named")
    func unknownSelectionKey() throws {
        let error = try configurationError(
            "model: m\noutput: o\nevals: [core]\nsaes: [{path: f, layer: 1}]")
        #expect(error.code == .unknownKey)
        #expect(error.message.contains("saes.layer"))
        #expect(error.advice?.hasPrefix("`layers`") == true)
    }

    @Test(
        "A missing key is named with a way to give it",
        arguments: ["model", "saes", "evals", "output"])
    func missingKeys(key: String) throws {
        let lines = shortest.split(separator: "\n").filter { !$0.hasPrefix(key) }
        let error = try configurationError(lines.joined(separator: "\n"))
        #expect(error.code == .missingKey)
        #expect(error.message.contains("`\(key)`"))
        #expect(error.advice?.contains("--\(key)") == true)
    }

    @Test(
        "A value of the wrong type or range is named with its key",
        arguments: [
            ("model", "5"), ("model", "[a]"), ("model", "''"), ("dtype", "float64"),
            ("dtype", "32"), ("device", "gpu"),
            ("output", "true"), ("artifacts", "7"), ("streams", "none"), ("seed", "-1"),
            ("seed", "1.5"),
            ("seed", "'1'"), ("seed", "a"),
            ("threads", "0"), ("threads", "two"), ("memory_gib", "0"), ("memory_gib", "-2"),
            ("disk_gib", "0"), ("disk_gib", "much"), ("activations", "maybe"),
            ("memory_gib", ".inf"),
            ("memory_gib", "+inf"), ("saes", "[]"), ("saes", "5"), ("saes", "[5]"),
            ("saes", "[{match: a}]"),
            ("saes", "[{path: a, match: '('}]"), ("saes", "[{path: a, match: 5}]"),
            ("saes", "[{path: a, layers: [a]}]"),
            ("saes", "[{path: a, layers: 1.5}]"), ("evals", "core"), ("evals", "{}"),
            ("evals", "[5]"),
            ("datasets", "[a]"), ("datasets", "{a: 5}"), ("datasets", "text"),
        ])
    func wrongValues(key: String, value: String) throws {
        let lines = shortest.split(separator: "\n").filter { !$0.hasPrefix(key + ":") }
        let error = try configurationError(lines.joined(separator: "\n") + "\n\(key): \(value)\n")
        #expect(error.code == .badConfig)
        #expect(error.message.contains("`\(key)"))
        #expect(error.advice != nil)
    }

    @Test("A value that the environment gave wrongly is blamed on it")
    func blame() throws {
        let error = try configurationError(environment: ["SAEVAL_THREADS": "many"])
        #expect(error.message.contains("SAEVAL_THREADS"))
    }

    @Test("A config that is no list of keys is refused", arguments: ["- a", "text", "5"])
    func noKeys(text: String) throws { #expect(try configurationError(text).code == .badConfig) }

    @Test("An empty config lacks its keys", arguments: ["", "\n", "# nothing", "null", "---"])
    func empty(text: String) throws { #expect(try configurationError(text).code == .missingKey) }

    /// Values that a careless writer of YAML would change.
    static let delicate = [
        "plain", "12", "1.5", "1e3", "true", "null", "~", "", " led", "trailed ", "a: b", "- a",
        "# a", "'quoted'",
        "\"", "a\nb", "a\n", "\t", "é😀", "*a", "&a", "!a", "{a}", "[a]", "a, b", "%", "@a", "`",
        "0x10", ".5", "+1",
        "yes", "No", "2024-01-01", "=", "<<", "\u{7F}", "\\n", "|", ">", "?", "-",
    ]

    @Test("A resolved config reads as the same tree, whatever its texts are", arguments: delicate)
    func roundTrip(text: String) throws {
        let tree: JSON = .object([
            "model": .string("m" + text), "dtype": .string("bfloat16"), "device": .string("cpu"),
            "saes": .array([
                .object(["path": .string(text), "layers": .array([.integer(0), .integer(7)])]),
                .object(["path": .string("b"), "match": .string("a.*")]),
            ]),
            "evals": .object([
                "core": .object(["dataset": .string(text), "context_size": .integer(64)])
            ]),
            "datasets": .object([JSONMember(key: "k" + text, value: .string(text))]),
            "output": .string("o" + text), "artifacts": .string("artifacts"), "seed": .integer(0),
            "streams": .string("upstream"),
            "activations": .string("store"), "threads": .integer(2), "memory_gib": .number(0.1),
            "disk_gib": .number(2.5),
        ])
        // A home folder of this name leaves the path `~` as it is.
        let home: (String) -> String? = { $0 == "HOME" ? "~" : nil }
        let read = try RunConfiguration(
            tree: tree, source: "a test", origins: [], environment: home)
        let yaml = try read.yaml()
        let again = try RunConfiguration(
            tree: try parseYAML(yaml, source: "a test"), source: "a test", origins: [],
            environment: home)
        #expect(again.tree.text() == tree.text())
        #expect(try again.yaml() == yaml)
    }
}
