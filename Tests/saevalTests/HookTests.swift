import Basics
import Formats
import Foundation
import Tensors
import Testing

extension ProgramTests {
    /// Autoencoders at hooks inside a block and at the embedding.
    @Suite("Hooks")
    struct HookTests {
        /// Width of the residual stream of the model made here.
        private static let modelSize = 16
        /// Width of its heads side by side.
        private static let headsSize = 24

        @Test("An autoencoder is evaluated at the width of its hook, inside a block too")
        func everyHook() throws {
            let bench = try Workbench()
            try makeModel(bench)
            let hooks = [
                ("hook_embed", Self.modelSize), ("blocks.0.hook_resid_pre", Self.modelSize),
                ("blocks.1.attn.hook_z", Self.headsSize), ("blocks.0.hook_mlp_in", Self.modelSize),
                ("blocks.1.ln2.hook_normalized", Self.modelSize),
                ("blocks.1.hook_attn_out", Self.modelSize),
            ]
            for (hook, width) in hooks { try makeAutoencoder(bench, hook: hook, width: width) }
            try makeAutoencoder(bench, hook: "blocks.0.attn.hook_z", width: Self.modelSize)
            let ending = try bench.saeval(
                bench.tiny(["--model", bench.file("model")], saes: bench.file("saes")))
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("has 24 at blocks.0.attn.hook_z"), "\(ending)")
            for (hook, _) in hooks {
                let path = "\(bench.output)/eval_results/core/saes_\(hook)_eval_results.json"
                let metrics = try JSON(file: path)["eval_result_metrics"]
                let value = { (group: String, name: String) in
                    try #require(metrics?[group]?[name]?.double, "\(hook) \(name)")
                }
                let loss = "model_performance_preservation"
                let clean = try value(loss, "ce_loss_without_sae")
                #expect(clean > 5 && clean < 20)
                #expect(abs(try value(loss, "ce_loss_with_sae") - clean) < 1e-5 * clean, "\(hook)")
                #expect(abs(try value(loss, "ce_loss_with_ablation") - clean) > 1e-3, "\(hook)")
                let variance = try value("reconstruction_quality", "explained_variance")
                #expect(abs(variance - 1) < 1e-5, "\(hook)")
            }
        }

        /// Writes an autoencoder that gives back what it gets: `relu(x) - relu(-x)`.
        private func makeAutoencoder(_ bench: Workbench, hook: String, width: Int) throws {
            let latents = 2 * width
            let encoder = Tensor(zeros: [width, latents])
            let decoder = Tensor(zeros: [latents, width])
            for column in 0..<width {
                for (offset, sign) in [(0, Float(1)), (width, -1)] {
                    encoder.floats[column * latents + offset + column] = sign
                    decoder.floats[(offset + column) * width + column] = sign
                }
            }
            let configuration = """
                {"architecture": "standard", "d_in": \(width), "d_sae": \(latents),
                 "dtype": "float32", "normalize_activations": "none",
                 "metadata": {"hook_name": "\(hook)", "prepend_bos": true}}
                """
            try bench.write("saes/\(hook)/cfg.json", configuration)
            try writeSafetensors(
                [
                    ("W_enc", encoder), ("b_enc", Tensor(zeros: [latents])), ("W_dec", decoder),
                    ("b_dec", Tensor(zeros: [width])),
                ], to: bench.file("saes/\(hook)/sae_weights.safetensors"))
        }

        /// Writes a model whose heads together are wider than its residual stream, with the
        /// tokenizer of the quickstart.
        private func makeModel(_ bench: Workbench) throws {
            for name in ["tokenizer.json", "tokenizer_config.json"] {
                try bench.copy("configs/quickstart/model/\(name)", to: "model/\(name)")
            }
            let (size, heads, inner, vocabulary) = (Self.modelSize, Self.headsSize, 20, 4096)
            let configuration = """
                {"model_type": "mistral", "hidden_size": \(size), "num_hidden_layers": 2,
                 "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 8,
                 "intermediate_size": \(inner), "vocab_size": \(vocabulary), "sliding_window": 6,
                 "max_position_embeddings": 64, "tie_word_embeddings": true}
                """
            try bench.write("model/config.json", configuration)
            var state: UInt64 = 1
            /// The next tensor of pseudo-random numbers.
            func tensor(_ shape: [Int], times scale: Float) -> Tensor {
                let tensor = Tensor(zeros: shape)
                for index in 0..<tensor.count {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    tensor.floats[index] = scale * (Float(state >> 40) / Float(1 << 23) - 1)
                }
                return tensor
            }
            var weights = [
                ("model.embed_tokens.weight", tensor([vocabulary, size], times: 1)),
                ("model.norm.weight", tensor([size], times: 1)),
            ]
            for layer in 0..<2 {
                for (name, shape) in [
                    ("input_layernorm", [size]), ("post_attention_layernorm", [size]),
                    ("self_attn.q_proj", [heads, size]), ("self_attn.k_proj", [8, size]),
                    ("self_attn.v_proj", [8, size]), ("self_attn.o_proj", [size, heads]),
                    ("mlp.gate_proj", [inner, size]), ("mlp.up_proj", [inner, size]),
                    ("mlp.down_proj", [size, inner]),
                ] {
                    weights.append(
                        ("model.layers.\(layer).\(name).weight", tensor(shape, times: 1)))
                }
            }
            try writeSafetensors(
                weights.map { (name: $0.0, tensor: $0.1) },
                to: bench.file("model/model.safetensors"))
        }
    }
}
