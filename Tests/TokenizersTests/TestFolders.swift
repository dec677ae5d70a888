import Basics
import Glibc
import Testing
import Tokenizers

/// The folder of files that others made; nil where it is not there.
let sharedFolder = getenv("SAEVAL_SHARED").map { String(cString: $0) }
/// The folder of real models; nil where it is not there.
let realModelsFolder = getenv("SAEVAL_REAL_MODELS").map { String(cString: $0) }
/// A folder of many more cases; nil where it is not there.
let manyCasesFolder = getenv("SAEVAL_TOKENIZER_CASES").map { String(cString: $0) }
/// The folder of our own tokenizers.
let fixtureFolder = "\(parentFolder(of: parentFolder(of: #filePath)))/Fixtures/tokenizers"

/// The names of the tokenizers in a folder.
func tokenizerNames(in folder: String?) -> [String] {
    guard let folder, let names = try? folderContents(folder) else { return [] }
    return names.filter { fileExists("\(folder)/\($0)/cases.json") }
}

/// Lines and what the Python library makes of them.
struct TokenizerCases {
    /// The lines.
    var lines: [String]
    /// Their ids.
    var ids: [[Int32]]
    /// Their ids with the template's special tokens.
    var idsWithSpecial: [[Int32]]
    /// The text of the ids.
    var decoded: [String]
    /// The text of the ids without special tokens.
    var decodedWithoutSpecial: [String]
    /// The size of the vocabulary.
    var vocabularySize: Int

    init(path: String) throws {
        let json = try JSON(file: path)
        func rows(_ key: String) -> [[Int32]] {
            (json[key]?.elements ?? []).map { ($0.elements ?? []).map { Int32($0.integer ?? -1) } }
        }
        func texts(_ key: String) -> [String] { (json[key]?.elements ?? []).map { $0.text ?? "" } }
        lines = texts("lines")
        ids = rows("ids")
        idsWithSpecial = json["ids_with_special"] == nil ? ids : rows("ids_with_special")
        decoded = texts("decoded")
        decodedWithoutSpecial = texts("decoded_without_special")
        vocabularySize = json["vocabulary_size"]?.integer ?? 0
    }

    /// What differs between a tokenizer and the library, for messages.
    func differences(from tokenizer: Tokenizer) -> [String] {
        var faults = lines.isEmpty ? ["no lines to compare"] : []
        if tokenizer.vocabularySize != vocabularySize {
            faults.append("vocabulary of \(tokenizer.vocabularySize), not \(vocabularySize)")
        }
        for (index, line) in lines.enumerated() {
            let found = tokenizer.encode(line)
            if found != ids[index] {
                faults.append("\(line.debugDescription): \(found), not \(ids[index])")
            }
            if tokenizer.encode(line, addSpecialTokens: true) != idsWithSpecial[index] {
                faults.append("\(line.debugDescription) with special tokens")
            }
            let texts = [(false, decoded[index]), (true, decodedWithoutSpecial[index])]
            for (skips, expected) in texts {
                let text = String(
                    decoding: tokenizer.decode(ids[index], skipSpecialTokens: skips), as: UTF8.self)
                if !text.utf8.elementsEqual(expected.utf8) {
                    faults.append(
                        "decoded \(text.debugDescription), not \(expected.debugDescription)")
                }
            }
        }
        return faults
    }
}

/// Checksums of groups of ten items, as the script beside the fixtures makes them.
func checksums(_ items: [[UInt8]]) -> [String] {
    stride(from: 0, to: items.count, by: 10).map { start in
        var sum = Checksum()
        for item in items[start..<min(start + 10, items.count)] { sum.add(item) }
        return sum.text
    }
}

/// FNV-1a of 64 bits, cut to 32 bits.
struct Checksum {
    /// The sum so far.
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Adds bytes.
    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// The sum in eight digits.
    var text: String {
        let digits = String(UInt32(truncatingIfNeeded: value ^ value >> 32), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Ids as bytes, with an end that no id has.
    static func bytes(of ids: [Int32]) -> [UInt8] {
        (ids + [-1]).flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> ($0 * 8)) } }
    }
}

/// Runs a body with a folder of some files, which goes afterwards.
func withTemporaryFolder<Result>(
    _ files: [String: String], _ body: (String) throws -> Result
) throws -> Result {
    var template = Array("/tmp/saeval-tokenizers-XXXXXX\0".utf8CString)
    #expect(mkdtemp(&template) != nil)
    let folder = String(
        decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        for name in files.keys { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
    for (name, text) in files { try writeFile(Array(text.utf8), to: "\(folder)/\(name)") }
    return try body(folder)
}
