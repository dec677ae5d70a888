/// Codes of some rows on a device, as ``SparseCodes`` has them.
final class DeviceCodes: Sendable {
    /// `[rows + 1]` of 64-bit integers.
    let starts: DeviceBlock
    /// Latents of 32 bits, ascending within a row.
    let indices: DeviceBlock
    /// Values of float32.
    let values: DeviceBlock

    init(starts: DeviceBlock, indices: DeviceBlock, values: DeviceBlock) {
        (self.starts, self.indices, self.values) = (starts, indices, values)
    }
}

extension CUDABackend {
    /// Codes on the GPU, copied there unless they are.
    func deviceCodes(_ codes: SparseCodes) throws -> DeviceCodes {
        if let kept = codes.onDevice, kept.starts.device === device { return kept }
        return DeviceCodes(
            starts: try device.upload(codes.rowStarts), indices: try device.upload(codes.indices),
            values: try device.upload(codes.values))
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
    /// Entries of each strip, also those without room, `[rows, strips]`.
    let counts: DeviceOperand

    /// Takes memory for some rows.
    init(rows: Int, capacity: Int, on device: CUDADevice) throws(KernelError) {
        (self.rows, self.capacity) = (rows, capacity)
        let entries = rows * Self.strips * capacity
        indices = DeviceOperand(try device.block(4 * entries))
        values = DeviceOperand(try device.block(4 * entries))
        counts = DeviceOperand(try device.block(4 * rows * Self.strips))
    }
}
