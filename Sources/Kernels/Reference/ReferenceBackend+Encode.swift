import Tensors

extension ReferenceBackend {
    /// Pre-activations of a whole row, then the activation's definition, then the non-zeros.
    public func encode(_ x: Tensor, _ encoder: EncoderWeights) throws -> SparseCodes {
        try Checks.encode(x, encoder)
        var codes = SparseCodes(latents: encoder.latents)
        for row in 0..<x.rows {
            let products = self.products(x.floats + row * encoder.modelSize, encoder)
            if let latent = encoder.activation.firstNotFinite(products) {
                throw Checks.notFinite(row: row, latent: latent)
            }
            let values = encoder.activation.dense(products)
            for (latent, value) in values.enumerated() {
                let scaled = value * (encoder.latentScale?[latent] ?? 1)
                guard scaled != 0 else { continue }
                codes.indices.append(Int32(latent))
                codes.values.append(scaled)
            }
            codes.rowStarts.append(codes.indices.count)
        }
        return codes
    }

    /// `(x - inputBias) · W` of one row.
    private func products(_ x: UnsafeMutablePointer<Float>, _ encoder: EncoderWeights) -> [Float] {
        let (size, latents) = (encoder.modelSize, encoder.latents)
        let (inputStep, latentStep) = encoder.isTransposed ? (1, size) : (latents, 1)
        let matrix = WeightReader(encoder.matrix)
        let centred = (0..<size).map { Double(x[$0] - (encoder.inputBias?[$0] ?? 0)) }
        return (0..<latents).map { latent in
            var sum = 0.0
            for index in 0..<size {
                sum += centred[index] * matrix[index * inputStep + latent * latentStep]
            }
            return Float(sum)
        }
    }
}

extension EncoderWeights.Activation {
    /// The bias that makes a pre-activation of a product.
    var bias: [Float] {
        switch self {
        case .relu(let bias), .topK(let bias, _, _), .jumpReLU(let bias, _): bias
        case .gated(let gateBias, _, _): gateBias
        }
    }

    /// The first latent whose pre-activation is not a number or plus infinity.
    func firstNotFinite(_ products: [Float]) -> Int? {
        let bias = bias
        return products.indices.first { !(products[$0] + bias[$0] < .infinity) }
    }

    /// All latents of one row, zeros included, from the products.
    func dense(_ products: [Float]) -> [Float] {
        let preActivations = zip(products, bias).map { $0 + $1 }
        switch self {
        case .relu: return preActivations.map { max($0, 0) }
        case .jumpReLU(_, let threshold):
            return zip(preActivations, threshold).map { $0 > $1 ? max($0, 0) : 0 }
        case .gated(_, let magnitudeScale, let magnitudeBias):
            return products.indices.map {
                preActivations[$0] > 0
                    ? max(products[$0] * magnitudeScale[$0] + magnitudeBias[$0], 0) : 0
            }
        case .topK(_, let k, let rankScale):
            let ranked = preActivations.enumerated().map { $1 * (rankScale?[$0] ?? 1) }
            let order = ranked.indices.sorted {
                ranked[$0] > ranked[$1] || (ranked[$0] == ranked[$1] && $0 < $1)
            }
            var values = [Float](repeating: 0, count: ranked.count)
            for latent in order.prefix(k) { values[latent] = max(ranked[latent], 0) }
            return values
        }
    }
}
