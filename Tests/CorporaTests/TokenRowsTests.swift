import Basics
import Formats
import Tensors
import Testing
import Tokenizers

@testable import Corpora

/// A request for rows.
private func request(_ rows: Int, of positions: Int, bos: Bool = true) -> RowRequest {
    RowRequest(dataset: "test", contextSize: positions, rows: rows, prependsBOS: bos)
}

/// Asks for no tokenizer.
private struct NoTokenizer: Error {}

struct PackedTextTests {
    @Test("Texts become rows, and a dataset that ends is read again from its start")
    func wrapping() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"text\": \"abcde\"}\n{\"text\": \"fg\"}\n")
        let letters = try tokenizer(in: folder)
        let packed = try packRows(request(5, of: 4), path: path) { letters }
        let once: [Int32] = [0, 1, 2, 3, 0, 4, 5, 0]
        // The unfinished row with `fg` is dropped at each end.
        #expect(packed.rows.tokens == once + once + once.prefix(4))
        #expect(packed.distinctRows == 2)
        #expect(packed.rows.count == 5)
        #expect(packed.rows.rows(1..<2) == [0, 4, 5, 0])
    }

    @Test("Rows without BOS begin with text and still have separators")
    func withoutRowStart() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"text\": \"abcde\"}\n{\"text\": \"fg\"}\n")
        let letters = try tokenizer(in: folder)
        let packed = try packRows(request(2, of: 4, bos: false), path: path) { letters }
        #expect(packed.rows.tokens == [1, 2, 3, 4, 5, 0, 6, 7])
        #expect(packed.distinctRows == 2)
    }

    @Test("A dataset too short for one row is refused", arguments: ["abc", ""])
    func tooShort(text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"text\": \"\(text)\"}\n")
        let letters = try tokenizer(in: folder)
        let error = try corporaError { _ = try packRows(request(1, of: 5), path: path) { letters } }
        #expect(error.code == .empty)
        #expect(error.message.contains("5"))
    }

    @Test("Rows that must begin with BOS need a tokenizer that has one")
    func noBOS() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"text\": \"abcdefgh\"}\n")
        let letters = try tokenizer(in: folder, hasBOS: false)
        #expect(
            try corporaError { _ = try packRows(request(1, of: 4), path: path) { letters } }.code
                == .unsupported)
        let packed = try packRows(request(2, of: 4, bos: false), path: path) { letters }
        #expect(packed.rows.tokens == [1, 2, 3, 4, 5, 6, 7, 8])
    }
}

struct ReadyRowsTests {
    @Test("Lists of ids are cut to the row's length and ask for no tokenizer")
    func lists() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"tokens\": [5, 6, 7]}\n{\"tokens\": [8, 9, 4, 3]}\n")
        let packed = try packRows(request(3, of: 3), path: path) { throw NoTokenizer() }
        #expect(packed.rows.tokens == [5, 6, 7, 8, 9, 4, 5, 6, 7])
        #expect(packed.distinctRows == 2)
        let error = try corporaError {
            _ = try packRows(request(3, of: 4), path: path) { throw NoTokenizer() }
        }
        #expect(error.code == .wrongShape)
    }

    /// Tensors of rows 0 to 3 of three ids each.
    private static func tensor(_ shape: [Int], _ type: ElementType, first: Int = 10) -> Tensor {
        let tensor = Tensor(uninitialized: shape, type: type)
        for index in 0..<tensor.count {
            let offset = index * type.byteCount
            if type == .int64 {
                tensor.bytes.storeBytes(
                    of: Int64(first + index), toByteOffset: offset, as: Int64.self)
            } else {
                tensor.bytes.storeBytes(
                    of: Int32(first + index), toByteOffset: offset, as: Int32.self)
            }
        }
        return tensor
    }

    @Test(
        "Tensors of two and three axes give their rows, again from the start when they end",
        arguments: [[4, 3], [2, 2, 3], [1, 4, 3]], [ElementType.int32, .int64])
    func safetensors(shape: [Int], type: ElementType) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/rows.safetensors"
        try writeSafetensors([(name: "tokens", tensor: Self.tensor(shape, type))], to: path)
        let packed = try packRows(request(5, of: 2), path: path) { throw NoTokenizer() }
        #expect(packed.rows.tokens == [10, 11, 13, 14, 16, 17, 19, 20, 10, 11])
        #expect(packed.distinctRows == 4)
        let few = try packRows(request(2, of: 3), path: path) { throw NoTokenizer() }
        #expect(few.rows.tokens == [10, 11, 12, 13, 14, 15])
        #expect(few.distinctRows == 2)
    }

    @Test("An npz archive gives its rows", arguments: ["2d", "3d"])
    func archive(name: String) throws {
        let packed = try packRows(request(3, of: 3), path: "\(fixtures)/\(name).npz") {
            throw NoTokenizer()
        }
        #expect(packed.rows.tokens == [10, 11, 12, 13, 14, 15, 16, 17, 18])
        #expect(packed.distinctRows == 3)
    }

    /// A tensor that holds no rows of at least three ids.
    struct Unsuitable: Sendable {
        var shape: [Int]
        var type: ElementType
        var first = 10
        var code = CorporaDomain.Code.wrongShape
    }

    static let unsuitable: [Unsuitable] = [
        Unsuitable(shape: [4, 3], type: .float32), Unsuitable(shape: [12], type: .int32),
        Unsuitable(shape: [0, 3], type: .int32), Unsuitable(shape: [1, 2, 2, 3], type: .int32),
        Unsuitable(shape: [6, 2], type: .int32), Unsuitable(shape: [2, 3, 2], type: .int64),
        Unsuitable(shape: [4, 3], type: .int32, first: -1, code: .malformed),
        Unsuitable(shape: [4, 3], type: .int64, first: -1, code: .malformed),
        Unsuitable(shape: [4, 3], type: .int64, first: Int(Int32.max) - 1, code: .malformed),
    ]

    @Test("Tensors that hold no rows of ids are refused", arguments: unsuitable)
    func refused(entry: Unsuitable) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/rows.safetensors"
        let tensor =
            entry.type == .float32
            ? Tensor(zeros: entry.shape) : Self.tensor(entry.shape, entry.type, first: entry.first)
        try writeSafetensors([(name: "tokens", tensor: tensor)], to: path)
        let error = try corporaError {
            _ = try packRows(request(4, of: 3), path: path) { throw NoTokenizer() }
        }
        #expect(error.code == entry.code)
        #expect(error.message.contains(path))
    }

    @Test("A missing file is named", arguments: ["a.safetensors", "a.npz", "a.jsonl"])
    func missing(name: String) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/\(name)"
        let error = try corporaError {
            _ = try packRows(request(1, of: 2), path: path) { throw NoTokenizer() }
        }
        #expect(error.code == .missing)
        #expect(error.message.contains(path))
    }

    @Test("A file without the tensor is refused")
    func otherName() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/rows.safetensors"
        try writeSafetensors([(name: "ids", tensor: Self.tensor([4, 3], .int32))], to: path)
        #expect(throws: FormatError.self) {
            try packRows(request(1, of: 2), path: path) { throw NoTokenizer() }
        }
    }
}
