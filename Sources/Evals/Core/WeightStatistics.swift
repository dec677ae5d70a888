import Autoencoders
import Kernels

/// Statistics of the weights of some latents.
///
/// - Cost: `4 · range · latents · model` FLOP for the largest cosines.
/// - Source: `get_featurewise_weight_based_metrics` of SAE Bench 0.6.0. An autoencoder without an
///   encoder matrix gets NaN instead.
func weightStatistics(
    of range: Range<Int>, in autoencoder: any Autoencoder, on backend: any KernelBackend
) throws -> WeightStatistics {
    let decoder = autoencoder.decoderMatrix
    let decoderNorms = try backend.norms(of: decoder)
    let missing = [Float](repeating: .nan, count: range.count)
    var statistics = WeightStatistics(
        encoderBias: Array(autoencoder.encoderBias[range]), encoderNorm: missing,
        encoderDecoderCosine: missing,
        maximumEncoderCosine: missing,
        maximumDecoderCosine: try backend.maximumCosines(
            of: range, in: decoder, norms: decoderNorms))
    if let encoder = autoencoder.encoderMatrix {
        let norms = try backend.norms(of: encoder)
        let dots = try backend.rowDots(encoder, decoder)
        statistics.encoderNorm = range.map { norms[$0] * (autoencoder.latentScale?[$0] ?? 1) }
        statistics.encoderDecoderCosine = range.map { dots[$0] / (norms[$0] * decoderNorms[$0]) }
        statistics.maximumEncoderCosine = try backend.maximumCosines(
            of: range, in: encoder, norms: norms)
    }
    return statistics
}
