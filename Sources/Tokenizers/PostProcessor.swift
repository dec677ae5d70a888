import Basics

/// The special tokens that go around the ids of one text.
struct PostProcessor: Sendable {
    /// The ids before the text.
    var prefix: [Int32] = []
    /// The ids after the text.
    var suffix: [Int32] = []

    /// Reads the entry `post_processor` of a tokenizer file.
    init(_ json: JSON?, source: String) throws(TokenizerError) {
        guard let json, !json.isNull else { return }
        try append(json, source: source)
    }

    /// Nothing goes around the ids.
    init() {}

    /// Tokens from their texts; those without an id are left out.
    init(_ template: (before: [UInt8]?, after: [UInt8]?), ids: [[UInt8]: Int32]) {
        if let id = template.before.flatMap({ ids[$0] }) { prefix = [id] }
        if let id = template.after.flatMap({ ids[$0] }) { suffix = [id] }
    }

    /// Adds one entry, around those before it.
    private mutating func append(_ json: JSON, source: String) throws(TokenizerError) {
        let type = json["type"]?.text ?? ""
        switch type {
        case "ByteLevel": return  // Changes offsets alone.
        case "Sequence":
            for element in json["processors"]?.elements ?? [] {
                try append(element, source: source)
            }
        case "TemplateProcessing":
            try append(template: json, source: source)
        default:
            throw .unsupported("post-processor", type, source: source)
        }
    }

    /// Adds a template for one text.
    private mutating func append(template json: JSON, source: String) throws(TokenizerError) {
        var (before, after): ([Int32], [Int32]) = ([], [])
        var texts = 0
        for piece in json["single"]?.elements ?? [] {
            if piece["Sequence"]?["id"]?.text == "A" {
                texts += 1
            } else if let name = piece["SpecialToken"]?["id"]?.text {
                let ids = json["special_tokens"]?[name]?["ids"]?.elements?.compactMap(\.integer)
                guard let ids, ids.allSatisfy({ (0...BytePairModel.largestID).contains($0) }) else {
                    throw .malformed("the template's token `\(name)` has no ids", source: source)
                }
                if texts == 0 {
                    before += ids.map { Int32($0) }
                } else {
                    after += ids.map { Int32($0) }
                }
            } else {
                throw .unsupported("template piece", piece.text(), source: source)
            }
        }
        guard texts == 1 else {
            throw .malformed("the template holds the text \(texts) times, not once", source: source)
        }
        prefix = before + prefix
        suffix += after
    }
}
