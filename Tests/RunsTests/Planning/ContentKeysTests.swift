import Autoencoders
import Basics
import EvalKit
import LanguageModels
import Tensors
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

struct ContentKeysTests {
    /// Every input of a partial result's key.
    struct PartialInputs {
        var evaluation = RunPlan.EvaluationPlan(identifier: "core", settings: "{\"a\": 1}")
        var unit = "{\"sparsity\":[0,1]}"
        var activations = [ContentHash.of("x"), ContentHash.of("y")]
        var model = ContentHash.of("m")
        var subject: Subject? = Subject(reference: toyReference(), key: ContentHash.of("sae"))
        var hook = HookPoint(layer: 0, site: .residPost)
        var specialTokens: [Int32] = [0, 1]
        var streams = RandomStreams.independent
        var backend = "cpu"

        var key: ContentHash {
            ContentKeys.partial(
                evaluation: evaluation, unit: unit, activations: activations, model: model,
                subject: subject, hook: hook,
                specialTokens: specialTokens, streams: streams, backend: backend)
        }
    }

    @Test("The key of a partial result differs when any single input does")
    func partial() {
        let changes: [(inout PartialInputs) -> Void] = [
            { _ in }, { $0.evaluation.identifier = "scr" },
            { $0.evaluation.settings = "{\"a\": 2}" },
            { $0.unit = "{\"sparsity\":[0,2]}" }, { $0.activations = [] },
            { $0.activations.removeLast() },
            { $0.activations.reverse() }, { $0.model = ContentHash.of("n") },
            { $0.subject?.key = ContentHash.of("n") }, { $0.subject = nil },
            { $0.hook = HookPoint(layer: 1, site: .residPost) },
            { $0.specialTokens = [0] },
            { $0.specialTokens = [] }, { $0.specialTokens = [0, 12] }, { $0.backend = "reference" },
            { $0.streams = .upstream },
        ]
        let keys = changes.map { change in
            var inputs = PartialInputs()
            change(&inputs)
            return inputs.key
        }
        #expect(Set(keys).count == changes.count)
        #expect(PartialInputs().key == keys[0])
    }

    @Test("The name and place of an autoencoder do not change its key")
    func names() {
        var inputs = PartialInputs()
        inputs.subject?.reference.release = "other"
        inputs.subject?.reference.path = "/elsewhere"
        #expect(inputs.key == PartialInputs().key)
    }

    @Test("The key of activations differs when any single input does")
    func activations() {
        let (model, rows) = (ContentHash.of("m"), ContentHash.of("r"))
        let hook = HookPoint(layer: 1, site: .residPost)
        let key = {
            (
                model: ContentHash, rows: ContentHash, hook: HookPoint, type: ElementType,
                backend: String
            ) in
            ContentKeys.activations(
                model: model, rows: rows, hook: hook, type: type, backend: backend)
        }
        let keys = [
            key(model, rows, hook, .float32, "cpu"), key(rows, rows, hook, .float32, "cpu"),
            key(model, model, hook, .float32, "cpu"), key(rows, model, hook, .float32, "cpu"),
            key(model, rows, HookPoint(layer: 2, site: .residPost), .float32, "cpu"),
            key(model, rows, HookPoint(layer: 1, site: .residPre), .float32, "cpu"),
            key(model, rows, hook, .bfloat16, "cpu"), key(model, rows, hook, .float32, "reference"),
        ]
        #expect(Set(keys).count == keys.count)
    }

    @Test(
        "The key of rows differs with dataset, tokenizer files and shape, not with names of folders"
    )
    func rows() throws {
        let folder = try TemporaryFolder()
        let data = try folder.write("{\"text\": \"a\"}", to: "d.jsonl")
        _ = try folder.write("{}", to: "tokenizer.json")
        let key = { (size: Int, rows: Int, bos: Bool) in
            try ContentKeys.rows(dataset: data, tokenizer: folder.path, request: (size, rows, bos))
        }
        var keys = [
            try key(8, 2, true), try key(8, 2, false), try key(2, 8, true), try key(8, 3, true),
        ]
        let files = [
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
            "added_tokens.json", "config.json", "vocab.json", "merges.txt",
        ]
        for name in files {
            _ = try folder.write("{\"changed\": 1}", to: name)
            keys.append(try key(8, 2, true))
        }
        _ = try folder.write("{\"text\": \"b\"}", to: "d.jsonl")
        keys.append(try key(8, 2, true))
        #expect(Set(keys).count == 12)
        let other = try TemporaryFolder()
        for name in files {
            _ = try other.write("{\"changed\": 1}", to: name)
        }
        let copy = try other.write("{\"text\": \"b\"}", to: "another name.jsonl")
        #expect(
            try ContentKeys.rows(dataset: copy, tokenizer: other.path, request: (8, 2, true))
                == keys.last)
    }

    @Test("The key of a model differs with its config and with any weight file")
    func model() throws {
        let folder = try TemporaryFolder()
        let files = ["a.safetensors", "b.safetensors"]
        for name in files + ["config.json"] { _ = try folder.write("1", to: name) }
        let key = { (files: [String]) in
            try ContentKeys.model(folder: folder.path, files: files.map { "\(folder.path)/\($0)" })
        }
        var keys = [try key(files), try key([files[0]])]
        for name in files + ["config.json"] {
            _ = try folder.write("2", to: name)
            keys.append(try key(files))
        }
        #expect(Set(keys).count == 5)
    }
}
