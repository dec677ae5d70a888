import EvalKit
import Kernels
import Tensors
import Testing

@testable import EvalKit

struct CodePiecesTests {
    /// A context of the processors.
    private func context(_ autoencoder: ToyAutoencoder) -> InMemoryContext {
        ProbingFixture.context([:], autoencoders: [autoencoder], backend: CPUBackend(), threads: 1)
    }

    @Test("Pieces go through all rows in order, end at cuts and give the codes of the whole")
    func wholes() throws {
        let autoencoder = ToyAutoencoder(modelSize: 6, latents: 70, seed: 3)
        var numbers = Numbers(seed: 5)
        let x = numbers.tensor([500, 6])
        let whole = try autoencoder.encode(x, on: CPUBackend())
        for step in [1, 7, 64, 100, 500] {
            let cuts = Array(stride(from: 0, to: 500, by: step)) + [500]
            var (place, indices, values) = (0, [Int32](), [Float]())
            let encoding = { (x: Tensor) in try autoencoder.encode(x, on: CPUBackend()) }
            try context(autoencoder).forEachPiece(
                of: x, cuts: cuts, CodePieces(of: autoencoder), encoding: encoding
            ) { places, rows, codes in
                #expect(places.lowerBound == place)
                #expect(rows.rows == cuts[places.upperBound] - cuts[places.lowerBound])
                place = places.upperBound
                indices += codes.indices
                values += codes.values
            }
            #expect(place == cuts.count - 1)
            #expect(indices == whole.indices && values == whole.values)
        }
    }

    @Test("After the first rows a piece has as many as take the bytes of a piece")
    func sizes() {
        let pieces = CodePieces(of: ToyAutoencoder(modelSize: 6, latents: 70, seed: 3))
        let cuts = Array(0...100_000)
        #expect(pieces.end(of: cuts, from: 0) == CodePieces.firstRows)
        pieces.note(
            SparseCodes(
                latents: 4096, rowStarts: [0, 4096], indices: Array(0..<4096),
                values: [Float](repeating: 1, count: 4096)))
        let rows = CodePieces.bytes / CodePieces.bytesOfCode / 4096
        #expect(pieces.end(of: cuts, from: 64) == 64 + rows)
        // Rows that may not be cut stay together however many there are.
        #expect(pieces.end(of: [0, 50_000, 100_000], from: 0) == 1)
    }
}
