import Formats
import Testing

/// A file made to harm and what must become of it.
struct Attack: Sendable, CustomTestStringConvertible {
    /// What it tries.
    var name: String
    /// The file.
    var bytes: [UInt8]
    /// The kind of the error.
    var code: FormatDomain.Code
    /// A piece of the error's sentence.
    var sentence: String

    var testDescription: String { name }

    /// An attack of some bytes.
    init(_ name: String, _ bytes: [UInt8], _ code: FormatDomain.Code, _ sentence: String) {
        (self.name, self.bytes, self.code, self.sentence) = (name, bytes, code, sentence)
    }

    /// Throws itself at a reader and checks its error.
    func check(as file: String, _ read: (String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, as: file)
        let error = #expect(throws: FormatError.self, "\(name)") { try read(path) }
        #expect(error?.code == code, "\(name): \(error.map { "\($0)" } ?? "")")
        #expect(
            error?.message.contains(sentence) == true, "\(name): \(error.map { "\($0)" } ?? "")")
        // Whatever the file holds, the message stays short and says what to do.
        #expect((error?.message.utf8.count ?? 0) < 2_000 && error?.advice != nil, "\(name)")
    }
}

/// The bytes of a little-endian number.
func littleEndian(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
