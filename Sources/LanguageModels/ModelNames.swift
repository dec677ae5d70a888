import Basics

/// The names that a language model goes by: the hub's id, with or without its organisation, and
/// TransformerLens' short names.
public enum ModelNames {
    /// One spelling for all names of a model: lower case, without organisation and revision, aliases
    /// resolved.
    ///
    /// - Source: `MODEL_ALIASES` of TransformerLens 3.9, as far as an alias is not just the last part
    ///   of the hub's id; old names of repositories that the hub redirects.
    public static func canonical(_ name: String) -> String {
        let id = name.split(separator: "@").first ?? ""
        let last = (id.split(separator: "/").last.map(String.init) ?? name).lowercased()
        if let alias = aliases[last] { return alias }
        for (old, new) in pythiaSizes where last.hasPrefix("pythia-\(old)") {
            let rest = last.dropFirst("pythia-\(old)".count)
            if rest.isEmpty || rest.hasPrefix("-") { return "pythia-\(new)\(rest)" }
        }
        for prefix in ["tiny-stories-", "tinystories-"] where last.hasPrefix(prefix) {
            let rest = String(last.dropFirst(prefix.count))
            return "tinystories-" + (tinyStories[rest] ?? rest)
        }
        return last
    }

    /// Aliases that do not follow from the hub's id, in lower case.
    private static let aliases = [
        "gpt2-small": "gpt2", "distillgpt2": "distilgpt2", "distill-gpt2": "distilgpt2",
        "distil-gpt2": "distilgpt2", "gpt2-xs": "distilgpt2",
        "pythia": "pythia-70m", "pythia-v0": "pythia-70m-v0",
        "gpt-neox": "gpt-neox-20b", "neox": "gpt-neox-20b",
        "mistral-7b": "mistral-7b-v0.1", "mistral-7b-instruct": "mistral-7b-instruct-v0.1",
        "llama-2-7b": "llama-2-7b-hf", "llama-2-7b-chat": "llama-2-7b-chat-hf",
        "llama-2-13b": "llama-2-13b-hf", "llama-2-13b-chat": "llama-2-13b-chat-hf",
        "meta-llama-3.1-8b": "llama-3.1-8b", "meta-llama-3.1-8b-instruct": "llama-3.1-8b-instruct",
        "gemma-3-270m-pt": "gemma-3-270m", "gpt-oss": "gpt-oss-20b",
        "olmo-2-1b": "olmo-2-0425-1b", "olmo-2-7b": "olmo-2-1124-7b",
    ]

    /// Sizes by which Pythia models went first.
    private static let pythiaSizes = [
        ("19m", "70m"), ("125m", "160m"), ("350m", "410m"), ("800m", "1b"), ("1.3b", "1.4b"),
        ("2.7b", "2.8b"), ("6.7b", "6.9b"), ("13b", "12b"),
    ]

    /// Sizes of TinyStories models whose short names differ from the hub's.
    private static let tinyStories = [
        "1l-21m": "1layer-21m", "2l-33m": "2layers-33m",
        "instruct-1l-21m": "instuct-1layer-21m", "instruct-2l-33m": "instruct-2layers-33m",
    ]
}
