import CKernels
import Tensors

/// Gathers where each latent is decided on its own: relu, jump relu and gated.
final class ThresholdCollector: CodeCollector {
    private let rows: Int
    private var entries: EntryBuffer
    private var used = 0
    /// Entries of each piece and row, in the order of scanning.
    private var counts: [Int] = []

    /// Prepares for a number of rows.
    init(rows: Int) {
        self.rows = rows
        entries = EntryBuffer(capacity: max(4096, rows * 64))
    }

    func scan(
        _ products: UnsafePointer<Float>, _ latents: Range<Int>, row: Int, _ vectors: ActivationVectors,
        level: Int32
    ) -> Int? {
        entries.reserve(used + latents.count, used: used)
        let kept = ck_scan(
            level, products, latents.count, vectors.moved(to: latents.lowerBound, floor: 0),
            Int32(latents.lowerBound), entries.indices + used, entries.values + used)
        if kept < 0 { return latents.lowerBound - 1 - kept }
        used += kept
        counts.append(kept)
        return nil
    }

    func finish(_ vectors: ActivationVectors, into codes: inout SparseCodes) {
        var starts = [Int](repeating: 0, count: counts.count + 1)
        for (piece, count) in counts.enumerated() { starts[piece + 1] = starts[piece] + count }
        codes.indices.reserveCapacity(codes.indices.count + used)
        codes.values.reserveCapacity(codes.values.count + used)
        for row in 0..<rows {
            for piece in stride(from: row, to: counts.count, by: rows) where counts[piece] > 0 {
                let start = starts[piece]
                codes.indices.append(
                    contentsOf: UnsafeBufferPointer(start: entries.indices + start, count: counts[piece]))
                codes.values.append(
                    contentsOf: UnsafeBufferPointer(start: entries.values + start, count: counts[piece]))
            }
            codes.rowStarts.append(codes.indices.count)
        }
    }

    func release() { entries.release() }
}

/// Gathers the k largest of each row: a slot of k entries for each row, and a floor that new ones must pass.
///
/// The floor is the k-th largest so far, or 0 while there are fewer, since what is not positive becomes 0.
/// Latents come in ascending order, so one that equals the floor comes too late and loses.
final class LargestCollector: CodeCollector {
    private let k: Int
    private let slot: Int
    private let entries: EntryBuffer
    private let work: Scratch
    private var counts: [Int]
    private var floors: [Float]

    /// Prepares for a number of rows.
    init(rows: Int, k: Int) {
        self.k = k
        slot = k + CPUBackend.columnsTogether
        entries = EntryBuffer(capacity: rows * slot)
        work = Scratch(slot)
        counts = [Int](repeating: 0, count: rows)
        floors = [Float](repeating: 0, count: rows)
    }

    func scan(
        _ products: UnsafePointer<Float>, _ latents: Range<Int>, row: Int, _ vectors: ActivationVectors,
        level: Int32
    ) -> Int? {
        let (indices, values) = (entries.indices + row * slot, entries.values + row * slot)
        let kept = ck_scan(
            level, products, latents.count, vectors.moved(to: latents.lowerBound, floor: floors[row]),
            Int32(latents.lowerBound), indices + counts[row], values + counts[row])
        if kept < 0 { return latents.lowerBound - 1 - kept }
        guard kept > 0 else { return nil }
        var smallest: Float = 0
        counts[row] = ck_keep_largest(indices, values, counts[row] + kept, k, work.floats, &smallest)
        if counts[row] == k { floors[row] = smallest }
        return nil
    }

    func finish(_ vectors: ActivationVectors, into codes: inout SparseCodes) {
        for (row, count) in counts.enumerated() {
            for entry in row * slot..<row * slot + count {
                let latent = entries.indices[entry]
                let value = entries.values[entry] * (vectors.scale?[Int(latent)] ?? 1)
                guard value != 0 else { continue }
                codes.indices.append(latent)
                codes.values.append(value)
            }
            codes.rowStarts.append(codes.indices.count)
        }
    }

    func release() {
        entries.release()
        work.release()
    }
}
