import Basics
import Glibc
import Kernels

extension MachineProfile {
    /// Bytes written and read back to measure a disk.
    private static let sampleBytes = 64 << 20

    /// This machine, measured in a few seconds: products on one core, a file in a folder, `fsync`.
    ///
    /// - Parameters:
    ///   - folder: where the file is written and removed again; the nearest existing folder counts.
    ///   - cores: cores that runs may use, a rank for each.
    /// - Throws: ``RunError`` when the folder cannot be written to; errors of the kernels.
    public static func measured(in folder: String, cores: Int) throws -> MachineProfile {
        let products = try kernelBenchmark(.quick).filter { $0.operation.hasPrefix("linear") }
        let rate = products.map(\.rate).max() ?? 1
        let disk = try DiskSample(folder: nearestFolder(to: folder), bytes: sampleBytes)
        return MachineProfile(
            name: "this",
            note: "\(cores) cores, a rank for each: products at \(oneDecimal(rate)) GFLOP/s",
            operationsPerSecond: rate * 1e9, ranksPerNode: cores,
            diskBytesPerSecond: disk.bytesPerSecond, sharedBytesPerSecond: disk.bytesPerSecond,
            loadBytesPerSecond: max(disk.bytesPerSecond, 4e9),
            memoryBytes: hostMemoryBytes(), isGPU: false, journalSeconds: disk.syncSeconds)
    }
}

/// How fast a folder's disk takes bytes and makes them safe.
private struct DiskSample {
    /// Bytes of a large file in a second, made safe by `fdatasync`.
    let bytesPerSecond: Double
    /// Seconds of a small append with `fsync`.
    let syncSeconds: Double

    /// Writes a file and removes it.
    init(folder: String, bytes: Int) throws {
        let path = "\(folder)/.saeval-disk-\(getpid())"
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw BasicsError.unwritable(
                "\(path) cannot be written", advice: "an `artifacts` folder that you may write to")
        }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 7, count: 4 << 20)
        let start = monotonicSeconds()
        for place in 0..<max(1, bytes / block.count) {
            guard pwrite(descriptor, block, block.count, place * block.count) == block.count else {
                throw BasicsError.unwritable("\(path) cannot be written")
            }
        }
        fdatasync(descriptor)
        bytesPerSecond = Double(bytes) / max(1e-6, monotonicSeconds() - start)
        let middle = monotonicSeconds()
        let rounds = 8
        for round in 0..<rounds {
            _ = pwrite(descriptor, block, 256, bytes + 256 * round)
            fsync(descriptor)
        }
        syncSeconds = (monotonicSeconds() - middle) / Double(rounds)
    }
}
