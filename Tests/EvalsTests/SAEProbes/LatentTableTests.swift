import Kernels
import Testing

@testable import Evals

/// The codes of dense rows.
private func codes(_ rows: [[Float]]) -> SparseCodes {
    var codes = SparseCodes(latents: rows.first?.count ?? 0)
    for row in rows {
        for (latent, value) in row.enumerated() where value != 0 {
            codes.indices.append(Int32(latent))
            codes.values.append(value)
        }
        codes.rowStarts.append(codes.values.count)
    }
    return codes
}

struct LatentTableTests {
    /// The rows of the specification's example.
    private static let rows: [[Float]] = [[0, 2, 1], [1, 0, 3], [0, 4, 0], [2, 0, 0]]

    @Test("Latents are scaled as in the specification's example")
    func scales() {
        let table = LatentTable([codes(Self.rows)], latents: 3)
        let scales = table.scales(rows: [0, 1, 2, 3])
        let expected: [[Double]] = [
            [0, 0.6666667, 0.5], [0.6666666, 0, 1.5], [0, 1.3333335, 0], [1.3333331, 0, 0],
        ]
        for (row, wanted) in zip(Self.rows, expected) {
            for j in 0..<3 { #expect(abs(Double(row[j]) / scales[j] - wanted[j]) < 5e-7) }
        }
    }

    @Test("Blocks join to the table of all rows")
    func blocks() {
        let joined = LatentTable(
            [codes(Array(Self.rows[..<1])), codes(Array(Self.rows[1...]))], latents: 3)
        let all = joined.dense(rows: [0, 1, 2, 3], latents: [0, 1, 2], binarized: false)
        #expect(all == Self.rows.flatMap { $0 })
        #expect(
            joined.dense(rows: [3, 1], latents: [2, 0], binarized: true) == [0, 1, 1, 1])
    }

    @Test("Latents that keep the classes apart come first, of equal ones the lowest index")
    func ranking() {
        let rows: [[Float]] = [
            [0, 5, 1, 0, 0], [0, 5, 0, 0, 7], [0, 5, 0, 3, 7], [0, 5, 0, 3, 0],
        ]
        let table = LatentTable([codes(rows)], latents: 5)
        let labels = [false, false, true, true]
        // Latent 3 parts the classes; latent 2 fires once; the others say nothing.
        #expect(table.ranking(rows: [0, 1, 2, 3], labels: labels, best: 5) == [3, 2, 0, 1, 4])
        #expect(table.ranking(rows: [0, 1, 2, 3], labels: labels, best: 1) == [3])
    }
}
