import Autoencoders
import Kernels
import Tensors

/// Some latents of an autoencoder and what encodes them alone.
struct LatentSelection: Sendable {
    /// Ascending.
    let latents: [Int]
    private let encoding: LatentEncoding

    /// Chooses latents, ascending. Where they cannot be encoded alone, all are, and the others are
    /// left out.
    init(_ latents: [Int], of autoencoder: any Autoencoder) {
        self.latents = latents
        let all = autoencoder.description.latents
        if latents.count == all {
            encoding = { try autoencoder.encode($0, on: $1) }
        } else if let alone = autoencoder.encoding(of: latents) {
            encoding = alone
        } else {
            var places = [Int32?](repeating: nil, count: all)
            for (place, latent) in latents.enumerated() { places[latent] = Int32(place) }
            encoding = { [places] x, backend in
                try autoencoder.encode(x, on: backend).renumbered(places, latents: latents.count)
            }
        }
    }

    /// The non-zeros of these latents, numbered by their places among them.
    ///
    /// - Shapes: x is `[tokens, model]`.
    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        try encoding(x, backend)
    }

    /// The places of some of these latents, in their order.
    func places(of some: [Int]) -> [Int] {
        let places = Dictionary(
            uniqueKeysWithValues: latents.enumerated().map { place, latent in (latent, place) })
        return some.compactMap { places[$0] }
    }
}

extension SparseCodes {
    /// The latents that have a place, under it.
    ///
    /// - Parameter places: ascending where they are not nil, one for each latent.
    fileprivate func renumbered(_ places: [Int32?], latents: Int) -> SparseCodes {
        var result = SparseCodes(latents: latents)
        for row in 0..<rows {
            for entry in rowStarts[row]..<rowStarts[row + 1] {
                guard let place = places[Int(indices[entry])] else { continue }
                result.indices.append(place)
                result.values.append(values[entry])
            }
            result.rowStarts.append(result.indices.count)
        }
        return result
    }
}
