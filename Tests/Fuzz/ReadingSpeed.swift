import Basics
import Formats
import Glibc
import Tensors

/// Measures how fast weights are read from files in the system's cache.
struct ReadingSpeed {
    /// Where the files are written for a while.
    let folder: String

    /// The matrix has as many rows and columns as that of an autoencoder.
    private static let (rows, columns) = (16_384, 4_096)

    /// Writes files of 256 MiB, reads each three times and prints the best.
    func measure() throws {
        let byteCount = Self.rows * Self.columns * 4
        var values = [Float](repeating: 0, count: Self.rows * Self.columns)
        for index in values.indices { values[index] = Float(index & 0xFFFF) * 0x1p-16 - 0.5 }
        let data = values.withUnsafeBytes { Array($0) }
        let path = "\(folder)/saeval-speed-\(getpid())"
        defer { unlink(path) }
        for isTransposed in [false, true] {
            let order = isTransposed ? "transposed" : "row-major"
            try write(Self.torchFile(data, isTransposed: isTransposed), to: path)
            try report("pt, \(order)", byteCount) { try TorchFile(path: path).tensor("w") }
            try write(Self.numpyArchive(data, isTransposed: isTransposed), to: path)
            try report("npz, \(order)", byteCount) { try NumpyArchive(path: path).tensor("w") }
        }
    }

    /// Reads a tensor three times, sums its values each time and prints the best speed.
    private func report(_ name: String, _ byteCount: Int, _ read: () throws -> Tensor) throws {
        var best = Duration.seconds(1_000)
        for _ in 0..<4 {
            let began = ContinuousClock.now
            let tensor = try read()
            best = min(best, began.duration(to: .now))
            guard tensor.byteCount == byteCount, tensor.value(at: Self.columns + 1) != 0 else {
                throw Format.Contradiction(what: "\(name) is read wrongly")
            }
        }
        let seconds = Double(best.components.attoseconds) * 1e-18 + Double(best.components.seconds)
        let megabytes = Int(Double(byteCount) / seconds / 1e6)
        say(
            "\(name): \(byteCount >> 20) MiB in \(Int(seconds * 1000)) ms, \(megabytes) MB/s"
        )
    }

    /// Writes a file.
    private func write(_ bytes: [UInt8], to path: String) throws {
        try writeFile(bytes, to: path)
    }

    /// A torch file of one matrix.
    private static func torchFile(_ data: [UInt8], isTransposed: Bool) -> [UInt8] {
        func text(_ text: String) -> [UInt8] {
            [0x58] + Archive.number(text.utf8.count, 4) + Array(text.utf8)
        }
        func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + Archive.number(value, 8) }
        let storage =
            [0x28] + text("storage") + Array("ctorch\nFloatStorage\n".utf8) + text("0")
            + text("cpu") + integer(rows * columns) + [0x74, 0x51]
        let strides = isTransposed ? integer(1) + integer(rows) : integer(columns) + integer(1)
        let layout = integer(rows) + integer(columns) + [0x86] + strides + [0x86]
        let tensor =
            Array("ctorch._utils\n_rebuild_tensor_v2\n(".utf8) + storage + integer(0) + layout
            + [0x89, 0x7D, 0x74, 0x52]
        return Archive.bytes([
            ("a/data.pkl", [0x80, 2, 0x7D] + text("w") + tensor + [0x73, 0x2E]),
            ("a/data/0", data),
        ])
    }

    /// A numpy archive of one matrix.
    private static func numpyArchive(_ data: [UInt8], isTransposed: Bool) -> [UInt8] {
        let order = isTransposed ? "True" : "False"
        let header = "{'descr': '<f4', 'fortran_order': \(order), 'shape': (\(rows), \(columns)), }"
        let padded = header + String(repeating: " ", count: 118 - header.utf8.count)
        let start = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
        return Archive.bytes([("w.npy", start + Array(padded.utf8) + data)])
    }
}
