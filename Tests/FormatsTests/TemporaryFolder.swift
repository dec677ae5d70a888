import Basics
import Glibc
import Testing

/// The folder of files that Python wrote.
let fixtureFolder = "\(parentFolder(of: parentFolder(of: #filePath)))/Fixtures/formats"

/// A folder that goes with this object, with everything in it.
final class TemporaryFolder {
    /// Its path.
    let path: String

    init() throws {
        var template = Array("/tmp/saeval-formats-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    /// Writes a file and gives its path.
    func write(_ bytes: [UInt8], as name: String) throws -> String {
        let place = "\(path)/\(name)"
        try makeFolder(parentFolder(of: place))
        let file = try #require(fopen(place, "w"))
        // Not flushed to disk: the fuzz tests write thousands.
        let written = fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        try #require(written == bytes.count)
        return place
    }

    /// Removes a file or folder that a test made.
    private static func remove(_ path: String) {
        if folderExists(path) {
            for name in (try? folderContents(path)) ?? [] { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

/// A generator for tests, the same everywhere.
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// Rounds of a fuzz test; `SAEVAL_FUZZ_ROUNDS` makes it longer.
let fuzzRounds = getenv("SAEVAL_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 500
