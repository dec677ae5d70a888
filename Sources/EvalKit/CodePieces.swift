import Activations
import Autoencoders
import Kernels
import Synchronization
import Tensors

/// How many rows an autoencoder encodes at a time, so that the codes of a thread take about as much
/// memory however many latents fire.
///
/// The first rows tell how many do. On processors a row's codes do not depend on the rows beside
/// it, so no number depends on the pieces.
public final class CodePieces: Sendable {
    /// Bytes of the codes of a piece, unless a part of rows that may not be cut has more.
    public static let bytes = 8 << 20
    /// Bytes of one code: latent and value.
    public static let bytesOfCode = 8
    /// Rows that are encoded before it is known how many latents fire.
    public static let firstRows = 64

    /// The most codes that a row had, of pieces so far; nil before the first.
    private let most: Mutex<Double?>

    /// - Parameter autoencoder: whose k, where it has one, is what fires at most.
    public init(of autoencoder: any Autoencoder) {
        most = Mutex(autoencoder.description.k.map { Double($0) })
    }

    /// The rows of the next piece.
    ///
    /// - Parameters:
    ///   - cuts: rows before which a piece may end, ascending, from 0 to the number of rows.
    ///   - first: index of the cut at which the piece begins.
    /// - Returns: index of the cut at which it ends.
    func end(of cuts: [Int], from first: Int) -> Int {
        let rows =
            most.withLock { $0 }.map { Int(Double(Self.bytes / Self.bytesOfCode) / max(1, $0)) }
            ?? Self.firstRows
        var end = first + 1
        while end < cuts.count - 1, cuts[end + 1] - cuts[first] <= rows { end += 1 }
        return end
    }

    /// Learns from a piece.
    func note(_ codes: SparseCodes) {
        guard codes.rows > 0 else { return }
        let mean = Double(codes.values.count) / Double(codes.rows)
        most.withLock { $0 = max($0 ?? 0, mean) }
    }
}

extension EvaluationContext {
    /// Encodes rows piece by piece.
    ///
    /// - Parameters:
    ///   - x: `[rows, model]`.
    ///   - cuts: rows before which a piece may end, ascending, from 0 to the number of rows.
    ///   - pieces: shared by all threads of a unit.
    ///   - body: takes the indices of a piece's first and last cut, its rows and their codes.
    /// - Throws: errors of the encoding and of `body`.
    public func forEachPiece(
        of x: Tensor, cuts: [Int], _ pieces: CodePieces,
        encoding: (Tensor) throws -> SparseCodes,
        _ body: (Range<Int>, Tensor, SparseCodes) throws -> Void
    ) throws {
        var first = 0
        while first < cuts.count - 1 {
            // The bits of a GPU's products may depend on the number of rows.
            let isWhole = backend.chunks.atOnce != nil
            let end = isWhole ? cuts.count - 1 : pieces.end(of: cuts, from: first)
            let rows = cuts[first]..<cuts[end]
            let part = rows == 0..<x.rows ? x : x.rows(rows)
            let codes = try encoding(part)
            pieces.note(codes)
            try body(first..<end, part, codes)
            first = end
        }
    }
}
