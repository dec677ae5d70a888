import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// What becomes of a key of a configuration.
enum KeyRole: Sendable {
    /// Another value gives other numbers, another hook or model, or an error that names the key.
    case computed
    /// Another value changes nothing.
    case inert
    /// The value is refused by the key's name.
    case refused
}

/// One row of a layout's table: a key, a value that no fixture has, and what becomes of it.
struct KeyRow: Sendable, CustomTestStringConvertible {
    let key: String
    let value: JSON
    let role: KeyRole
    var testDescription: String { "\(key): \(value.text())" }

    init(_ key: String, _ value: JSON, _ role: KeyRole) {
        (self.key, self.value, self.role) = (key, value, role)
    }
}

/// The table of a layout over one of its fixtures.
struct LayoutTable: Sendable, CustomTestStringConvertible {
    /// The layout.
    let testDescription: String
    /// The fixture, with its configuration last among the files.
    let folder: String
    let files: [String]
    /// The object that holds the keys; nil for the file itself.
    var parent: String?
    /// The keys that the layout knows.
    let known: Set<String>
    /// Every key that the owner's program wrote in any version, and what becomes of it.
    let rows: [KeyRow]

    /// Every key and row.
    var keys: Set<String> { Set(rows.map(\.key)) }

    /// What an autoencoder computes and where it belongs, as one text.
    ///
    /// - Parameter rows: changes to the configuration.
    func signature(changing rows: [KeyRow]) throws -> String {
        let folder = try TemporaryFolder()
        let place = "set/layers.3"
        for file in files {
            try folder.copy("\(LayoutTests.folder)/\(self.folder)/\(file)", to: "\(place)/\(file)")
        }
        try folder.write("{\"model\": \"org/tiny\"}", to: "set/config.json")
        let path = "\(folder.path)/\(place)/\(files[files.count - 1])"
        var json = try JSON(file: path)
        for row in rows {
            guard let parent else {
                json = json.setting(row.key, to: row.value)
                continue
            }
            json = json.setting(
                parent, to: try #require(json[parent]).setting(row.key, to: row.value))
        }
        try writeFile(Array(json.text().utf8), to: path)
        return try Self.signature(of: "\(folder.path)/\(place)")
    }

    /// What the autoencoder in a folder computes and where it belongs.
    static func signature(of path: String) throws -> String {
        let reference = try #require(try findAutoencoders(under: path).first)
        let loaded = try loadAutoencoder(reference)
        let size = reference.modelSize
        let x = Tensor((0..<3 * size).map { Float(($0 * 7) % 11) / 3 - 1.5 }, shape: [3, size])
        let codes = try loaded.encode(x, on: ReferenceBackend())
        let decoded = try loaded.decode(codes, of: x, on: ReferenceBackend())
        let bits = (dense(codes) + decoded.values).map { String($0.bitPattern, radix: 16) }
        return [
            bits.joined(separator: " "), reference.hookName, reference.outputHookName ?? "",
            reference.modelName ?? "", reference.architecture, "\(reference.trackedK ?? 0)",
            reference.configuration.text(),
        ].joined(separator: "\n")
    }
}

extension LayoutTable {
    /// Text, number and truth values that no fixture has.
    private static func inert(_ keys: String...) -> [KeyRow] {
        keys.enumerated().map { KeyRow($1, .number(0.123 + Double($0)), .inert) }
    }

    /// EleutherAI's sparsify: `SaeConfig` and `SparseCoderConfig` in all versions.
    static let sparsify = LayoutTable(
        testDescription: "sparsify", folder: "sae-tiny-8x/layers.3",
        files: ["sae.safetensors", "cfg.json"], known: SparsifyLayout.keys.all,
        rows: [
            KeyRow("activation", .string("groupmax"), .refused),
            KeyRow("d_in", .integer(7), .computed),
            KeyRow("expansion_factor", .integer(2), .computed),
            KeyRow("num_latents", .integer(23), .computed),
            KeyRow("k", .integer(3), .computed),
            KeyRow("signed", .bool(true), .refused),
            KeyRow("skip_connection", .bool(true), .refused),
            KeyRow("transcode", .bool(true), .refused),
        ] + inert("multi_topk", "normalize_decoder"))

