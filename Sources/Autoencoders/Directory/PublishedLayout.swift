/// The ways in which published autoencoders lie in their repositories, named as in SAELens.
public enum PublishedLayout: String, Sendable, CaseIterable {
    /// SAELens itself.
    case saeLens = "sae_lens"
    /// Gemma Scope.
    case gemmaScope = "gemma_2"
    /// Transcoders of Gemma Scope.
    case gemmaScopeTranscoder = "gemma_2_transcoder"
    /// Gemma Scope 2.
    case gemmaScope2 = "gemma_3"
    /// dictionary_learning.
    case dictionaryLearning = "dictionary_learning_1"
    /// Llama Scope.
    case llamaScope = "llama_scope"
    /// Llama Scope on a distilled DeepSeek R1.
    case llamaScopeDistilled = "llama_scope_r1_distill"
    /// Attention heads of GPT-2 by Connor Kissane and Robert Krzyzanowski.
    case attentionHeads = "connor_rob_hook_z"
    /// Qwen Scope.
    case qwenScope = "qwen_scope"
    /// Goodfire.
    case goodfire
    /// DeepSeek R1 by qresearch.
    case deepSeek = "deepseek_r1"
    /// Transcoders of Qwen 3 by Michael Hanna.
    case qwenTranscoder = "mwhanna_transcoder"
    /// Layers of cross-layer transcoders.
    case crossLayerTranscoder = "mntss_clt_layer_transcoder"
    /// Temporal autoencoders.
    case temporal

    /// The name of the layout that reads it; nil when none does.
    var readAs: String? {
        switch self {
        case .saeLens: SAELensLayout().name
        case .gemmaScope: GemmaScopeLayout().name
        case .gemmaScope2: GemmaScope2Layout().name
        case .dictionaryLearning: DictionaryLearningLayout().name
        case .llamaScope: LlamaScopeLayout().name
        case .llamaScopeDistilled: LlamaScopeDistillLayout().name
        case .attentionHeads: HookZLayout().name
        case .qwenScope: QwenScopeLayout().name
        case .goodfire: GoodfireLayout().name
        case .deepSeek: DeepSeekR1Layout().name
        case .gemmaScopeTranscoder, .qwenTranscoder, .crossLayerTranscoder, .temporal: nil
        }
    }

    /// The files of one autoencoder in its repository.
    ///
    /// - Parameter path: the path that the directory gives it: a folder, a file or a number.
    /// - Source: the loaders of SAELens 6.54.12.
    func files(at path: String) -> (needed: [String], optional: [String]) {
        switch self {
        case .saeLens:
            (
                ["\(path)/cfg.json", "\(path)/sae_weights.safetensors"],
                ["\(path)/sparsity.safetensors"]
            )
        case .gemmaScope, .gemmaScopeTranscoder: (["\(path)/params.npz"], [])
        case .gemmaScope2: (["\(path)/params.safetensors"], ["\(path)/config.json"])
        case .dictionaryLearning: (["\(path)/config.json", "\(path)/ae.pt"], [])
        case .llamaScope:
            (["\(path)/hyperparams.json", "\(path)/checkpoints/final.safetensors"], [])
        case .llamaScopeDistilled: (["\(path)/config.json", "\(path)/sae_weights.safetensors"], [])
        case .attentionHeads: ([path, "\(Self.stem(of: path))_cfg.json"], [])
        case .qwenScope, .goodfire, .deepSeek: ([path], [])
        case .qwenTranscoder: ([path], ["config.yaml", "wandb-config.yaml", "wanb-config.yaml"])
        case .crossLayerTranscoder:
            (["config.yaml", "W_enc_\(path).safetensors", "W_dec_\(path).safetensors"], [])
        case .temporal: (["\(path)/conf.yaml", "\(path)/latest_ckpt.safetensors"], [])
        }
    }

    /// A path up to its first `.pt`.
    private static func stem(of path: String) -> Substring {
        path.firstRange(of: ".pt").map { path[..<$0.lowerBound] } ?? path[...]
    }
}
