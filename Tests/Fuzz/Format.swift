import Basics
import Corpora
import Formats
import Glibc
import Tensors
import Tokenizers

/// The formats whose parsers are tried.
enum Format: String, CaseIterable {
    case safetensors, npz, pt, json, tokenizer, yaml, jsonl, csv, zst
    /// A parser with faults, to show that they are found.
    case faulty

    /// The formats of files.
    static let parsers = allCases.filter { $0 != .faulty }

    /// Reads an input with the format's parser.
    ///
    /// - Parameter path: a file that holds the input.
    /// - Returns: whether it was read; false when it was refused with an error of ours.
    /// - Throws: what no parser should throw, and ``Contradiction``.
    func reads(_ bytes: [UInt8], path: String) throws -> Bool {
        do {
            switch self {
            case .safetensors: try Self.touch(SafetensorsFile(path: path))
            case .npz: try Self.touch(NumpyArchive(path: path))
            case .pt: try Self.touch(TorchFile(path: path))
            case .json: try Self.checkJSON(bytes)
            case .tokenizer: try Self.use(Tokenizer(file: path))
            case .yaml: try Self.checkYAML(String(decoding: bytes, as: UTF8.self))
            case .jsonl, .csv, .zst: try readTable(path)
            case .faulty: try Self.fail(bytes)
            }
            return true
        } catch let error as FormatError {
            try Self.check(error.description)
        } catch let error as BasicsError {
            try Self.check(error.description)
        } catch let error as TokenizerError {
            try Self.check(error.description)
        } catch let error as CorporaError {
            try Self.check(error.description)
        }
        return false
    }

    /// A parser that contradicts itself.
    struct Contradiction: Error {
        /// What it said.
        var what: String
    }

    /// Throws for messages that nobody can read.
    private static func check(_ message: String) throws {
        if message.utf8.count > 20_000 { throw Contradiction(what: "a message without end") }
    }

    /// Reads every byte of every tensor.
    private static func touch(_ source: some TensorSource) throws {
        var firstError: FormatError?
        for name in source.tensorNames {
            do throws(FormatError) {
                let tensor = try source.tensor(name)
                guard try tensor.shape == source.shape(of: name),
                    try tensor.type == source.type(of: name)
                else { throw FormatError(.malformed, "contradiction") }
                sum = UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
                    .reduce(sum) { $0 &+ $1 }
            } catch {
                if error.message == "contradiction" { throw Contradiction(what: "shape or type") }
                firstError = error
            }
        }
        if let firstError { throw firstError }
    }

    /// Parses, writes and parses again.
    private static func checkJSON(_ bytes: [UInt8]) throws {
        let text = try JSON(parsing: bytes, source: "input").text()
        guard let again = try? JSON(parsing: Array(text.utf8), source: "text"), again.text() == text
        else { throw Contradiction(what: "JSON that was written is not read: \(text.prefix(200))") }
    }

    /// Unpacks a file, or reads two columns of a table, under a name that tells its kind.
    private func readTable(_ path: String) throws {
        let named = "\(path).\(rawValue)"
        unlink(named)
        guard symlink(path, named) == 0 else {
            throw Contradiction(what: "\(named) cannot be made")
        }
        defer { unlink(named) }
        guard self != .zst else {
            sum = try unpackedBytes(ofFile: named, mostBytes: 1 << 24).reduce(sum) { $0 &+ $1 }
            return
        }
        let table = try TableFile(path: named)
        let columns = try table.columnNames()
        var count = 0
        try table.forEachRow(Array(columns.prefix(2))) { row in
            guard row.index == count else { throw Contradiction(what: "the number of a row") }
            count += 1
            for cell in row.cells {
                sum = try (cell.text(source: "input") ?? []).reduce(sum) { $0 &+ $1 }
            }
            return true
        }
    }

    /// Parses, and now and then writes and parses again.
    private static func checkYAML(_ text: String) throws {
        let tree = try yamlTree(text, source: "input")
        guard text.utf8.count % 8 == 0 else { return }
        let written = try yamlText(of: tree)
        guard let again = try? yamlTree(written, source: "text"), again.text() == tree.text() else {
            throw Contradiction(what: "YAML that was written is not read: \(written.prefix(200))")
        }
    }

    /// Traps, takes too much memory, too much time or throws something else, now and then.
    private static func fail(_ bytes: [UInt8]) throws {
        switch bytes.count {
        case 0...5: preconditionFailure("a trap")
        case 6...10:
            let large = [UInt8](repeating: 1, count: 80 << 20)
            sum = sum &+ large[bytes.count]
        case 11...12:
            let began = clock()
            while clock() - began < 1_200_000 { sum = sum &+ 1 }
        case 13...16: throw Contradiction(what: "an error of nobody")
        default: throw FormatError(.malformed, "refused", advice: "nothing")
        }
    }

    /// Encodes and decodes a text of all kinds of characters.
    private static func use(_ tokenizer: Tokenizer) throws {
        let text = "a ab  <s>b\n\u{E9}e\u{301}😀 ▁ĠÅ 123\t<0x0A>\0 \u{200D}don't"
        let ids = tokenizer.encode(text, addSpecialTokens: true)
        sum = tokenizer.decode(ids).reduce(sum) { $0 &+ $1 }
        _ = tokenizer.decode([-1, 0, .max, 5], skipSpecialTokens: true)
    }
}

/// What was read, so that no reading is left out.
nonisolated(unsafe) private var sum: UInt8 = 0
