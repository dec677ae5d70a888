import Basics
import Formats
import Glibc
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// The entry of a name.
func publishedEntry(_ release: String, _ id: String) throws -> PublishedAutoencoder {
    try #require(PublishedAutoencoders.all.first { $0.release == release && $0.id == id })
}

/// A cache of the Hugging Face tools in a folder of its own.
final class FakeHub {
    /// Where it lies.
    let folder: TemporaryFolder
    /// The cache.
    var cache: HubCache { HubCache(folder: folder.path) }

    init() throws { folder = try TemporaryFolder() }

    /// The folder of a repository's snapshot.
    func snapshot(_ repository: String) -> String {
        "models--\(repository.replacing("/", with: "--"))/snapshots/abc123"
    }

    /// Puts files of a folder of fixtures where an entry has its own, all that it needs and no more.
    func add(_ entry: PublishedAutoencoder, from fixture: String) throws {
        let repository = "models--\(entry.repository.replacing("/", with: "--"))"
        try folder.write("abc123", to: "\(repository)/refs/main")
        for file in entry.files + entry.optionalFiles {
            let name = file.replacing("\(entry.path)/", with: "")
            let source = "\(fixtures)/\(fixture)/\(name)"
            guard fileExists(source) else { continue }
            let target = "\(folder.path)/\(snapshot(entry.repository))/\(file)"
            try makeFolder(parentFolder(of: target))
            try writeFile(try readFile(source), to: target)
        }
    }
}

/// Autoencoders that SAELens loaded under names of the directory, and what came out.
private struct Load: Sendable, CustomTestStringConvertible {
    let release: String
    let id: String
    let folder: String
    let decoded: [Float]
    let configuration: JSON

    var testDescription: String { "\(release)/\(id)" }

    /// The file of the fixture.
    private static let file: JSON =
        (try? JSON(file: "\(parentFolder(of: fixtures))/directory/loads.json")) ?? .null
    /// The activations that were encoded.
    static let rows: [Float] = floats(file["rows"])
    /// All of them.
    static let all: [Load] = (file["loads"]?.elements ?? []).map { entry in
        Load(
            release: entry["release"]?.text ?? "", id: entry["id"]?.text ?? "",
            folder: entry["folder"]?.text ?? "", decoded: floats(entry["decoded"]),
            configuration: entry["sae_cfg_dict"] ?? .null)
    }

    /// The numbers of an array.
    private static func floats(_ json: JSON?) -> [Float] {
        (json?.elements ?? []).compactMap { $0.double.map { Float($0) } }
    }
}

extension JSON {
    /// The same value with the keys of objects sorted.
    fileprivate var sorted: JSON {
        switch self {
        case .object(let members):
            .object(
                members.map { JSONMember(key: $0.key, value: $0.value.sorted) }
                    .sorted { $0.key < $1.key })
        case .array(let elements): .array(elements.map(\.sorted))
        default: self
        }
    }
}

