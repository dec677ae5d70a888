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
        _ products: UnsafePointer<Float>, _ latents: Range<Int>, row: Int,
        _ vectors: ActivationVectors,
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
                    contentsOf: UnsafeBufferPointer(
                        start: entries.indices + start, count: counts[piece]))
                codes.values.append(
                    contentsOf: UnsafeBufferPointer(
                        start: entries.values + start, count: counts[piece]))
            }
            codes.rowStarts.append(codes.indices.count)
        }
    }

    func release() { entries.release() }
}

/// Gathers the k largest of each row: a slot of a few times k entries for each row, and a floor
/// that new ones must pass.
///
/// The floor is the k-th largest at the last selection, or 0 before, since what is not positive
/// becomes 0. Latents come in ascending order, so one that equals the floor comes too late and
/// loses. A selection waits until a slot holds 2k entries, so that there are few of them.
final class LargestCollector: CodeCollector {
    /// Latents that are scanned between two looks at the slot.
    private static let stretch = 240
    private let k: Int
    private let slot: Int
    private let entries: EntryBuffer
    private let work: UnsafeMutablePointer<Int32>
    private var counts: [Int]
    private var floors: [Float]

    /// Prepares for a number of rows.
    init(rows: Int, k: Int) {
        self.k = k
        slot = 2 * k + Self.stretch
        entries = EntryBuffer(capacity: rows * slot)
        work = .allocate(capacity: slot)
        counts = [Int](repeating: 0, count: rows)
        floors = [Float](repeating: 0, count: rows)
    }

    func scan(
        _ products: UnsafePointer<Float>, _ latents: Range<Int>, row: Int,
        _ vectors: ActivationVectors,
        level: Int32
    ) -> Int? {
        let (indices, values) = (entries.indices + row * slot, entries.values + row * slot)
        var (count, first) = (counts[row], latents.lowerBound)
        while first < latents.upperBound {
            let length = min(Self.stretch, latents.upperBound - first)
            let kept = ck_scan(
                level, products + (first - latents.lowerBound), length,
                vectors.moved(to: first, floor: floors[row]), Int32(first), indices + count,
                values + count)
            if kept < 0 { return first - 1 - kept }
            count += kept
            first += length
            if count > 2 * k { count = select(row, count) }
        }
        counts[row] = count
        return nil
    }

    /// Keeps the k largest of a row that has more, and raises its floor.
    private func select(_ row: Int, _ count: Int) -> Int {
        ck_keep_largest(
            entries.indices + row * slot, entries.values + row * slot, count, k, work, &floors[row])
    }

    func finish(_ vectors: ActivationVectors, into codes: inout SparseCodes) {
        for row in counts.indices {
            let count = counts[row] > k ? select(row, counts[row]) : counts[row]
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
        work.deallocate()
    }
}
