// Operations that are the same plain loops on every processor.
import Tensors

extension KernelBackend {
    /// As for processors.
    public var chunks: ChunkPolicy { .processor }

    /// Nothing is queued on processors.
    public func synchronize() throws {}

    /// Processors take what they need from the machine.
    public func useSmallerChunks() -> Bool { false }

    /// One look at each row.
    public func elements(of x: Tensor, at columns: [Int32]) throws -> [Float] {
        try Checks.elements(x, columns)
        let values = x.constantFloats
        return columns.enumerated().map { values[$0 * x.columns + Int($1)] }
    }

    /// Copies piece by piece.
    ///
    /// The activations are split and not the weights, so that the weights stay mapped and shared by
    /// the ranks of a node.
    public func splitFused(_ fused: Tensor, groups: Int) throws -> [Tensor] {
        try Checks.splitFused(fused, groups: groups)
        let (rows, width) = (fused.rows, fused.columns / (3 * groups))
        let parts = (0..<3).map { _ in Tensor(uninitialized: [rows, groups * width]) }
        let source = fused.constantFloats
        let targets = parts.map(\.floats)
        for group in 0..<rows * groups {
            for part in 0..<3 {
                (targets[part] + group * width).update(
                    from: source + (3 * group + part) * width, count: width)
            }
        }
        return parts
    }

    /// Copies row by row.
    public func replaceRows(of y: Tensor, with x: Tensor, where isReplaced: [Bool]) throws {
        try Checks.replaceRows(y, x, isReplaced)
        let (target, source, width) = (y.floats, x.constantFloats, x.columns)
        for row in isReplaced.indices where isReplaced[row] {
            (target + row * width).update(from: source + row * width, count: width)
        }
    }

    /// One look at each code.
    public func firings(of codes: SparseCodes, kept: [Bool], positions: Int) throws -> Firings {
        try Checks.firings(codes, kept, positions)
        let zeros = [Int32](repeating: 0, count: codes.latents)
        var firings = Firings(tokens: zeros, sequences: zeros)
        var lastSequence = [Int32](repeating: -1, count: codes.latents)
        for token in kept.indices where kept[token] {
            let sequence = Int32(token / positions)
            for entry in codes.rowStarts[token]..<codes.rowStarts[token + 1]
            where codes.values[entry] > 0 {
                let latent = Int(codes.indices[entry])
                firings.tokens[latent] += 1
                if lastSequence[latent] != sequence {
                    lastSequence[latent] = sequence
                    firings.sequences[latent] += 1
                }
            }
        }
        return firings
    }

    /// One addition for each code, and for each text a look at one bit a latent.
    public func means(of codes: SparseCodes, over starts: [Int]) throws -> SparseCodes {
        try Checks.means(codes, starts)
        var means = SparseCodes(latents: codes.latents)
        var sums = [Double](repeating: 0, count: codes.latents)
        var fired = [UInt64](repeating: 0, count: (codes.latents + 63) / 64)
        for (start, end) in zip(starts, starts.dropFirst()) {
            for entry in codes.rowStarts[start]..<codes.rowStarts[end] {
                let latent = Int(codes.indices[entry])
                sums[latent] += Double(codes.values[entry])
                fired[latent >> 6] |= 1 << UInt64(latent & 63)
            }
            means.appendMeans(&sums, &fired, count: Double(end - start))
        }
        return means
    }
}

extension SparseCodes {
    /// Appends the row of a text and leaves sums and marks at zero.
    fileprivate mutating func appendMeans(
        _ sums: inout [Double], _ fired: inout [UInt64], count: Double
    ) {
        for word in fired.indices where fired[word] != 0 {
            var bits = fired[word]
            while bits != 0 {
                let latent = word << 6 | bits.trailingZeroBitCount
                let mean = Float(sums[latent] / count)
                if mean != 0 {
                    indices.append(Int32(latent))
                    values.append(mean)
                }
                sums[latent] = 0
                bits &= bits - 1
            }
            fired[word] = 0
        }
        rowStarts.append(values.count)
    }
}