    /// The first generation of Llama Scope: `SAEConfig` up to October 2024.
    static let llamaScope = LayoutTable(
        testDescription: "llama_scope",
        folder: "Llama3_1-8B-Base-LXR-8x/Llama3_1-8B-Base-L3R-8x",
        files: ["checkpoints/final.safetensors", "hyperparams.json"],
        known: LlamaScopeLayout.keys.all,
        rows: [
            KeyRow("hook_point_in", .string("blocks.4.hook_resid_post"), .computed),
            KeyRow("hook_point_out", .string("blocks.4.hook_mlp_out"), .refused),
            KeyRow("d_model", .integer(7), .computed),
            KeyRow("d_sae", .integer(23), .computed),
            KeyRow("act_fn", .string("topk"), .refused),
            KeyRow("jump_relu_threshold", .number(0.9), .computed),
            KeyRow("norm_activation", .string("token-wise"), .refused),
            KeyRow(
                "dataset_average_activation_norm",
                .object(["in": .number(3), "out": .number(3)]), .computed),
            KeyRow("use_decoder_bias", .bool(false), .refused),
            KeyRow("use_glu_encoder", .bool(true), .refused),
            KeyRow("apply_decoder_bias_to_pre_encoder", .bool(true), .refused),
            // Read for a note: SAELens compares thresholds without the norms.
            KeyRow("sparsity_include_decoder_norm", .string("yes"), .refused),
        ]
            + inert(
                "device", "seed", "dtype", "expansion_factor", "top_k", "tp_size", "ddp_size",
                "run_name", "use_ddp", "exp_name", "exp_series", "exp_result_dir",
                "exp_result_path",
                "sae_from_pretrained_path", "k_range", "k_cold_booting_steps",
                "sae_pretrained_name_or_path", "strict_loading", "bias_init_method",
                "decoder_bias_init_method", "init_decoder_norm", "init_encoder_norm",
                "init_encoder_with_decoder_transpose", "initial_k", "decoder_exactly_fixed_norm",
                "decoder_exactly_unit_norm", "remove_gradient_parallel_to_decoder_directions", "lp",
                "l1_coefficient", "l1_coefficient_warmup_steps", "k_warmup_steps",
                "use_batch_norm_mse", "use_ghost_grads"))

    /// Keys of OpenMOSS' library since January 2025 that change nothing.
    private static let openMOSSInert = inert(
        "device", "dtype", "sae_pretrained_name_or_path", "strict_loading", "use_triton_kernel",
        "sparsity_threshold_for_triton_spmm_kernel", "decode_with_csr",
        "sparsity_threshold_for_csr", "promote_act_fn_dtype", "jumprelu_threshold_window",
        "jumprelu_threshold_grad_scale", "force_unit_decoder_norm", "matryoshka_widths",
        "matryoshka_loss_weights", "use_matryoshka_aux_loss")

    /// Keys of both generations of that library that are refused.
    private static let openMOSSRefused = [
        KeyRow("sae_type", .string("crosscoder"), .refused),
        KeyRow("hook_point_out", .string("blocks.4.hook_mlp_out"), .refused),
        KeyRow("act_fn", .string("batchtopk"), .refused),
        KeyRow("act_fn", .string("layertopk"), .refused),
        KeyRow("norm_activation", .string("batch-wise"), .refused),
        KeyRow("use_glu_encoder", .bool(true), .refused),
        // The tensor of a bias that nobody reads is left over.
        KeyRow("use_decoder_bias", .bool(false), .refused),
    ]

    /// Keys of both generations of that library that decide on sizes and on what is computed.
    private static let openMOSSComputed = [
        KeyRow("d_model", .integer(7), .computed),
        KeyRow("d_sae", .integer(23), .computed),
        KeyRow("top_k", .integer(2), .inert),
        // The tensor of thresholds decides.
        KeyRow("jump_relu_threshold", .number(0.9), .inert),
        KeyRow("norm_activation", .string("inference"), .computed),
        KeyRow("norm_activation", .string("token-wise"), .computed),
        KeyRow("apply_decoder_bias_to_pre_encoder", .bool(true), .computed),
    ]

