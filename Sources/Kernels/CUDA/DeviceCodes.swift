/// Codes of some rows on a device, as ``SparseCodes`` has them.
final class DeviceCodes: CodesOnDevice, @unchecked Sendable {
    /// `[rows + 1]` of 64-bit integers.
    let starts: DeviceOperand
    /// Latents of 32 bits, ascending within a row.
    let indices: DeviceOperand
    /// Values of float32.
    let values: DeviceOperand

    init(starts: DeviceOperand, indices: DeviceOperand, values: DeviceOperand) {
        (self.starts, self.indices, self.values) = (starts, indices, values)
    }
}

extension CUDABackend {
    /// Codes on the GPU, copied there unless they are.
    func deviceCodes(_ codes: SparseCodes) throws -> DeviceCodes {
        if let kept = codes.onDevice as? DeviceCodes, kept.starts.block.device === device {
            return kept
        }
        return DeviceCodes(
            starts: DeviceOperand(try device.upload(codes.rowStarts)),
            indices: DeviceOperand(try device.upload(codes.indices)),
            values: DeviceOperand(try device.upload(codes.values)))
    }
}

/// Non-zeros of some rows while they are found: each row in strips, each strip with room for as
/// many entries.
///
/// A strip belongs to one warp, which writes its latents in ascending order without waiting for the
/// others.
struct CodeSlots {
    /// Strips of a row, as `encode.cu` cuts them.
    static let strips = 8

    let rows: Int
    /// Entries that a strip has room for.
    let capacity: Int
    /// `[rows, strips, capacity]`
    let indices: DeviceOperand
    /// `[rows, strips, capacity]`
    let values: DeviceOperand
    /// Entries of each strip that stay, `[rows, strips]`.
    let kept: DeviceOperand
    /// What the host looks at: the index of a number that is not finite (8 bytes), where each row's
    /// codes begin and the end of the last one's, `[rows + 1]` of 8 bytes, and ``counts``.
    private let looked: DeviceBlock
    private let device: CUDADevice

    /// The first pre-activation that is not finite, or all ones.
    var notFinite: DeviceOperand { DeviceOperand(looked) }
    /// Where each row's codes begin, `[rows + 1]` of 64-bit integers.
    var starts: DeviceOperand { DeviceOperand(looked, offset: 8) }
    /// Entries of each strip, also those without room, `[rows, strips]`.
    var counts: DeviceOperand { DeviceOperand(looked, offset: 8 * (rows + 2)) }

    /// Takes memory for some rows.
    init(rows: Int, capacity: Int, on device: CUDADevice) throws(KernelError) {
        (self.rows, self.capacity, self.device) = (rows, capacity, device)
        let entries = rows * Self.strips * capacity
        indices = DeviceOperand(try device.block(4 * entries))
        values = DeviceOperand(try device.block(4 * entries))
        kept = DeviceOperand(try device.block(4 * rows * Self.strips))
        looked = try device.block(8 * (rows + 2) + 4 * rows * Self.strips)
        try device.fill(DeviceOperand(looked), with: 0xFF, byteCount: 8)
    }

    /// Waits for the counts: the index of a number that is not finite, the entries of the fullest
    /// strip, and where each row's codes begin.
    func summary() throws(KernelError) -> (notFinite: UInt64, most: Int, starts: [Int]) {
        let words: [Int] = try device.download(looked, count: rows + 2 + rows * Self.strips / 2)
        var most = 0
        for pair in words[(rows + 2)...] {
            most = max(most, pair & 0xFFFF_FFFF, pair >> 32)
        }
        return (UInt64(bitPattern: Int64(words[0])), most, Array(words[1..<rows + 2]))
    }
}
