import Autoencoders
import Kernels
import Tensors

/// Some latents of an autoencoder and what encodes them alone.
public struct LatentSelection: Sendable {
    /// Ascending.
    public let latents: [Int]
    /// Encodes them alone.
    private let encoding: LatentEncoding

    /// Chooses latents, ascending. Where they cannot be encoded alone, all are, and the others are
    /// left out.
    public init(_ latents: [Int], of autoencoder: any Autoencoder) {
        self.latents = latents
        let all = autoencoder.description.latents
        if latents.count == all {
            encoding = { try autoencoder.encode($0, on: $1) }
        } else if let alone = autoencoder.encoding(of: latents) {
            encoding = alone
        } else {
            var indices = [Int32?](repeating: nil, count: all)
            for (index, latent) in latents.enumerated() { indices[latent] = Int32(index) }
            encoding = { [indices] x, backend in
                try autoencoder.encode(x, on: backend).renumbered(indices, latents: latents.count)
            }
        }
    }

    /// The non-zeros of these latents, numbered by their indices in ``latents``.
    ///
    /// - Shapes: x is `[tokens, model]`.
    public func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        try encoding(x, backend)
    }

    /// The indices of some of these latents in ``latents``, in the order of `some`.
    public func indices(of some: [Int]) -> [Int] {
        let indices = Dictionary(
            uniqueKeysWithValues: latents.enumerated().map { index, latent in (latent, index) })
        return some.compactMap { indices[$0] }
    }
}

extension SparseCodes {
    /// The latents that have an index, under it.
    ///
    /// - Parameter numbers: ascending where they are not nil, one for each latent.
    fileprivate func renumbered(_ numbers: [Int32?], latents: Int) -> SparseCodes {
        var result = SparseCodes(latents: latents)
        for row in 0..<rows {
            for entry in rowStarts[row]..<rowStarts[row + 1] {
                guard let number = numbers[Int(indices[entry])] else { continue }
                result.indices.append(number)
                result.values.append(values[entry])
            }
            result.rowStarts.append(result.indices.count)
        }
        return result
    }
}
