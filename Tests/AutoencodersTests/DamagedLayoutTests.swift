import Basics
import Formats
import Glibc
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// Files of other layouts that lack something or ask for what is not computed.
struct DamagedLayoutTests {
    /// A copy of a fixture, its JSON changed.
    private func copy(
        _ place: String, _ files: [String], to folder: TemporaryFolder,
        changing file: String? = nil, _ old: String = "", _ new: String = ""
    ) throws -> String {
        for name in files {
            try folder.copy(
                "\(LayoutTests.folder)/\(place)/\(name)", to: "set/sae/\(name)")
        }
        if let file {
            let path = "\(folder.path)/set/sae/\(file)"
            let text = String(decoding: try readFile(path), as: UTF8.self)
            let changed = text.replacing(old, with: new)
            #expect(changed != text)
            try writeFile(Array(changed.utf8), to: path)
        }
        return "\(folder.path)/set/sae"
    }

    private static let dictionary = ["ae.pt", "config.json"]

    @Test(
        "Dictionaries whose configuration is wrong are refused with the remedy",
        arguments: [
            ("\"k\": 2", "\"k\": 3", "`k` = 2.0, but config.json says 3"),
            ("\"k\": 2", "\"k\": \"2\"", "expected an integer"),
            ("\"AutoEncoderTopK\"", "\"AutoEncoderTopq\"", "`AutoEncoderTopK`"),
            ("\"dict_class\"", "\"dict\"", "no `trainer.dict_class`"),
            ("\"trainer\"", "\"trained\"", "no object `trainer`"),
            ("\"dict_size\": 8", "\"dict_size\": 9", "expected [model, latents]"),
            ("\"dict_size\": 8", "\"dict_size\": 0", "expected 1 to"),
            ("\"layer\"", "\"submodule_name\": \"mlp_4\", \"layer\"", "which hook"),
            ("\"layer\"", "\"lay\"", "hook: blocks.12.hook_resid_post"),
            ("\"lm_name\"", "\"lm\"", "model: google/gemma-2-2b"),
            ("\"dict_class\": \"AutoEncoderTopK\"", "\"dict_class\": \"AutoEncoder\"", "`bias`"),
        ])
    func dictionaries(old: String, new: String, words: String) throws {
        let folder = try TemporaryFolder()
        let path = try copy(
            "vectors/AutoEncoderTopK", Self.dictionary, to: folder, changing: "config.json", old,
            new)
        #expect { try load(path, folding: true) } throws: {
            let message = "\($0)".replacing("[latents, model]", with: "[model, latents]")
            return message.contains(words)
        }
    }

    @Test("A sae.yaml supplies the hook of a dictionary from another place")
    func otherPlace() throws {
        let folder = try TemporaryFolder()
        let path = try copy(
            "vectors/AutoEncoderTopK", Self.dictionary, to: folder, changing: "config.json",
            "\"layer\"", "\"submodule_name\": \"mlp_4\", \"layer\"")
        try folder.write("hook: blocks.0.hook_mlp_out\n", to: "set/sae/sae.yaml")
        let description = try load(path).description
        #expect(description.hookName == "blocks.0.hook_mlp_out")
        #expect(description.modelName == "tiny")
    }

    @Test("A BatchTopK dictionary without a threshold is refused, and the reason said")
    func noThreshold() throws {
        let folder = try TemporaryFolder()
        let path = try copy("vectors/BatchTopKSAE", Self.dictionary, to: folder)
        var bytes = try readFile("\(path)/ae.pt")
        let stored = withUnsafeBytes(of: Float(0.9)) { [UInt8]($0) }
        let place = try #require(
            (0..<bytes.count - 4).first { Array(bytes[$0..<$0 + 4]) == stored })
        bytes.replaceSubrange(
            place..<place + 4, with: withUnsafeBytes(of: Float(-1)) { [UInt8]($0) })
        // The checksum no longer agrees, which writers may leave out as 0.
        try clearChecksums(&bytes)
        try writeFile(bytes, to: "\(path)/ae.pt")
        #expect { try load(path) } throws: {
            "\($0)".contains("`threshold` = -1.0") && "\($0)".contains("threshold_start_step")
        }
    }

    @Test("Gemma Scope outside a repository says what to write where, and then loads")
    func gemmaScope() throws {
        let folder = try TemporaryFolder()
        let place =
            "models--google--gemma-scope-2b-pt-res/snapshots/0/layer_3/width_16k/average_l0_5"
        let path = try copy(place, ["params.npz"], to: folder)
        #expect { try findAutoencoders(under: path) } throws: {
            "\($0)".contains("layout: gemma_scope") && "\($0)".contains("sae.yaml")
        }
        try folder.write(
            "layout: gemma_scope\nhook: blocks.3.hook_mlp_out\nmodel: mine\n",
            to: "set/sae/sae.yaml")
        let description = try load(path, folding: true).description
        #expect(description.hookName == "blocks.3.hook_mlp_out")
        #expect(description.modelName == "mine")
        #expect(description.modelSize == 8 && description.latents == 24)
    }

    @Test(
        "Counts of latents that no memory holds are refused",
        arguments: [
            (
                "vectors/BatchTopKSAE", ["ae.pt", "config.json"], "\"dict_size\": 8",
                "\"dict_size\": "
            ),
            (
                "Llama3_1-8B-Base-LXR-8x/Llama3_1-8B-Base-L3R-8x",
                ["checkpoints/final.safetensors", "hyperparams.json"], "\"d_sae\": 24",
                "\"d_sae\": "
            ),
        ], [2_147_483_647, 1 << 62])
    func hugeCounts(specimen: (String, [String], String, String), count: Int) throws {
        let folder = try TemporaryFolder()
        let path = try copy(
            specimen.0, specimen.1, to: folder, changing: specimen.1[1], specimen.2,
            "\(specimen.3)\(count)")
        #expect(throws: AutoencoderError.self) { try load(path) }
    }

    @Test("A sae.yaml supplies what a configuration of SAELens lacks")
    func saeLens() throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("scaled-standard", to: "set/sae")
        let path = "\(folder.path)/set/sae/cfg.json"
        let whole = try JSON(file: path)
        let left = (whole.members ?? []).filter { $0.key != "norm_scaling_factor" }
        let metadata = (whole["metadata"]?.members ?? []).filter { $0.key != "hook_name" }
        let lacking = JSON.object(left).setting("metadata", to: .object(metadata))
        try writeFile(Array(lacking.text().utf8), to: path)
        #expect { try load("\(folder.path)/set/sae") } throws: { "\($0)".contains("names no hook") }
        try folder.write(
            "hook: blocks.3.hook_resid_post\nnorm_scaling_factor: 0.37\n", to: "set/sae/sae.yaml")
        let autoencoder = try load("\(folder.path)/set/sae", folding: true)
        let expected = try SafetensorsFile(path: "\(fixtures)/expected/scaled-standard.safetensors")
        let codes = try autoencoder.encode(try expected.tensor("x"), on: ReferenceBackend())
        expectClose(dense(codes), try expected.tensor("encode_folded").values, "encode")
        #expect(autoencoder.description.hookName == "blocks.3.hook_resid_post")
    }

    @Test("Transcoders of Gemma Scope are refused by name")
    func gemmaScopeKinds() throws {
        let source =
            "models--google--gemma-scope-2b-pt-res/snapshots/0/layer_3/width_16k/average_l0_5"
        let place = "gemma-scope-2b-pt-transcoders/layer_3/width_16k/average_l0_5"
        let folder = try TemporaryFolder()
        try folder.copy("\(LayoutTests.folder)/\(source)/params.npz", to: "\(place)/params.npz")
        #expect { try findAutoencoders(under: folder.path) } throws: {
            ($0 as? AutoencoderError)?.code == .unsupported && "\($0)".contains("transcoder")
        }
    }

    @Test("An autoencoder of Gemma Scope for embeddings takes the hook of embeddings")
    func embeddings() throws {
        let folder = try TemporaryFolder()
        let place = "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6"
        try folder.copy("\(fixtures)/published/embedding/params.npz", to: "\(place)/params.npz")
        let autoencoder = try load("\(folder.path)/\(place)", folding: true)
        #expect(autoencoder.description.hookName == "hook_embed")
        // The published numbers are compared in `PublishedCacheTests`; a decoder of a factor keeps
        // its bias.
        let codes = SparseCodes(latents: 24, rowStarts: [0, 0])
        let x = Tensor(zeros: [1, 8])
        let bias = try NumpyArchive(path: "\(folder.path)/\(place)/params.npz").tensor("b_dec")
        expectClose(
            try autoencoder.decode(codes, of: x, on: ReferenceBackend()).values, bias.values, "bias"
        )
    }

    @Test(
        "Settings of sparsify that are not computed are refused by name",
        arguments: [
            ("\"topk\"", "\"groupmax\"", "groupmax"),
            ("\"transcode\": false", "\"transcode\": true", "`transcode`"),
            ("\"skip_connection\": false", "\"skip_connection\": true", "`skip_connection`"),
            ("\"k\": 5", "\"k\": 0", "`k` is 0"), ("\"k\": 5", "\"k\": 25", "1 to 24"),
            ("\"d_in\": 8", "\"d_in\": 4611686018427387904", "overflows"),
        ])
    func sparsify(old: String, new: String, words: String) throws {
        let folder = try TemporaryFolder()
        let path = try copy(
            "sae-tiny-8x/layers.3", ["cfg.json", "sae.safetensors"], to: folder,
            changing: "cfg.json", old, new)
        try folder.write(
            "layout: sparsify\nhook: blocks.3.hook_resid_post\nmodel: mine\n",
            to: "set/sae/sae.yaml")
        #expect { try load(path) } throws: { "\($0)".contains(words) }
    }

    @Test(
        "A decoder that SAE Bench would refuse is computed with a note",
        arguments: [
            ("AutoEncoderTopK", true), ("JumpReluAutoEncoder", true), ("AutoEncoder", false),
        ])
    func decoderNorms(dictionaryClass: String, isNoted: Bool) throws {
        let folder = try TemporaryFolder()
        let path = try copy("vectors/\(dictionaryClass)", Self.dictionary, to: folder)
        #expect(try load(path, folding: true).description.notes.isEmpty)
        // Twice the decoder's first element, wherever its bits stand in the file.
        var bytes = try readFile("\(path)/ae.pt")
        let file = try TorchFile(path: "\(path)/ae.pt")
        let name = file.tensorNames.first { $0 == "decoder.weight" || $0 == "W_dec" } ?? ""
        let value = try file.tensor(name).value(at: 0)
        let stored = withUnsafeBytes(of: value) { [UInt8]($0) }
        for place in 0..<bytes.count - 4 where Array(bytes[place..<place + 4]) == stored {
            bytes.replaceSubrange(
                place..<place + 4, with: withUnsafeBytes(of: 2 * value) { [UInt8]($0) })
        }
        try clearChecksums(&bytes)
        try writeFile(bytes, to: "\(path)/ae.pt")
        let notes = try load(path, folding: true).description.notes
        #expect(notes.contains { $0.contains("SAE Bench refuses") } == isNoted)
    }

    /// Sets the checksums of all members in the directory of a ZIP archive to 0.
    private func clearChecksums(_ bytes: inout [UInt8]) throws {
        for place in 0..<bytes.count - 46
        where bytes[place..<place + 4].elementsEqual([0x50, 0x4B, 1, 2]) {
            let start = Int(bytes[place + 28]) | Int(bytes[place + 29]) << 8
            let name = String(decoding: bytes[place + 46..<place + 46 + start], as: UTF8.self)
            if !name.contains("/data/") { continue }
            for offset in 16..<20 { bytes[place + offset] = 0 }
        }
    }
}