struct PublishedCacheTests {
    @Test(
        "By a name of the directory an autoencoder loads as SAELens loads it", arguments: Load.all)
    fileprivate func load(_ load: Load) throws {
        let hub = try FakeHub()
        let entry = try publishedEntry(load.release, load.id)
        #expect(throws: AutoencoderError.self) { try entry.reference(in: hub.cache) }
        try hub.add(entry, from: load.folder)
        let reference = try entry.reference(in: hub.cache)
        #expect(reference.release == load.release && reference.id == load.id)
        // SAE Bench finds no layer in the hook of embeddings.
        if !load.configuration.isNull {
            #expect(
                reference.configuration(type: "float32").sorted.text()
                    == load.configuration.sorted.text())
        }
        let backend = ReferenceBackend()
        let x = Tensor(Load.rows, shape: [2, 8])
        let loaded = try loadAutoencoder(reference)
        let decoded = try loaded.decode(loaded.encode(x, on: backend), of: x, on: backend)
        #expect(load.decoded.count == 16)
        expectClose(decoded.values, load.decoded, "\(load.testDescription)")
        #expect(loaded.description.notes.suffix(reference.notes.count) == reference.notes[...])
    }

    @Test(
        "What SAELens passes over in a published file is loaded with a note on each",
        arguments: [
            (
                "llama-scope-r1",
                [
                    "`a_key_of_tomorrow`", "`use_glu_encoder`", "`hook_point_out`", "`act_fn`",
                    "`encoder_glu.bias`", "sparsity_include_decoder_norm",
                ]
            ),
            (
                "llama-scope",
                [
                    "`act_fn`", "`norm_activation`", "`apply_decoder_bias_to_pre_encoder`",
                    "`dataset_average_activation_norm.blocks.3.hook_resid_post`",
                ]
            ),
            ("topk", ["`trainer.a_key_of_tomorrow`", "`more`", "`steps`", "`best`"]),
            ("batch-topk-unset", ["`steps`"]), ("jumprelu", ["`log`"]),
            ("gemma-scope-2", ["`type`", "`hf_hook_point_out`", "`more`", "`w_more`"]),
            ("gemma-scope-2-transcoder", ["`w_more`"]), ("qwen", ["`scale`", "`step`"]),
            ("deepseek", ["`scale`", "`step`"]), ("goodfire", ["`scale`", "`step`"]),
            ("embedding", []),
        ])
    func passedOver(folder: String, names: [String]) throws {
        let load = try #require(Load.all.first { $0.folder == "published/\(folder)" })
        let hub = try FakeHub()
        let entry = try publishedEntry(load.release, load.id)
        try hub.add(entry, from: load.folder)
        let notes = try entry.reference(in: hub.cache).notes
        for name in names { #expect(notes.contains { $0.contains(name) }, "\(name): \(notes)") }
        #expect(notes.allSatisfy { $0.hasSuffix(".") } && notes.isEmpty == names.isEmpty)
        #expect(Set(notes).count == notes.count)
    }

    @Test(
        "What SAELens takes for relu or leaves unscaled is refused in one's own files alone",
        arguments: [
            ("activation_fn_str", JSON.string("tanh-relu"), "tanh-relu"),
            ("normalize_activations", .bool(true), "factor"),
        ])
    func takenAsPublished(key: String, value: JSON, word: String) throws {
        let hub = try FakeHub()
        let entry = try publishedEntry("gpt2-small-res-jb", "blocks.11.hook_resid_post")
        try hub.add(entry, from: "tiny-res/v3")
        let path = "\(hub.folder.path)/\(hub.snapshot(entry.repository))/\(entry.path)"
        let plain = try loadAutoencoder(entry.reference(in: hub.cache))
        let json = try JSON(file: "\(path)/cfg.json").setting(key, to: value)
        try writeFile(Array(json.text().utf8), to: "\(path)/cfg.json")
        let reference = try entry.reference(in: hub.cache)
        #expect(reference.notes.count == 1 && reference.notes[0].contains(word))
        let x = Tensor(Load.rows, shape: [2, 8])
        let loaded = try loadAutoencoder(reference)
        let backend = ReferenceBackend()
        #expect(try loaded.encode(x, on: backend).values == plain.encode(x, on: backend).values)
        #expect { _ = try loadAutoencoder(findAutoencoders(under: path)[0]) } throws: {
            "\($0)".contains(word)
        }
    }

    @Test("Files that SAELens and their owner's program compute differently have keys of both")
    func publishedForms() throws {
        let hub = try FakeHub()
        let entry = try publishedEntry("llama_scope_lxr_8x", "l3r_8x")
        let fixture = "layouts/Llama3_1-8B-Base-LXR-8x/Llama3_1-8B-Base-L3R-8x"
        try hub.add(entry, from: fixture)
        var published = try entry.reference(in: hub.cache)
        let key = try published.contentHash()
        published.facts.isPublished = false
        #expect(try published.contentHash() != key)
    }

    @Test("The fixture holds loads of several layouts")
    func loads() {
        let layouts = Set(Load.all.compactMap { try? publishedEntry($0.release, $0.id).layout })
        #expect(layouts.isSuperset(of: [.saeLens, .gemmaScope, .gemmaScope2, .dictionaryLearning]))
    }

    @Test("What is downloaded has a size, what is not says which files are missing")
    func downloaded() throws {
        let hub = try FakeHub()
        let entry = try publishedEntry("gpt2-small-res-jb", "blocks.8.hook_resid_pre")
        #expect(entry.storedBytes(in: hub.cache) == nil)
        #expect(entry.missingFiles(in: hub.cache) == entry.files)
        try hub.add(entry, from: "tiny-res/standard")
        let place = "\(hub.folder.path)/\(hub.snapshot(entry.repository))"
        let sizes = entry.files.compactMap { fileByteCount("\(place)/\($0)") }
        #expect(sizes.count == 2 && entry.storedBytes(in: hub.cache) == sizes.reduce(0, +))
        try hub.folder.write("x", to: "\(hub.snapshot(entry.repository))/\(entry.optionalFiles[0])")
        #expect(entry.storedBytes(in: hub.cache) == sizes.reduce(1, +))
        #expect(unlink("\(place)/\(entry.path)/cfg.json") == 0)
        #expect(entry.missingFiles(in: hub.cache) == ["\(entry.path)/cfg.json"])
        #expect(entry.storedBytes(in: hub.cache) == nil)
        let error = try #require(
            #expect(throws: AutoencoderError.self) { try entry.reference(in: hub.cache) })
        #expect(error.code == .missing)
        #expect(error.message.contains("lacks \(entry.path)/cfg.json"), "\(error)")
        #expect(error.advice?.contains("saeval fetch") == true, "\(error)")
    }

    @Test("Overrides that change numbers change the content key, labels do not")
    func contentKeys() throws {
        let hub = try FakeHub()
        let names = [
            ("pythia-70m-deduped-res-sm", "blocks.3.hook_resid_post"),
            ("gemma-2b-it-res-jb", "blocks.12.hook_resid_post"),
            ("mistral-7b-res-wg", "blocks.8.hook_resid_pre"),
        ]
        let keys = try names.map { release, id in
            let entry = try publishedEntry(release, id)
            try hub.add(entry, from: "tiny-res/standard")
            return try entry.reference(in: hub.cache).contentHash()
        }
        #expect(keys[0] == keys[1])
        #expect(keys[0] != keys[2])
        let plain = try #require(try findAutoencoders(under: "\(fixtures)/tiny-res/standard").first)
        #expect(try plain.contentHash() == keys[0])
    }

    @Test("A survey keeps the order given and lists what is not there by its name")
    func survey() throws {
        let hub = try FakeHub()
        let entries = try PublishedAutoencoders.matching(
            release: "pythia-70m-deduped-res-sm", id: ".*resid_post")
        try hub.add(entries[3], from: "tiny-res/standard")
        try hub.add(entries[1], from: "tiny-res/topk")
        let survey = PublishedAutoencoders.survey(
            of: [entries[3], entries[0], entries[1]], in: hub.cache)
        #expect(survey.found.map(\.id) == [entries[3].id, entries[1].id])
        #expect(survey.unread.map(\.path) == [entries[0].name])
        #expect(survey.unread.first?.error != nil)
    }

    @Test("A layout that is not read is refused by its name")
    func unread() throws {
        let hub = try FakeHub()
        let entry = try publishedEntry("mwhanna-qwen3-4b-transcoders", "layer_7")
        for file in entry.files {
            try hub.folder.write("x", to: "\(hub.snapshot(entry.repository))/\(file)")
        }
        try hub.folder.write("abc123", to: "models--mwhanna--qwen3-4b-transcoders/refs/main")
        #expect(entry.storedBytes(in: hub.cache) == 1)
        let error = try #require(
            #expect(throws: AutoencoderError.self) { try entry.reference(in: hub.cache) })
        #expect(error.code == .unsupported)
        #expect(error.message.contains("`mwhanna_transcoder`"), "\(error)")
    }

    @Test(
        "Each layout has its files where its loader looks for them",
        arguments: [
            (
                "llama_scope_lxr_8x", "l3r_8x",
                ["hyperparams.json", "checkpoints/final.safetensors"]
            ),
            (
                "gpt2-small-hook-z-kk", "blocks.9.hook_z",
                ["_rie25000_nr4_v9.pt", "_rie25000_nr4_v9_cfg.json"]
            ),
            ("gemma-scope-2b-pt-res", "layer_5/width_16k/average_l0_34", ["34/params.npz"]),
            ("qwen-scope-3.5-27b-w80k-l50", "layer63", ["layer63.sae.pt"]),
            ("goodfire-llama-3.1-8b-instruct", "layer_19", ["-SAE-l19.pth"]),
            (
                "temporal-sae-gemma-2-2b", "blocks.12.hook_resid_post",
                ["temporal/conf.yaml", "temporal/latest_ckpt.safetensors"]
            ),
        ])
    func files(release: String, id: String, endings: [String]) throws {
        let files = try publishedEntry(release, id).files
        #expect(files.count == endings.count)
        #expect(zip(files, endings).allSatisfy { $0.hasSuffix($1) }, "\(files)")
    }
}
