import Basics

/// A class of `transformers` that makes a tokenizer of a model's files.
///
/// - Source: `transformers` 5.23.0. `TokenizersBackend` takes `tokenizer.json` as it is; the others
///   take its vocabulary and merges, and bring the rest with them.
enum TokenizerFamily: String, Sendable, CaseIterable {
    case backend = "TokenizersBackend"
    case gpt2 = "GPT2Tokenizer"
    case codeGen = "CodeGenTokenizer"
    case gptNeoX = "GPTNeoXTokenizer"
    case llama = "LlamaTokenizer"
    case gemma = "GemmaTokenizer"
    case qwen2 = "Qwen2Tokenizer"

    /// The texts of special tokens where no file names them.
    var defaultTokens: [String: String] {
        let end = "<|endoftext|>"
        switch self {
        case .backend: return [:]
        case .gpt2, .codeGen:
            return ["bos_token": end, "eos_token": end, "unk_token": end]
        case .gptNeoX:
            return [
                "bos_token": end, "eos_token": end, "unk_token": end, "pad_token": "<|padding|>",
            ]
        case .llama: return ["bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"]
        case .gemma:
            return [
                "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>",
                "pad_token": "<pad>", "mask_token": "<mask>",
            ]
        case .qwen2: return ["eos_token": end, "unk_token": end, "pad_token": end]
        }
    }

    /// Whether the padding token of `tokenizer.json` counts where no file names one.
    var readsPaddingOfFile: Bool { self == .backend || self == .llama }
}

// MARK: - Which one a folder asks for

extension TokenizerFamily {
    /// The class that `AutoTokenizer` takes for a folder.
    ///
    /// - Throws: ``TokenizerError`` for a class of `transformers` that is not implemented.
    /// - Source: `AutoTokenizer.from_pretrained` of `transformers` 5.23.0, for the kinds of model
    ///   that are read; code of a repository's own is never run.
    init(_ files: TokenizerFiles) throws(TokenizerError) {
        let ownCode = files.configuration?["auto_map"]?["AutoTokenizer"].map { !$0.isNull } ?? false
        let kind = files.model?["model_type"]?.text ?? ""
        let registered = Self.registered[kind]
        let named = files.configuration?["tokenizer_class"]?.text
        let asked = (named ?? files.model?["tokenizer_class"]?.text).map(Self.plain)
        guard let asked else {
            self = Self(rawValue: registered ?? "") ?? .backend
            return
        }
        if !ownCode, asked == Self.llama.rawValue, kind != "qwen2",
            Self.isByteLevel(files.tokenizer)
        {
            self = .backend
        } else if !ownCode, let registered, registered != asked {
            // A Qwen2 model has its own class whatever its file names.
            let name = kind == "qwen2" ? registered : asked
            let isBackend = registered == Self.backend.rawValue
            self = isBackend ? .backend : try Self.known(name, source: files.configurationSource)
        } else {
            self = try Self.known(asked, source: files.configurationSource)
        }
    }

    /// The classes that belong to kinds of model; the others have none.
    private static let registered = [
        "gpt2": "GPT2Tokenizer", "gpt_neo": "GPT2Tokenizer", "gptj": "GPT2Tokenizer",
        "gpt_neox": "GPTNeoXTokenizer", "mistral": "TokenizersBackend",
        "gemma": "GemmaTokenizer", "gemma2": "GemmaTokenizer", "gemma3": "GemmaTokenizer",
        "gemma3_text": "GemmaTokenizer", "olmo2": "TokenizersBackend",
        "qwen2": "Qwen2Tokenizer", "qwen3": "Qwen2Tokenizer",
    ]

    /// Classes of `transformers` with code of their own that is not implemented.
    private static let others = Set(
        """
        Albert Bart Barthez Bartpho BertGeneration BertJapanese Bert Bertweet BigBird BioGpt
        BlenderbotSmall Blenderbot ByT5 CLIP CTRL Camembert Canine Clvp CodeLlama Cohere ConvBert
        CpmAnt Cpm DPRContextEncoder DPRQuestionEncoder DPRReader Deberta DebertaV2 Dia DistilBert
        Electra Esm Esmc FNet FSMT FastSpeech2Conformer Flaubert Funnel GPTNeoXJapanese GPTSw3
        Herbert LED Lasr LayoutLM LayoutLMv2 LayoutLMv3 LayoutXLM Longformer Luke Lxmert M2M100
        MBart50 MBart MLuke MPNet Marian MarkupLM Mgpstr MobileBert Mvp MyT5 Nllb Nougat OpenAIGPT
        PLBart Parakeet Pegasus Perceiver Phi3 Phobert Pop2Piano ProphetNet Qwen3_5 Rag Reformer
        RemBert RoCBert RoFormer Roberta SeamlessM4T Siglip2 Siglip Speech2Text SpeechT5 Splinter
        SqueezeBert T5 Tapas Tipsv2 Udop VideoPrism Vits Wav2Vec2CTC Wav2Vec2PhonemeCTC Whisper
        XGLM XLMRoberta XLM XLNet
        """.split { $0 == " " || $0 == "\n" }.map { "\($0)Tokenizer" })

    /// A class by its name; those that `transformers` does not know are `TokenizersBackend`.
    private static func known(_ name: String, source: String) throws(TokenizerError) -> Self {
        if let family = Self(rawValue: name) { return family }
        guard others.contains(name) else { return .backend }
        throw TokenizerError(
            .unsupported, "\(source): `tokenizer_class` = `\(name)` is not implemented",
            advice: "where tokenizer.json alone gives the right ids, name `TokenizersBackend`")
    }

    /// A class's name without the ending of older versions.
    private static func plain(_ name: String) -> String {
        name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
    }

    /// Whether a `tokenizer.json` has the step `ByteLevel` anywhere.
    private static func isByteLevel(_ json: JSON?) -> Bool {
        func holds(_ json: JSON?) -> Bool {
            if json?.text == "ByteLevel" { return true }
            return json?.elements?.contains(where: holds)
                ?? json?.members?.contains { holds($0.value) } ?? false
        }
        return ["pre_tokenizer", "decoder", "post_processor", "normalizer"].contains {
            holds(json?[$0])
        }
    }
}
