import Basics
import Formats
import Hub
import Testing

@testable import Plans
@testable import Provisioning

/// A listing of files of one byte.
private func listing(_ paths: [String], id: String = "org/name") throws -> HubListing {
    HubListing(
        kind: .model, id: try HubID(id), commit: String(repeating: "a", count: 40),
        files: paths.map { HubFile(path: $0, byteCount: 1, digest: .gitBlob("b")) })
}

@Suite("What a config needs from the hub")
struct HubNeedTests {
    @Test("A model needs config, tokenizer and weights, and nothing else of its repository")
    func model() throws {
        let paths = [
            "README.md", "config.json", "flax_model.msgpack", "generation_config.json",
            "merges.txt", "model.safetensors", "onnx/config.json", "pytorch_model.bin",
            "tokenizer.json", "tokenizer_config.json", "vocab.json",
        ]
        let files = try ModelFiles.needed(in: listing(paths)) { _ in
            throw RunError(.missing, "no index is needed")
        }
        #expect(
            files.map(\.path).sorted() == [
                "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                "tokenizer_config.json",
            ])
        let older = try ModelFiles.needed(
            in: listing(paths.filter { $0 != "tokenizer.json" })
        ) { _ in [] }
        #expect(Set(older.map(\.path)).isSuperset(of: ["vocab.json", "merges.txt"]))
    }

    /// An index of two shards.
    private static let index = """
        {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}
        """

    @Test("A model in shards needs those that its index names")
    func shards() throws {
        let paths = [
            "config.json", "consolidated.safetensors", "model-1.safetensors", "model-2.safetensors",
            "model-3.safetensors", "model.safetensors.index.json", "tokenizer.json",
        ]
        let files = try ModelFiles.needed(in: listing(paths)) { file in
            #expect(file.path == "model.safetensors.index.json")
            return Array(Self.index.utf8)
        }
        #expect(
            files.map(\.path).sorted()
                == paths.filter { !$0.contains("consolidated") && !$0.contains("-3") })
        let lacking = try listing(paths.filter { $0 != "model-2.safetensors" })
        let error = #expect(throws: RunError.self) {
            try ModelFiles.needed(in: lacking) { _ in Array(Self.index.utf8) }
        }
        #expect(error?.message.contains("model-2.safetensors") == true)
        #expect(throws: FormatError.self) {
            try ModelFiles.needed(in: listing(paths)) { _ in
                Array("{\"weight_map\": {\"a\": \"../x\"}}".utf8)
            }
        }
    }

    @Test(
        "A repository that is no model with safetensors is refused",
        arguments: [["README.md"], ["config.json", "pytorch_model.bin"]])
    func noModel(paths: [String]) throws {
        let error = #expect(throws: RunError.self) {
            try ModelFiles.needed(in: listing(paths)) { _ in [] }
        }
        #expect(error?.code == .unsuitable)
    }

    @Test("A snapshot that is not whole is told by the first file that is missing")
    func wholeness() throws {
        let folder = try TemporaryFolder()
        var seen: [String?] = []
        for (name, text) in [
            ("config.json", "{}"), ("tokenizer.json", "{}"),
            ("model.safetensors.index.json", Self.index), ("model-1.safetensors", ""),
            ("model-2.safetensors", ""),
        ] {
            seen.append(ModelFiles.missing(in: folder.path))
            _ = try folder.write(text, to: name)
        }
        #expect(
            seen == [
                "config.json", "tokenizer.json", "model.safetensors", "model-1.safetensors",
                "model-2.safetensors",
            ])
        #expect(ModelFiles.missing(in: folder.path) == nil)
    }

    /// A repository with three kinds of places.
    private static let repository = [
        "README.md", "cfg.json", "layer_1/topk/cfg.json", "layer_1/topk/notes.txt",
        "layer_1/topk/sae_weights.safetensors", "layer_1/relu/cfg.json",
        "layer_1/relu/sae_weights.safetensors", "layer_2/topk/checkpoints/final.safetensors",
        "layer_2/topk/hyperparams.json", "single/a.pt", "single/b.pt", "single/config.yaml",
    ]

    @Test(
        "A selection takes the folders whose names match, with what describes them",
        arguments: [
            (
                "name/layer_1/topk", nil,
                ["cfg.json", "layer_1/topk/cfg.json", "layer_1/topk/sae_weights.safetensors"]
            ),
            (
                "name/layer_2/topk", nil,
                [
                    "cfg.json", "layer_2/topk/checkpoints/final.safetensors",
                    "layer_2/topk/hyperparams.json",
                ]
            ),
            ("name/single/b.pt", nil, ["cfg.json", "single/b.pt", "single/config.yaml"]),
            (
                ".*relu", "layer_1",
                [
                    "cfg.json", "layer_1/relu/cfg.json", "layer_1/relu/sae_weights.safetensors",
                ]
            ),
            (nil, "single", ["cfg.json", "single/a.pt", "single/b.pt", "single/config.yaml"]),
            (nil, nil, repository.filter { !$0.hasSuffix(".md") && !$0.hasSuffix(".txt") }),
        ] as [(String?, String?, [String])])
    func autoencoders(match: String?, folder: String?, expected: [String]) throws {
        let files = try AutoencoderFiles(folder: folder, matches: match.map { [$0] } ?? []).needed(
            in: listing(Self.repository))
        #expect(files.map(\.path) == expected)
    }

    @Test("Of several expressions all must match")
    func severalExpressions() throws {
        let one = try AutoencoderFiles(folder: nil, matches: [".*layer_1.*"]).needed(
            in: listing(Self.repository))
        let both = try AutoencoderFiles(folder: nil, matches: [".*", ".*layer_1.*"]).needed(
            in: listing(Self.repository))
        #expect(both == one && !one.isEmpty)
        #expect(throws: RunError.self) {
            try AutoencoderFiles(folder: nil, matches: [".*layer_1.*", ".*layer_2.*"]).needed(
                in: listing(Self.repository))
        }
    }

    @Test("A selection that takes nothing is an error")
    func nothing() throws {
        for selection in [
            AutoencoderFiles(folder: "layer_1", matches: [".*layer_2.*"]),
            AutoencoderFiles(folder: "layer"),
            AutoencoderFiles(folder: nil, matches: ["topk"]),
        ] {
            let error = #expect(throws: RunError.self) {
                try selection.needed(in: listing(Self.repository))
            }
            #expect(error?.code == .unsuitable)
        }
    }

    @Test("Local folders and files need nothing, hub ids need their repositories")
    func needs() throws {
        let read = try configuration(
            """
            model: org/model@v1
            saes: [folder, {repo: org/saes, match: x}]
            evals: {core: {dataset: org/text}}
            datasets: {a: hf://datasets/org/d/f.jsonl, b: /local.jsonl}
            output: o
            match: y
            """)
        let needs = try read.hubNeeds()
        #expect(needs.map(\.purpose) == ["model", "autoencoders", "dataset a"])
        #expect(needs.map(\.id.text) == ["org/model@v1", "org/saes", "org/d"])
        #expect(needs.map(\.kind) == [.model, .model, .dataset])
        #expect(
            needs.map { "\($0.content)" } == [
                "model", "autoencoders(folder: nil, matches: [\"x\", \"y\"])",
                "patterns([\"f.jsonl\"])",
            ])
        #expect(read.unnamedDatasets() == ["org/text"])
        #expect(
            try configuration("model: /m\nsaes: f\nevals: [core]\noutput: o").hubNeeds().isEmpty)
    }
}
