import Basics

/// The changes that a tokenizer makes to text before anything else.
struct Normalizer: Sendable {
    /// One change.
    enum Step: Sendable {
        /// Canonical composition.
        case composed
        /// Every occurrence of a text becomes another.
        case replace([UInt8], with: [UInt8])
        /// A text goes in front, unless there is nothing.
        case prepend([UInt8])
    }

    /// The changes in order.
    var steps: [Step] = []

    /// The text after all changes.
    func normalized(_ text: UTF8Text) -> UTF8Text {
        var text = text
        for step in steps {
            switch step {
            case .composed: text = CanonicalComposition.composed(text)
            case .replace(let pattern, let content): text = text.replacing(pattern, with: content)
            case .prepend(let content): if !text.isEmpty { text = (content + text)[...] }
            }
        }
        return text
    }
}

// MARK: - Loading

extension Normalizer {
    /// Reads the entry `normalizer` of a tokenizer file.
    init(_ json: JSON?, source: String) throws(TokenizerError) {
        guard let json, !json.isNull else { return }
        var growth = ReplacementGrowth()
        try append(json, growth: &growth, source: source)
    }

    /// Adds the steps of one entry.
    private mutating func append(
        _ json: JSON, growth: inout ReplacementGrowth, source: String
    ) throws(TokenizerError) {
        let type = json["type"]?.text ?? ""
        switch type {
        case "Sequence":
            for element in json["normalizers"]?.elements ?? [] {
                try append(element, growth: &growth, source: source)
            }
        case "NFC":
            steps.append(.composed)
        case "Replace":
            guard let pattern = json["pattern"]?["String"]?.text,
                let content = json["content"]?.text
            else {
                throw .unsupported(
                    "Replace pattern", json["pattern"]?.text() ?? "null", source: source)
            }
            try growth.multiply(by: Array(content.utf8), for: Array(pattern.utf8), source: source)
            steps.append(.replace(Array(pattern.utf8), with: Array(content.utf8)))
        case "Prepend":
            let content = Array((json["prepend"]?.text ?? "").utf8)
            try growth.multiply(by: content, for: [0], source: source)
            steps.append(.prepend(content))
        default:
            throw .unsupported("normalizer", type, source: source)
        }
    }
}
