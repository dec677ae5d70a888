import Basics
import Formats
import Hub

/// The files of a model repository that a run reads.
package enum ModelFiles {
    /// What a model cannot do without.
    static let configuration = "config.json"
    /// Files that are taken where they are there.
    private static let optional = [
        "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "chat_template.jinja", "chat_template.json",
    ]
    /// The whole tokenizer in one file.
    private static let tokenizer = "tokenizer.json"
    /// The tokenizer in files of older models.
    private static let olderTokenizer = ["vocab.json", "merges.txt", "tokenizer.model"]

    /// The first file that a folder lacks; nil when the model is whole.
    static func missing(in folder: String) -> String? {
        func isThere(_ name: String) -> Bool { fileExists("\(folder)/\(name)") }
        guard isThere(configuration) else { return configuration }
        if !isThere(tokenizer), !olderTokenizer.contains(where: isThere) { return tokenizer }
        if isThere(SafetensorsFolder.single) { return nil }
        let index = "\(folder)/\(SafetensorsFolder.index)"
        guard let json = try? JSON(file: index),
            let shards = try? SafetensorsFolder.shards(inIndex: json, source: index)
        else { return isThere(SafetensorsFolder.index) ? nil : SafetensorsFolder.single }
        return shards.first { !isThere($0) }
    }

    /// The files of a repository that a run reads.
    ///
    /// - Parameter contents: gets a small file, which is asked for the index of shards.
    /// - Throws: ``RunError`` for a repository that is no model with safetensors weights.
    package static func needed(
        in listing: HubListing, contents: (HubFile) throws -> [UInt8]
    ) throws -> [HubFile] {
        func wrong(_ what: String, _ advice: String) -> RunError {
            RunError(.unsuitable, "Repository `\(listing.id.text)` \(what)", advice: advice)
        }
        guard listing.file(configuration) != nil else {
            throw wrong("has no \(configuration), so it is no model", "name a model's repository")
        }
        var names = [configuration] + optional
        names += listing.file(tokenizer) != nil ? [tokenizer] : olderTokenizer
        if listing.file(SafetensorsFolder.single) != nil {
            names.append(SafetensorsFolder.single)
        } else if let index = listing.file(SafetensorsFolder.index) {
            let source = "\(index.path) of `\(listing.id.text)`"
            let json = try JSON(parsing: try contents(index), source: source)
            let shards = try SafetensorsFolder.shards(inIndex: json, source: source)
            if let shard = shards.first(where: { listing.file($0) == nil }) {
                throw wrong(
                    "has no \(shard), which its index names", "name another revision of it")
            }
            names += [index.path] + shards
        } else {
            throw wrong(
                "has no \(SafetensorsFolder.single), and other weights of models are not read",
                "name one with safetensors weights; many have a revision for them")
        }
        return names.compactMap(listing.file)
    }
}
