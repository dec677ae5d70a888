import Kernels

/// Means of latents over the tokens of texts, as compressed rows.
struct PooledCodes: Sendable {
    /// Where each text begins in ``indices``, and the end of the last one.
    private(set) var starts = [0]
    /// Latents whose mean is not 0, ascending within a text.
    private(set) var indices: [Int32] = []
    /// Their means.
    private(set) var values: [Float] = []

    /// No texts.
    init() {}

    /// Means over the tokens of each text of a chunk.
    ///
    /// - Shapes: `codes` is `[tokens, latents]`.
    /// - Cost: one addition for each code, and for each text a look at one bit a latent.
    init(_ codes: SparseCodes, over chunk: TextChunk, latents: Int) {
        var sums = [Double](repeating: 0, count: latents)
        var fired = [UInt64](repeating: 0, count: (latents + 63) / 64)
        for text in 0..<chunk.texts.count {
            let tokens = chunk.starts[text]..<chunk.starts[text + 1]
            for entry in codes.rowStarts[tokens.lowerBound]..<codes.rowStarts[tokens.upperBound] {
                let latent = Int(codes.indices[entry])
                sums[latent] += Double(codes.values[entry])
                fired[latent >> 6] |= 1 << UInt64(latent & 63)
            }
            take(&sums, &fired, count: Double(tokens.count))
        }
    }

    /// Appends the row of a text and leaves sums and marks at zero.
    private mutating func take(_ sums: inout [Double], _ fired: inout [UInt64], count: Double) {
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
        starts.append(values.count)
    }

    /// Makes room for some parts and for all texts.
    mutating func reserve(_ parts: [PooledCodes], texts: Int) {
        let count = parts.reduce(0) { $0 + $1.values.count }
        indices.reserveCapacity(count)
        values.reserveCapacity(count)
        starts.reserveCapacity(texts + 1)
    }

    /// Leaves the rows of texts before one empty that have none yet.
    mutating func skip(to text: Int) {
        while starts.count <= text { starts.append(values.count) }
    }

    /// Appends the texts of a part.
    mutating func append(_ part: PooledCodes) {
        let start = values.count
        indices += part.indices
        values += part.values
        for end in part.starts.dropFirst() { starts.append(start + end) }
    }
}
