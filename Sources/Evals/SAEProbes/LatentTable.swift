import Kernels

/// The latents of a dataset's texts, one row each.
struct LatentTable: Sendable {
    let codes: SparseCodes

    /// Joins the codes of blocks of texts, which are released one by one.
    init(_ blocks: consuming [SparseCodes], latents: Int) {
        var blocks = blocks
        var (indices, values, starts) = ([Int32](), [Float](), [0])
        let count = blocks.reduce(0) { $0 + $1.values.count }
        indices.reserveCapacity(count)
        values.reserveCapacity(count)
        for index in blocks.indices {
            let start = values.count
            indices += blocks[index].indices
            values += blocks[index].values
            starts += blocks[index].rowStarts.dropFirst().map { $0 + start }
            blocks[index] = SparseCodes(latents: latents)
        }
        codes = SparseCodes(latents: latents, rowStarts: starts, indices: indices, values: values)
    }

    /// Latents by how far apart they keep the classes, best first; of equal ones the lowest index.
    ///
    /// Score: `|mean of positives - mean of negatives| / scale`; see ``scales(rows:)``.
    ///
    /// - Source: `get_sorted_indices` of sae-probes 0.4.2, which leaves the order of ties to the sort.
    func ranking(rows: [Int], labels: [Bool], best count: Int) -> [Int] {
        let scales = scales(rows: rows)
        var differences = [Double](repeating: 0, count: codes.latents)
        let positives = Double(labels.count { $0 })
        let weights = (positive: 1 / positives, negative: 1 / (Double(labels.count) - positives))
        for (row, label) in zip(rows, labels) {
            let weight = label ? weights.positive : -weights.negative
            forEachEntry(of: row) { differences[$0] += weight * Double($1) }
        }
        let scores = differences.indices.map { abs(differences[$0]) / scales[$0] }
        let order = scores.indices.sorted {
            scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1)
        }
        return Array(order.prefix(count))
    }

    /// What each latent is divided by before it is ranked: the mean size of its values that are not
    /// zero.
    ///
    /// `Σ|f| / (nonzeros + 1e-6) + 1e-6`
    ///
    /// - Source: `mean_act_normalization` of sae-probes 0.4.2.
    func scales(rows: [Int]) -> [Double] {
        var sums = [Double](repeating: 0, count: codes.latents)
        var counts = [Int](repeating: 0, count: codes.latents)
        for row in rows {
            forEachEntry(of: row) {
                sums[$0] += Double(abs($1))
                counts[$0] += 1
            }
        }
        return zip(sums, counts).map { $0 / (Double($1) + 1e-6) + 1e-6 }
    }

    /// Some latents of some rows.
    ///
    /// - Parameter binarized: whether what is not zero becomes 1.
    /// - Shapes: `[rows, latents]`.
    func dense(rows: [Int], latents: [Int], binarized: Bool) -> [Float] {
        var columns = [Int32](repeating: -1, count: codes.latents)
        for (column, latent) in latents.enumerated() { columns[latent] = Int32(column) }
        var values = [Float](repeating: 0, count: rows.count * latents.count)
        for (index, row) in rows.enumerated() {
            forEachEntry(of: row) { latent, value in
                guard columns[latent] >= 0 else { return }
                values[index * latents.count + Int(columns[latent])] = binarized ? 1 : value
            }
        }
        return values
    }

    /// Visits the latents of a row that are not zero.
    private func forEachEntry(of row: Int, _ body: (Int, Float) -> Void) {
        for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
            body(Int(codes.indices[entry]), codes.values[entry])
        }
    }
}
