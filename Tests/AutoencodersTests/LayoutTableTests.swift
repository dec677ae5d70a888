import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// The tables of keys and tensors by layout.
struct LayoutTableTests {
    /// A row of a table.
    struct Case: Sendable, CustomTestStringConvertible {
        let table: LayoutTable
        let row: KeyRow
        var testDescription: String { "\(table.testDescription) \(row.testDescription)" }
    }

    /// Every row of every table.
    static let cases = LayoutTable.all.flatMap { table in
        table.rows.map { Case(table: table, row: $0) }
    }

    /// What the fixtures give as they are.
    private static let baselines: [String: String] = Dictionary(
        uniqueKeysWithValues: LayoutTable.all.map {
            ($0.testDescription, (try? $0.signature(changing: [])) ?? "unread")
        })

    @Test("A key is computed, plays no part or is refused by its name", arguments: cases)
    func keys(_ row: Case) throws {
        let baseline = try #require(Self.baselines[row.table.testDescription])
        #expect(baseline != "unread")
        let outcome = Result { try row.table.signature(changing: [row.row]) }
        switch (row.row.role, outcome) {
        case (.inert, .success(let signature)): #expect(signature == baseline)
        case (.computed, .success(let signature)): #expect(signature != baseline)
        case (.computed, .failure(let error)):
            #expect(
                (error as? AutoencoderError).map { [.shape, .missing].contains($0.code) } == true,
                "\(error)")
        case (.refused, .failure(let error)):
            // `use_decoder_bias: false` leaves a tensor that nobody reads.
            let names = [row.row.key, row.row.key.contains("bias") ? "decoder.bias" : "", "b_D"]
            let text = "\(error)"
            #expect(
                names.contains { !$0.isEmpty && text.contains("`\($0)`") }
                    || row.row.key == "act_fn" && text.contains("`log_jumprelu_threshold`")
                    || row.row.key == "architecture" && text.contains("architecture \"topk\""),
                "\(error)")
        case (.inert, .failure(let error)): Issue.record("\(error)")
        case (.refused, .success): Issue.record("\(row) was not refused")
        }
    }

    @Test("A table has every key that its layout knows", arguments: LayoutTable.all)
    func complete(table: LayoutTable) { #expect(table.keys == table.known) }

    @Test(
        "A key that no version knows is refused, and `ignore` of a sae.yaml lets it pass",
        arguments: LayoutTable.all)
    func unknown(table: LayoutTable) throws {
        let row = KeyRow("a_key_of_tomorrow", .integer(1), .refused)
        #expect { try table.signature(changing: [row]) } throws: {
            "\($0)".contains("a_key_of_tomorrow`")
                && "\($0)".contains("ignore: [a_key_of_tomorrow]")
        }
        let folder = try TemporaryFolder()
        for file in table.files where file != "sae.yaml" {
            try folder.copy(
                "\(LayoutTests.folder)/\(table.folder)/\(file)", to: "set/layers.3/\(file)")
        }
        try folder.write("{\"model\": \"org/tiny\"}", to: "set/config.json")
        let path = "\(folder.path)/set/layers.3/\(table.files.last ?? "")"
        var json = try JSON(file: path)
        if let parent = table.parent {
            json = json.setting(
                parent, to: try #require(json[parent]).setting(row.key, to: row.value))
        } else {
            json = json.setting(row.key, to: row.value)
        }
        try writeFile(Array(json.text().utf8), to: path)
        let more = table.files.contains("sae.yaml") ? "norm_scaling_factor: 2.5\n" : ""
        try folder.write(
            "layout: \(table.testDescription)\nignore: [a_key_of_tomorrow]\n\(more)",
            to: "set/layers.3/sae.yaml")
        let signature = try LayoutTable.signature(of: "\(folder.path)/set/layers.3")
        #expect(signature == Self.baselines[table.testDescription])
    }

    @Test("A note says that thresholds are compared without the decoder's norms")
    func thresholdsOfLlamaScope() throws {
        for table in [LayoutTable.llamaScope, .llamaScopeDistill] {
            let folder = try TemporaryFolder()
            for file in table.files {
                try folder.copy("\(LayoutTests.folder)/\(table.folder)/\(file)", to: "sae/\(file)")
            }
            let path = "\(folder.path)/sae/\(table.files.last ?? "")"
            func notes() throws -> [String] {
                try #require(findAutoencoders(under: "\(folder.path)/sae").first).notes
            }
            #expect(try notes().isEmpty)
            let json = try JSON(file: path).setting(
                "sparsity_include_decoder_norm", to: .bool(true))
            try writeFile(Array(json.text().utf8), to: path)
            #expect(try notes().count == 1 && notes()[0].contains("sparsity_include_decoder_norm"))
        }
    }

    // MARK: - Tensors

    /// The tensors of layouts of safetensors: all that their programs write, and what becomes of
    /// each when it is scaled.
    static let tensors: [(folder: String, file: String, computed: [String], inert: [String])] = [
        (
            "sae-tiny-8x/layers.3", "sae.safetensors",
            ["W_dec", "b_dec", "encoder.bias", "encoder.weight"], []
        ),
        (
            "Llama3_1-8B-Base-LXR-8x/Llama3_1-8B-Base-L3R-8x", "checkpoints/final.safetensors",
            ["decoder.bias", "decoder.weight", "encoder.bias", "encoder.weight"], []
        ),
        (
            "Llama-Scope-R1-Distill/400M-Slimpajama-400M-OpenR1-Math-220k/L3R",
            "sae_weights.safetensors",
            [
                "decoder.bias", "decoder.weight", "encoder.bias", "encoder.weight",
                "log_jumprelu_threshold",
            ], []
        ),
        (
            "llamascopium/jumprelu", "sae_weights.safetensors",
            [
                "W_D", "W_E", "activation_function.log_jumprelu_threshold", "b_D", "b_E",
                "dataset_average_activation_norm.blocks.3.hook_resid_post",
            ], []
        ),
        (
            // Not set under `inference`; the library writes what memory held.
            "llamascopium/jumprelu-plain", "sae_weights.safetensors",
            ["W_D", "W_E", "activation_function.log_jumprelu_threshold", "b_D", "b_E"],
            ["dataset_average_activation_norm.blocks.3.hook_resid_post"]
        ),
        (
            "gemma-scope-2-270m-pt/transcoder/layer_3_width_16k_l0_small_affine",
            "params.safetensors",
            ["affine_skip_connection", "b_dec", "b_enc", "threshold", "w_dec", "w_enc"], []
        ),
    ]

    /// A copy of a fixture, one of its tensors replaced or added.
    private func copy(
        _ fixture: String, _ file: String, _ name: String, _ change: (Tensor?) -> Tensor
    ) throws -> (folder: TemporaryFolder, path: String) {
        let folder = try TemporaryFolder()
        try folder.write("{\"model\": \"org/tiny\"}", to: "set/config.json")
        let source = "\(LayoutTests.folder)/\(fixture)"
        for other in try folderContents(source) where fileExists("\(source)/\(other)") {
            if !folderExists("\(source)/\(other)") {
                try folder.copy("\(source)/\(other)", to: "set/layers.3/\(other)")
            }
        }
        let weights = try SafetensorsFile(path: "\(source)/\(file)")
        var tensors: [(name: String, tensor: Tensor)] = try weights.tensorNames.map {
            ($0, try weights.tensor($0))
        }
        if let index = tensors.firstIndex(where: { $0.name == name }) {
            tensors[index].tensor = change(tensors[index].tensor)
        } else {
            tensors.append((name, change(nil)))
        }
        let path = "\(folder.path)/set/layers.3"
        try makeFolder(parentFolder(of: "\(path)/\(file)"))
        try writeSafetensors(tensors, to: "\(path)/\(file)")
        return (folder, path)
    }

    @Test(
        "A tensor is computed or plays no part, and unknown ones are refused by name",
        arguments: 0..<6)
    func tensors(index: Int) throws {
        let row = Self.tensors[index]
        let weights = try SafetensorsFile(path: "\(LayoutTests.folder)/\(row.folder)/\(row.file)")
        #expect(weights.tensorNames == (row.computed + row.inert).sorted())
        let same = try copy(row.folder, row.file, weights.tensorNames[0]) {
            $0 ?? Tensor(zeros: [1])
        }
        let baseline = try LayoutTable.signature(of: same.path)
        for name in weights.tensorNames {
            let scaled = try copy(row.folder, row.file, name) { tensor in
                let values = (tensor?.values ?? []).map { 1.5 * $0 + 0.5 }
                return Tensor(values, shape: tensor?.shape ?? [0])
            }
            let signature = try LayoutTable.signature(of: scaled.path)
            #expect((signature != baseline) == row.computed.contains(name), "\(name)")
        }
        let more = try copy(row.folder, row.file, "W_more") { _ in Tensor(zeros: [2]) }
        #expect { try LayoutTable.signature(of: more.path) } throws: {
            ($0 as? AutoencoderError)?.code == .unknownTensor && "\($0)".contains("`W_more`")
                && "\($0)".contains("ignore: [W_more]")
        }
        var yaml = "hook: blocks.3.hook_resid_post\nignore: [W_more]\n"
        if row.folder.contains("R1-Distill") { yaml += "norm_scaling_factor: 2.5\n" }
        if !row.folder.contains("transcoder") {
            try more.folder.write(yaml, to: "set/layers.3/sae.yaml")
            #expect(
                try LayoutTable.signature(of: more.path).split(separator: "\n").first
                    == baseline.split(separator: "\n").first)
        }
    }

    /// Fixtures of torch and numpy, compared with their programs in `LayoutTests`: what each holds,
    /// and which of it plays no part.
    static let archives: [(file: String, computed: [String], inert: [String], values: [String])] = {
        let linear = ["decoder.bias", "decoder.weight", "encoder.bias", "encoder.weight"]
        let flat = ["W_dec", "W_enc", "b_dec", "b_enc"]
        let topK = ["b_dec", "decoder.weight", "encoder.bias", "encoder.weight"]
        let statistics = [
            "latents_activation_frequency", "latents_mean_square", "stats_last_nonzero",
        ]
        let biases = ["latent_bias", "pre_bias"]
        return [
            ("vectors/AutoEncoder/ae.pt", ["bias"] + linear.dropFirst(), [], []),
            ("vectors/AutoEncoderNew/ae.pt", linear, [], []),
            (
                "vectors/GatedAutoEncoder/ae.pt",
                [
                    "decoder.weight", "decoder_bias", "encoder.weight", "gate_bias", "mag_bias",
                    "r_mag",
                ], [], []
            ),
            ("vectors/JumpReluAutoEncoder/ae.pt", flat + ["threshold"], [], []),
            // The k is that of the configuration, with which it must agree.
            ("vectors/AutoEncoderTopK/ae.pt", topK + ["k"], ["threshold"], []),
            ("vectors/BatchTopKSAE/ae.pt", topK + ["k", "threshold"], [], []),
            (
                "vectors/MatryoshkaBatchTopKSAE/ae.pt", flat + ["k", "threshold"],
                ["group_sizes"], []
            ),
            ("DeepSeek-R1-Distill-Llama-8B-SAE-l3/DeepSeek-R1-SAE-l3.pt", linear, [], []),
            (
                "Llama-3.1-8B-Instruct-SAE-l19/Llama-3.1-8B-Instruct-SAE-l19.pth",
                linear.map { $0.replacing(".", with: "_linear.") }, [], []
            ),
            ("SAE-Res-Qwen3-1.7B-Base-W32K-L0_5/layer3.sae.pt", flat, [], []),
            (
                "models--google--gemma-scope-2b-pt-res/snapshots/0/layer_3/width_16k/average_l0_5/"
                    + "params.npz", flat + ["threshold"], [], []
            ),
            (
                "resid_post_mlp_v5_32k/autoencoders/3.pt",
                ["decoder.weight", "encoder.weight"] + biases, statistics,
                ["activation", "activation_state_dict.k", "activation_state_dict.postact_fn"]
            ),
            (
                "resid_delta_mlp_tied/autoencoders/3.pt",
                ["decoder.linear.weight", "encoder.weight"] + biases, statistics, ["activation"]
            ),
        ]
    }()

    @Test(
        "The fixtures hold every tensor and value that is read or plays no part", arguments: 0..<13)
    func archives(index: Int) throws {
        let row = Self.archives[index]
        let source = try openTensors("\(LayoutTests.folder)/\(row.file)")
        #expect(source.tensorNames == (row.computed + row.inert).sorted())
        #expect((source as? TorchFile)?.scalarNames ?? [] == row.values)
        #expect(index < 12 || index + 1 == Self.archives.count)
    }

    @Test(
        "Tensors and values of torch files that no version knows are refused by name",
        arguments: [
            ("topk", "ae.pt", ["`steps`"]), ("jumprelu", "ae.pt", ["`log`"]),
            ("qwen", "layer3.sae.pt", ["`step`"]),
            ("deepseek", "DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt", ["`step`"]),
            ("goodfire", "Llama-3.1-8B-Instruct-SAE-l19.pth", ["`step`"]),
            ("openai", "tensor.pt", ["`scale`"]), ("openai", "value.pt", ["`normalize`"]),
            ("embedding", "more.npz", ["`scale`"]),
        ])
    func torchFiles(folder: String, file: String, names: [String]) throws {
        let temporary = try TemporaryFolder()
        let place = "SAE-Res-Qwen3-1.7B-Base-W32K-L0_5"
        try temporary.copy("\(fixtures)/published/\(folder)/\(file)", to: "\(place)/\(file)")
        if file == "more.npz" {
            try temporary.copy("\(fixtures)/published/\(folder)/\(file)", to: "\(place)/params.npz")
        }
        let facts = "hook: blocks.3.hook_resid_post\nmodel: tiny\n"
        try temporary.write(facts, to: "\(place)/sae.yaml")
        let isDictionary = file == "ae.pt"
        if isDictionary {
            let kind = folder == "topk" ? "AutoEncoderTopK" : "JumpReluAutoEncoder"
            try temporary.write(
                "{\"trainer\": {\"dict_class\": \"\(kind)\", \"activation_dim\": 8, \"dict_size\": 24, "
                    + "\"layer\": 3, \"lm_name\": \"tiny\", \"k\": 4}}", to: "\(place)/config.json")
        }
        func load() throws -> String {
            try LayoutTable.signature(of: "\(temporary.path)/\(place)")
        }
        #expect { try load() } throws: { error in
            (error as? AutoencoderError)?.code == .unknownTensor
                && (names.allSatisfy { "\(error)".contains($0) } || "\(error)".contains("`best`"))
        }
        try temporary.write(
            facts + "ignore: [step, scale, best, steps, log, normalize]\n",
            to: "\(place)/sae.yaml")
        #expect(try load().isEmpty == false)
    }
}
