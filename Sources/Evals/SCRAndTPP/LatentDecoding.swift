import Activations
import Autoencoders
import Basics
import EvalKit
import Kernels
import Probes
import Tensors

/// How an autoencoder decodes: what each latent adds to a reconstruction.
///
/// Measured by decoding single latents, so that factors on rows, folded norms and types of a user's
/// own need no rules of their own. Where an autoencoder normalises activations, what a latent adds
/// also depends on the token by one factor, which is measured too.
struct LatentDecoding: Sendable {
    private let autoencoder: any Autoencoder
    private let backend: any KernelBackend
    private let size: Int
    /// Whether a token's activations decide how much its latents add.
    let scalesTokens: Bool
    /// What the latent with the longest row among the first adds to ``neutral``, and which it is.
    private let probe: (latent: Int, row: [Float])
    /// An activation of mean 0 and deviation 1, to which latents add their rows.
    private let neutral: [Float]

    /// Latents that one decode takes.
    private static let block = 256

    init(_ autoencoder: any Autoencoder, on backend: any KernelBackend, name: String) throws {
        guard autoencoder.description.outputHookName == nil else {
            throw EvaluationError(
                .unsuitable,
                "\(name) reconstructs another hook than it reads, so ablating its latents does not "
                    + "change the activations that probes see",
                advice: "leave transcoders out of SCR and TPP")
        }
        (self.autoencoder, self.backend) = (autoencoder, backend)
        size = autoencoder.description.modelSize
        var neutral = [Float](repeating: 0, count: size)
        if size > 1 {
            neutral[0] = Float((Double(size - 1) / 2).squareRoot())
            neutral[1] = -neutral[0]
        }
        self.neutral = neutral
        let first = Array(0..<min(Self.block, autoencoder.description.latents))
        let rows = try Self.rows(of: first, autoencoder, backend, at: neutral)
        let lengths = rows.map { row in row.reduce(0) { $0 + Double($1) * Double($1) } }
        let longest = lengths.indices.max { lengths[$0] < lengths[$1] } ?? 0
        probe = (longest, rows[longest])
        let other = try Self.rows(
            of: [longest], autoencoder, backend, at: neutral.map { 3 * $0 })[0]
        scalesTokens = zip(other, probe.row).contains { abs($0 - $1) > 1e-3 * abs($1) + 1e-6 }
    }

    /// What each of some latents of value 1 adds to the reconstruction of an activation.
    ///
    /// - Shapes: `[latents][model]`.
    private static func rows(
        of latents: [Int], _ autoencoder: any Autoencoder, _ backend: any KernelBackend,
        at activation: [Float]
    ) throws -> [[Float]] {
        let size = activation.count
        let codes = SparseCodes(
            latents: autoencoder.description.latents,
            rowStarts: Array(0...latents.count) + [latents.count],
            indices: latents.map { Int32($0) },
            values: [Float](repeating: 1, count: latents.count))
        let x = Tensor(
            (0...latents.count).flatMap { _ in activation }, shape: [latents.count + 1, size])
        // The last row has no latent at all.
        let y = try autoencoder.decode(codes, of: x, on: backend)
        let base = y.floats + latents.count * size
        return withExtendedLifetime(y) {
            (0..<latents.count).map { row in
                (0..<size).map { y.floats[row * size + $0] - base[$0] }
            }
        }
    }

    /// `probe · decoder[f]` for some latents and probes.
    ///
    /// - Shapes: `[latents][probes]`.
    /// - Cost: `2 · probes · latents · model` FLOP.
    func products(of probes: [LinearProbe], latents: [Int]) throws -> [Double] {
        var products: [Double] = []
        products.reserveCapacity(latents.count * probes.count)
        for start in stride(from: 0, to: latents.count, by: Self.block) {
            let some = latents[start..<min(start + Self.block, latents.count)]
            let rows = try Self.rows(of: Array(some), autoencoder, backend, at: neutral)
            let features = FeatureRows(dense: rows.flatMap { $0 }, columns: size)
            let all = ProbeTask(rows: Array(rows.indices), labels: rows.map { _ in false })
            let logits = probes.map {
                Probes.logits(of: LinearProbe(weights: $0.weights, bias: 0), on: features, all)
            }
            for latent in rows.indices { products += logits.map { Double($0[latent]) } }
        }
        return products
    }

    /// Those of some latents that an activation of 0 has, times what decoding multiplies them by;
    /// they are numbered by their indices among the latents.
    func latentsOfZero(among selection: LatentSelection) throws -> [(latent: Int, value: Double)] {
        let zero = Tensor(zeros: [1, size])
        let codes = try selection.encode(zero, on: backend)
        let scale = scalesTokens ? try scales(of: zero)[0] : 1
        return zip(codes.indices, codes.values).map { (Int($0), Double($1) * Double(scale)) }
    }

    /// Codes of some activations, each token's times what decoding multiplies them by.
    ///
    /// - Cost: nothing, or two decodes of next to nothing where tokens decide.
    func decoded(_ codes: SparseCodes, of x: Tensor) throws -> SparseCodes {
        guard scalesTokens else { return codes }
        var codes = codes
        let scales = try scales(of: x)
        for row in 0..<codes.rows {
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                codes.values[entry] *= scales[row]
            }
        }
        return codes
    }

    /// How much more a latent adds to each activation than to ``neutral``.
    ///
    /// - Shapes: x is `[tokens, model]`, the result `[tokens]`.
    private func scales(of x: Tensor) throws -> [Float] {
        let latents = autoencoder.description.latents
        let none = SparseCodes(latents: latents, rowStarts: [Int](repeating: 0, count: x.rows + 1))
        let one = SparseCodes(
            latents: latents, rowStarts: Array(0...x.rows),
            indices: [Int32](repeating: Int32(probe.latent), count: x.rows),
            values: [Float](repeating: 1, count: x.rows))
        let (base, y) = (
            try autoencoder.decode(none, of: x, on: backend),
            try autoencoder.decode(one, of: x, on: backend)
        )
        let length = probe.row.reduce(0) { $0 + Double($1) * Double($1) }
        return withExtendedLifetime((base, y)) {
            (0..<x.rows).map { row in
                var dot = 0.0
                for d in 0..<size {
                    let index = row * size + d
                    dot += Double(y.floats[index] - base.floats[index]) * Double(probe.row[d])
                }
                return length > 0 ? Float(dot / length) : 1
            }
        }
    }
}
