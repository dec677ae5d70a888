import Basics
import Formats
import Tensors
import Testing

/// The bytes of an npy file with a header of choice.
func npy(_ header: String, data: [UInt8] = [], version: UInt8 = 1, declared: Int? = nil) -> [UInt8]
{
    let length = declared ?? header.utf8.count
    let count = version == 1 ? 2 : 4
    let lengthBytes = (0..<count).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + Array(header.utf8) + data
}

@Suite("Numpy file")
struct NumpyFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "What numpy wrote is read in row-major order",
        arguments: ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "b1"], ["c", "fortran"])
    func types(name: String, order: String) throws {
        let file = try NumpyFile(path: "\(fixtureFolder)/\(name)-\(order).npy")
        let tensor = try file.tensor()
        #expect(tensor.shape == [2, 3, 4] && file.shape == [2, 3, 4] && file.type == tensor.type)
        #expect(tensor.values == (0..<24).map { name == "b1" ? Float($0 % 2) : Float($0) })
    }

    @Test("Big-endian arrays are read")
    func bigEndian() throws {
        let file = try NumpyFile(path: "\(fixtureFolder)/big-endian.npy")
        #expect(try file.tensor().values == [0, 1, 2, 3, 4])
    }

    @Test("Versions 2 and 3 are read", arguments: ["version2", "version3"])
    func versions(name: String) throws {
        #expect(
            try NumpyFile(path: "\(fixtureFolder)/\(name).npy").tensor().values == [0, 1, 2, 3, 4])
    }

    @Test("Arrays without axes or elements are read")
    func oddShapes() throws {
        let scalar = try NumpyFile(path: "\(fixtureFolder)/scalar.npy").tensor()
        #expect(scalar.shape == [] && scalar.values == [2.5])
        #expect(try NumpyFile(path: "\(fixtureFolder)/empty.npy").tensor().shape == [0, 3])
    }

    @Test(
        "Element types that are not read are named",
        arguments: [("fields", "'a'"), ("objects", "|O")])
    func unsupported(name: String, type: String) {
        let error = #expect(throws: FormatError.self) {
            try NumpyFile(path: "\(fixtureFolder)/\(name).npy")
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(type) == true)
    }

    @Test("A file cut anywhere is an error", arguments: ["f4-c", "i8-fortran"])
    func truncated(name: String) throws {
        let bytes = try readFile("\(fixtureFolder)/\(name).npy")
        for length in 0..<bytes.count {
            let path = try folder.write(Array(bytes[..<length]), as: "cut")
            let error = #expect(throws: FormatError.self, "\(length)") { try NumpyFile(path: path) }
            #expect(error?.code == .truncated)
        }
    }

    @Test(
        "A flipped bit is an error or gives an array within the file",
        arguments: ["f4-c", "i8-fortran"])
    func flippedBits(name: String) throws {
        let original = try readFile("\(fixtureFolder)/\(name).npy")
        var random = TestRandom(seed: 2)
        var refused = 0
        for _ in 0..<fuzzRounds {
            var bytes = original
            bytes[Int.random(in: 0..<128, using: &random)] ^=
                1 << UInt8.random(in: 0..<8, using: &random)
            let path = try folder.write(bytes, as: "flipped")
            do { _ = try NumpyFile(path: path).tensor().values } catch { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test(
        "A forged header is an error of the right kind",
        arguments: [
            (
                npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", declared: 65535),
                FormatDomain.Code.truncated
            ),
            (npy("{}", version: 2, declared: 0xFFFF_FFFF), .tooLarge),
            (npy("{}", version: 4), .malformed),
            (npy("{}"), .malformed),
            (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4)"), .malformed),
            (npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (4,)}"), .malformed),
            (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}"), .malformed),
            (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'more': 1}"), .malformed),
            (
                npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}"),
                .malformed
            ),
            (
                npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
                .malformed
            ),
            (
                npy(
                    "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 9223372036854775807, 3)}"),
                .malformed
            ),
            (
                npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2305843009213693951,)}"),
                .truncated
            ),
            (
                npy(
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
                    data: [1, 2, 3, 4, 5, 6, 7]), .truncated
            ),
        ])
    func forged(bytes: [UInt8], code: FormatDomain.Code) throws {
        let path = try folder.write(bytes, as: "forged")
        let error = #expect(throws: FormatError.self) { try NumpyFile(path: path) }
        #expect(error?.code == code, "\(String(describing: error))")
    }
}
