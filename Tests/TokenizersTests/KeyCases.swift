import Basics
import Testing
import Tokenizers

/// A tokenizer's files and what `transformers` with TransformerLens makes of texts by them.
struct KeyCase: Sendable, CustomTestStringConvertible {
    /// What the case is about.
    var name: String
    /// The files beside `tokenizer.json`, by name.
    var files: [String: String]
    /// The folder whose `tokenizer.json` it is, from that of the fixtures.
    var base: String
    /// The sections that replace those of `tokenizer.json`.
    var sections: [JSONMember]
    /// The class that the library took.
    var family: String
    /// The entry that the case is about.
    var key: String
    /// What is done with it: `computed`, `refused`, or why it changes nothing.
    var treatment: String
    /// The ids of BOS, EOS and padding; nil for none.
    var special: [Int32?]
    /// Whether the library puts a BOS in front.
    var prepends: Bool
    /// The ids of each text, without a BOS.
    var ids: [[Int32]]
    /// The ids of each text cut to six.
    var cut: [[Int32]]

    var testDescription: String { name }

    /// Reads one case.
    init(_ json: JSON, name: String) throws {
        func rows(_ key: String) -> [[Int32]] {
            (json[key]?.elements ?? []).map { ($0.elements ?? []).map { Int32($0.integer ?? -1) } }
        }
        self.name = json["name"]?.text ?? name
        files = [:]
        for file in json["files"]?.members ?? [] { files[file.key] = file.value.text() }
        base = try #require(json["base"]?.text)
        sections = json["sections"]?.members ?? []
        family = json["class"]?.text ?? ""
        (key, treatment) = (json["key"]?.text ?? "", json["what"]?.text ?? "")
        special = (json["special"]?.elements ?? []).map { $0.integer.map(Int32.init) }
        prepends = json["prepends"]?.truth ?? false
        (ids, cut) = (rows("ids"), rows("cut"))
    }

    /// The tokenizer of the case's files.
    func tokenizer() throws -> Tokenizer {
        var json = try JSON(file: "\(fixtureFolder)/\(base)/tokenizer.json").members ?? []
        for section in sections {
            json.removeAll { $0.key == section.key }
            json.append(section)
        }
        let all = files.merging(["tokenizer.json": JSON.object(json).text()]) { $1 }
        return try withTemporaryFolder(all) { try Tokenizer(folder: $0) }
    }

    /// What differs from the library, for messages.
    func differences(texts: [String]) throws -> [String] {
        let tokenizer = try tokenizer()
        var faults: [String] = []
        let own = tokenizer.special
        if [own.bos, own.eos, own.pad] != special { faults.append("\(own) for \(special)") }
        // README of Corpora: the class of GPT-2 ignores `add_bos_token`, as in transformers 4.
        let isDeaf =
            family == "GPT2Tokenizer" && files["tokenizer_config.json"]?.contains("GPT2") == true
        if own.prependsBOS != (prepends && !isDeaf) { faults.append("BOS \(own.prependsBOS)") }
        for (index, text) in texts.enumerated() {
            let made = tokenizer.encode(text)
            if made != ids[index] {
                faults.append("\(text.debugDescription): \(made) for \(ids[index])")
            }
            let kept = tokenizer.cutsBeginning ? made.suffix(6) : made.prefix(6)
            if Array(kept) != cut[index] { faults.append("cut \(kept) for \(cut[index])") }
        }
        return faults
    }
}

/// The texts and cases of a file.
func keyCases(_ path: String) throws -> (texts: [String], cases: [KeyCase]) {
    let json = try JSON(file: path)
    let cases = try (json["cases"]?.elements ?? []).enumerated().map { index, element in
        try KeyCase(element, name: "\(index)")
    }
    return ((json["texts"]?.elements ?? []).map { $0.text ?? "" }, cases)
}
