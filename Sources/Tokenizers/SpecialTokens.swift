import Basics

/// The ids with a meaning of their own, and whether texts start with one.
public struct SpecialTokens: Sendable, Equatable {
    /// The id at the beginning of a text.
    public var bos: Int32?
    /// The id at the end of a text.
    public var eos: Int32?
    /// The id that fills rows.
    public var pad: Int32?
    /// Whether the tokenizer puts a BOS in front once it is asked to, as TransformerLens asks it.
    public var prependsBOS: Bool

    /// Special tokens from their ids.
    public init(bos: Int32?, eos: Int32?, pad: Int32?, prependsBOS: Bool) {
        (self.bos, self.eos, self.pad) = (bos, eos, pad)
        self.prependsBOS = prependsBOS
    }
}

/// What `tokenizer_config.json` says about special tokens.
struct SpecialTokenNames: Sendable {
    /// The text of the beginning.
    var bos: String?
    /// The text of the end.
    var eos: String?
    /// The text that fills rows.
    var pad: String?
    /// The texts of the other tokens that are special, such as the unknown one.
    var others: [String]
    /// Whether the tokenizer's class heeds the wish for a BOS.
    var honoursBOS: Bool

    /// Whether the tokenizer's class is the one of GPT-2.
    let isGPT2: Bool
    /// Whether the tokenizer's class puts nothing around texts, whatever its file says.
    let dropsTemplate: Bool
    /// The texts that the configuration wants around a text.
    let template: (before: String?, after: String?)

    /// The text that ends a text where the configuration names none.
    static let fallbackEnd = "<|endoftext|>"

    /// Reads a configuration; without one, names are filled in as for a configuration without
    /// entries.
    ///
    /// - Source: TransformerLens 2 and SAE Bench 0.6.0 §1.4: of the classes, the one of GPT-2
    ///   ignores `add_bos_token`.
    init(configuration json: JSON?) {
        let name = json?["tokenizer_class"]?.text ?? ""
        let defaults = Self.defaults(ofClass: name)
        func token(_ key: String, _ standard: String?) -> String? {
            guard let value = json?[key] else { return standard }
            return value.text ?? value["content"]?.text
        }
        bos = token("bos_token", defaults.bos)
        eos = token("eos_token", defaults.eos)
        pad = token("pad_token", defaults.pad)
        let keys = ["unk_token", "mask_token", "sep_token", "cls_token"]
        let lists = ["additional_special_tokens", "extra_special_tokens"]
        others =
            keys.compactMap { token($0, nil) }
            + lists.flatMap { json?[$0]?.elements ?? [] }.compactMap {
                $0.text ?? $0["content"]?.text
            }
        isGPT2 = Self.isOf(name, "GPT2")
        dropsTemplate = Self.isOf(name, "GPTNeoX")
        honoursBOS = !isGPT2 && (json == nil || bos != nil)
        template = (
            json?["add_bos_token"]?.truth == true ? bos : nil,
            json?["add_eos_token"]?.truth == true ? eos : nil
        )
    }

    /// The special tokens of the first GPT-2's files, which have no configuration.
    static let gpt2 = SpecialTokenNames(
        configuration: .object(["tokenizer_class": .string("GPT2Tokenizer")]))

    /// The ids, filled in as TransformerLens does: eos is `<|endoftext|>`, pad is eos, bos is eos.
    func ids(_ id: (String) -> Int32?) -> SpecialTokens {
        let end = id(eos ?? Self.fallbackEnd)
        let begin = bos.flatMap(id) ?? end
        return SpecialTokens(
            bos: begin, eos: end, pad: pad.flatMap(id) ?? end,
            prependsBOS: honoursBOS && begin != nil)
    }

    /// All texts that are named.
    var all: [String] { [bos, eos, pad].compactMap { $0 } + others }

    /// What the classes of `transformers` take where the configuration has no entry.
    private static func defaults(ofClass name: String) -> (bos: String?, eos: String?, pad: String?)
    {
        if isOf(name, "GPT2") || isOf(name, "GPTNeoX") { return (fallbackEnd, fallbackEnd, nil) }
        if isOf(name, "Gemma") { return ("<bos>", "<eos>", "<pad>") }
        if isOf(name, "Llama") { return ("<s>", "</s>", nil) }
        if isOf(name, "Qwen2") { return (nil, fallbackEnd, fallbackEnd) }
        return (nil, nil, nil)
    }

    /// Whether a class is the slow or the fast tokenizer of a family.
    private static func isOf(_ name: String, _ family: String) -> Bool {
        name == "\(family)Tokenizer" || name == "\(family)TokenizerFast"
    }
}