    /// The second generation of Llama Scope: `BaseSAEConfig` of January 2025 and later.
    static let llamaScopeDistill = LayoutTable(
        testDescription: "llama_scope_r1_distill",
        folder: "Llama-Scope-R1-Distill/400M-Slimpajama-400M-OpenR1-Math-220k/L3R",
        files: ["sae_weights.safetensors", "sae.yaml", "config.json"],
        known: LlamascopiumLayout.keys.all,
        rows: openMOSSRefused + openMOSSInert + openMOSSComputed + [
            KeyRow("hook_point_in", .string("blocks.4.hook_resid_post"), .computed),
            KeyRow("expansion_factor", .integer(2), .computed),
            KeyRow("act_fn", .string("relu"), .refused),
            KeyRow("sparsity_include_decoder_norm", .string("yes"), .refused),
        ])

    /// What OpenMOSS' library writes today: `SAEConfig` and `MatryoshkaSAEConfig`.
    static let llamascopium = LayoutTable(
        testDescription: "llamascopium", folder: "llamascopium/jumprelu",
        files: ["sae_weights.safetensors", "config.json"], known: LlamascopiumLayout.keys.all,
        rows: openMOSSRefused + openMOSSInert + openMOSSComputed + [
            KeyRow("sae_type", .string("matryoshka_sae"), .inert),
            // Now another hook than `hook_point_out`.
            KeyRow("hook_point_in", .string("blocks.4.hook_resid_post"), .refused),
            KeyRow("expansion_factor", .number(2.5), .computed),
            KeyRow("sparsity_include_decoder_norm", .bool(false), .computed),
        ])

    /// dictionary_learning: the keys of all trainers' `config`.
    static let dictionaryLearning = LayoutTable(
        testDescription: "dictionary_learning",
        folder: "dictionary_learning/resid_post_layer_3/trainer_6",
        files: ["ae.pt", "config.json"], parent: "trainer", known: DictionarySettings.keys.all,
        rows: [
            KeyRow("trainer_class", .string("PAnnealTrainer"), .computed),
            KeyRow("dict_class", .string("CrossCoder"), .refused),
            KeyRow("dict_class", .string("AutoEncoder"), .computed),
            KeyRow("activation_dim", .integer(7), .computed),
            KeyRow("dict_size", .integer(23), .computed),
            KeyRow("k", .integer(4), .refused),
            KeyRow("layer", .integer(4), .computed),
            KeyRow("lm_name", .string("org/other"), .computed),
            KeyRow("submodule_name", .string("mlp_3"), .computed),
        ]
            + inert(
                "lr", "seed", "device", "steps", "wandb_name", "warmup_steps",
                "sparsity_warmup_steps", "lambda_warm_steps", "decay_start", "resample_steps",
                "anneal_start", "anneal_end", "steps_before_annealing", "n_sparsity_updates",
                "sparsity_queue_length", "sparsity_loss_queue_length", "l1_penalty", "l0_penalty",
                "sparsity_function", "sparsity_penalty", "initial_sparsity_penalty",
                "adaptive_sparsity_penalty", "sparsity_coefficient", "sparsity_coeff",
                "activation_queue_length", "p_start", "p_end",
                "bandwidth", "target_l0", "auxk_alpha", "top_k_aux", "gp_reg_coeff",
                "threshold_beta", "threshold_start_step", "group_fractions", "group_weights",
                "group_sizes", "weights_temperature"))

    /// Gemma Scope 2, a transcoder with a skip connection.
    static let gemmaScope2 = LayoutTable(
        testDescription: "gemma_scope_2",
        folder: "gemma-scope-2-270m-pt/transcoder/layer_3_width_16k_l0_small_affine",
        files: ["params.safetensors", "config.json"], known: GemmaScope2Layout.keys.all,
        rows: [
            KeyRow("architecture", .string("topk"), .refused),
            KeyRow("model_name", .string("gemma-v3-1b-pt"), .computed),
            KeyRow(
                "hf_hook_point_in", .string("model.layers.4.pre_feedforward_layernorm.output"),
                .computed),
            KeyRow("hf_hook_point_out", .string("model.layers.3.output"), .refused),
            KeyRow("affine_connection", .bool(false), .refused),
            KeyRow("type", .string("crosscoder"), .refused),
        ] + inert("width", "l0", "hook_name"))

    /// All tables.
    static let all = [
        sparsify, llamaScope, llamaScopeDistill, llamascopium, dictionaryLearning, gemmaScope2,
    ]
}

extension OwnerKeys {
    /// Every key that is known.
    var all: Set<String> { computed.union(inert) }
}
