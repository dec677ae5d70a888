import Basics
import Formats
import Tensors
import Testing

/// The bytes of a file with a header of choice.
func safetensors(_ header: String, data: [UInt8] = [], declared: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    return withUnsafeBytes(of: (declared ?? UInt64(text.count)).littleEndian) { Array($0) } + text
        + data
}

@Suite("Safetensors file")
struct SafetensorsFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "What Python wrote is read",
        arguments: ["f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u8"])
    func python(name: String) throws {
        let file = try SafetensorsFile(path: "\(fixtureFolder)/python.safetensors")
        let tensor = try file.tensor(name)
        #expect(tensor.shape == [2, 3])
        #expect(tensor.values == [0, 1, 2, 3, 4, 5])
        #expect(try file.type(of: name) == tensor.type)
        #expect(tensor.type.byteCount == (Int(name.filter(\.isNumber)) ?? 0) / 8)
    }

    @Test("Shapes without elements or axes, metadata and names are read")
    func pythonOddities() throws {
        let file = try SafetensorsFile(path: "\(fixtureFolder)/python.safetensors")
        #expect(file.metadata == ["format": "pt", "né": "wert"])
        #expect(file.tensorNames.count == 12 && file.tensorNames == file.tensorNames.sorted())
        #expect(try file.tensor("scalar").values == [7])
        #expect(try file.shape(of: "scalar") == [])
        #expect(try file.tensor("empty").shape == [0, 4])
        #expect(try file.tensor("bool").values == [0, 1, 0, 1, 0, 1])
        #expect(file.contains("bool") && !file.contains("Bool"))
    }

    @Test("A tensor outlives the object it was read from")
    func lifetime() throws {
        func read() throws -> Tensor {
            try SafetensorsFile(path: "\(fixtureFolder)/python.safetensors").tensor("f32")
        }
        #expect(try read().values == [0, 1, 2, 3, 4, 5])
    }

    @Test("What is written is read again", arguments: ElementType.allCases)
    func roundTrip(type: ElementType) throws {
        let tensor = Tensor(uninitialized: [3, 5], type: type)
        for index in 0..<tensor.byteCount {
            tensor.bytes.storeBytes(of: UInt8(index % 2), toByteOffset: index, as: UInt8.self)
        }
        let path = "\(folder.path)/round.safetensors"
        let odd = Tensor(uninitialized: [1], type: .uint8)
        odd.bytes.storeBytes(of: 9, as: UInt8.self)
        try writeSafetensors([("odd", odd), ("ü \"x\"", tensor)], metadata: ["k": "v"], to: path)
        let file = try SafetensorsFile(path: path)
        // One byte is before it, so that a wide type is not aligned and must be copied.
        let read = try file.tensor("ü \"x\"")
        #expect(read.shape == [3, 5] && read.type == type)
        let (first, second) = (
            UnsafeRawBufferPointer(start: read.bytes, count: read.byteCount),
            UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
        )
        #expect(first.elementsEqual(second))
        #expect(UInt(bitPattern: read.bytes) % UInt(type.byteCount) == 0)
        #expect(file.metadata == ["k": "v"])
    }

    @Test("A name that is used twice is not written")
    func duplicateName() throws {
        let tensor = Tensor([1], shape: [1])
        let path = "\(folder.path)/twice.safetensors"
        #expect(throws: FormatError.self) {
            try writeSafetensors([("a", tensor), ("a", tensor)], to: path)
        }
        #expect(!fileExists(path))
    }

    @Test("A missing tensor is an error that names the nearest")
    func missingTensor() throws {
        let file = try SafetensorsFile(path: "\(fixtureFolder)/python.safetensors")
        let error = #expect(throws: FormatError.self) { try file.tensor("scaler") }
        #expect(error?.code == .tensorMissing)
        #expect(error?.advice?.contains("`scalar`") == true)
    }

    @Test("A missing file is an error that names it")
    func missingFile() {
        let error = #expect(throws: FormatError.self) {
            try SafetensorsFile(path: "/nonexistent/x.safetensors")
        }
        #expect(error?.code == .missing)
        #expect(error?.message.contains("/nonexistent/x.safetensors") == true)
    }

    @Test("A file cut anywhere is an error")
    func truncated() throws {
        let bytes = try readFile("\(fixtureFolder)/python.safetensors")
        for length in 0..<bytes.count {
            let path = try folder.write(Array(bytes[..<length]), as: "cut")
            let error = #expect(throws: FormatError.self, "\(length)") {
                try SafetensorsFile(path: path)
            }
            #expect(error?.code == .truncated, "\(length): \(String(describing: error))")
        }
    }

    @Test("A flipped bit in the header is an error or gives tensors within the file")
    func flippedBits() throws {
        let original = try readFile("\(fixtureFolder)/python.safetensors")
        let headerEnd = 8 + Int(original[0]) + Int(original[1]) * 256
        var random = TestRandom(seed: 1)
        for _ in 0..<fuzzRounds {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<headerEnd, using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
            }
            try survives(bytes)
        }
    }

    /// Reads everything there is and accepts no error but the target's own.
    private func survives(_ bytes: [UInt8]) throws {
        let path = try folder.write(bytes, as: "flipped")
        do {
            let file = try SafetensorsFile(path: path)
            for name in file.tensorNames { _ = try file.tensor(name).values.count }
        } catch is FormatError {}
    }

    @Test(
        "A forged header is an error of the right kind",
        arguments: [
            (safetensors("{}", declared: 1 << 63), FormatDomain.Code.truncated),
            (safetensors("{}", declared: .max), .truncated),
            (safetensors("{}", declared: 3), .truncated),
            (safetensors("[]"), .malformed),
            (safetensors("{\"a\": 1}"), .malformed),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [], \"data_offsets\": [0, 1]}}",
                    data: [0]), .unsupported
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [-1], \"data_offsets\": [0, 1]}}",
                    data: [0]), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [1.5], \"data_offsets\": [0, 1]}}",
                    data: [0]), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 1]}}",
                    data: [0]), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [1, 0]}}",
                    data: [0]), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0]}}", data: [0]
                ), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [0, 4]}}",
                    data: [0]), .truncated
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [9223372036854775806, 9223372036854775807]}}"
                ), .truncated
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"F32\", \"shape\": [4611686018427387904, 4], \"data_offsets\": [0, 0]}}"
                ), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"F32\", \"shape\": [0, 4611686018427387904, 4], \"data_offsets\": [0, 0]}}"
                ), .malformed
            ),
            (
                safetensors(
                    "{\"a\": {\"dtype\": \"U8\", \"shape\": [0], \"data_offsets\": [0, 0]}, \"a\": {\"dtype\": \"U8\", \"shape\": [0], \"data_offsets\": [0, 0]}}"
                ), .malformed
            ),
        ])
    func forged(bytes: [UInt8], code: FormatDomain.Code) throws {
        let path = try folder.write(bytes, as: "forged")
        let error = #expect(throws: FormatError.self) { try SafetensorsFile(path: path) }
        #expect(error?.code == code, "\(String(describing: error))")
        #expect(error?.message.contains(path) == true && error?.advice != nil)
    }
}
