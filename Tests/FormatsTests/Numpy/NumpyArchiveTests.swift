import Basics
import Formats
import Tensors
import Testing

@Suite("Numpy archive")
struct NumpyArchiveTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The archives that Python wrote: stored, deflated, with data descriptors, with 64-bit
    /// records.
    static let archives = ["stored", "deflated", "descriptors", "zip64"]

    @Test("What numpy wrote is read", arguments: archives)
    func read(name: String) throws {
        let archive = try NumpyArchive(path: "\(fixtureFolder)/\(name).npz")
        #expect(archive.arrayNames == ["W_enc", "b_dec", "threshold"])
        #expect(try archive.shape(of: "W_enc") == [3, 4])
        #expect(try archive.type(of: "b_dec") == .float64)
        #expect(try archive.tensor("W_enc").values == (0..<12).map { Float($0) })
        #expect(try archive.tensor("b_dec").values == [0, 1, 2, 3])
        let threshold = try archive.tensor("threshold")
        #expect(threshold.shape == [2, 3] && threshold.values == [0, 1, 2, 3, 4, 5])
    }

    @Test("A missing array is an error that names the nearest")
    func missing() throws {
        let archive = try NumpyArchive(path: "\(fixtureFolder)/stored.npz")
        let error = #expect(throws: FormatError.self) { try archive.tensor("W_en") }
        #expect(error?.code == .tensorMissing && error?.advice?.contains("`W_enc`") == true)
        #expect(!archive.contains("W_en") && archive.contains("W_enc"))
    }

    @Test("An archive cut anywhere is an error", arguments: archives)
    func truncated(name: String) throws {
        let bytes = try readFile("\(fixtureFolder)/\(name).npz")
        // The comment at the end may be cut without harm to the rest.
        let end = name == "descriptors" ? bytes.count - 9 : bytes.count
        for length in 0..<end {
            let path = try folder.write(Array(bytes[..<length]), as: "cut")
            #expect(throws: FormatError.self, "\(length)") { try NumpyArchive(path: path) }
        }
    }

    @Test("Flipped bits are an error or leave the values as they were", arguments: archives)
    func flippedBits(name: String) throws {
        let original = try readFile("\(fixtureFolder)/\(name).npz")
        var random = TestRandom(seed: 3)
        for _ in 0..<fuzzRounds {
            var bytes = original
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
            }
            let path = try folder.write(bytes, as: "flipped")
            do {
                let archive = try NumpyArchive(path: path)
                for name in archive.arrayNames {
                    let tensor = try archive.tensor(name)
                    // The checksum covers every byte of an array.
                    #expect(tensor.values == (0..<tensor.count).map { Float($0) })
                }
            } catch {}
        }
    }

    @Test("A damaged checksum is noticed", arguments: ["stored", "deflated"])
    func checksum(name: String) throws {
        var bytes = try readFile("\(fixtureFolder)/\(name).npz")
        let entry = try #require(
            (0..<bytes.count).first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        bytes[entry + 16] ^= 1
        let archive = try NumpyArchive(path: folder.write(bytes, as: "damaged"))
        let error = #expect(throws: FormatError.self) { try archive.tensor("W_enc") }
        #expect(error?.code == .malformed && error?.message.contains("checksum") == true)
    }

    @Test("A member that claims to be huge is refused before memory is taken")
    func bomb() throws {
        var bytes = try readFile("\(fixtureFolder)/deflated.npz")
        let entry = try #require(
            (0..<bytes.count).first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        bytes.replaceSubrange(entry + 24..<entry + 28, with: [0xFE, 0xFF, 0xFF, 0xFF])
        let path = try folder.write(bytes, as: "bomb")
        let error = #expect(throws: FormatError.self) { try NumpyArchive(path: path) }
        #expect(error?.code == .malformed && error?.message.contains("4294967294") == true)
    }

    @Test(
        "A file that is no archive is an error",
        arguments: [[], [0x50, 0x4B], [UInt8](repeating: 0, count: 100)])
    func noArchive(bytes: [UInt8]) throws {
        let path = try folder.write(bytes, as: "none")
        let error = #expect(throws: FormatError.self) { try NumpyArchive(path: path) }
        #expect(error?.code == .malformed)
    }
}
