import Glibc
import Tensors

@testable import Kernels

/// The sine, under a name that no suite shadows.
func sine(_ x: Double) -> Double { sin(x) }

/// What one architecture makes of two rows, to five decimals.
///
/// The dictionary has rows `sin(1 + 0.5 f + 0.9 i)`, normalised; the encoder is its transpose, the
/// encoder bias
/// `0.05 (f - 3)`, the decoder bias (0.1, -0.2, 0.3, 0). Computed with the classes of
/// dictionary_learning.
struct PublishedVector: Sendable, CustomStringConvertible {
    var description: String
    var subtractsBias: Bool
    var activation: EncoderWeights.Activation
    var codes: [Double]
    var decoded: [Double]

    private static let bias = (0..<8).map { 0.05 * Float($0 - 3) }

    static let all: [PublishedVector] = [
        PublishedVector(
            description: "relu, decoder bias subtracted", subtractsBias: true,
            activation: .relu(bias: bias),
            codes: [
                0, 0, 0, 0, 0, 0, 0.0017, 0.50742, 1.07187, 1.48597, 1.57087, 1.33182, 0.72718, 0,
                0, 0,
            ],
            decoded: [-0.23665, -0.4666, 0.3052, 0.27307, 3.31448, 0.82716, -1.63749, -3.43589]),
        PublishedVector(
            description: "relu", subtractsBias: false, activation: .relu(bias: bias),
            codes: [
                0, 0, 0, 0, 0, 0, 0, 0.54928, 1.0686, 1.43069, 1.47739, 1.21716, 0.61713, 0, 0, 0,
            ],
            decoded: [-0.26341, -0.48729, 0.30625, 0.29506, 3.15947, 0.86221, -1.43891, -3.22406]),
        PublishedVector(
            description: "gated", subtractsBias: true,
            activation: .gated(
                gateBias: bias,
                magnitudeScale: (0..<8).map { Float(exp(0.1 * Double($0 % 3 - 1))) },
                magnitudeBias: bias.map { -$0 }),
            codes: [
                0, 0, 0, 0, 0, 0, 0, 0.10742, 1.25559, 1.68597, 1.84134, 1.20508, 0.62718, 0, 0, 0,
            ],
            decoded: [0.02893, -0.25618, 0.30122, 0.0577, 3.65736, 1.1577, -1.56944, -3.68182]),
        PublishedVector(
            description: "jump relu", subtractsBias: false,
            activation: .jumpReLU(bias: bias, threshold: (0..<8).map { 0.4 + 0.2 * Float($0) }),
            codes: [0, 0, 0, 0, 0, 0, 0, 0, 1.0686, 1.43069, 1.47739, 1.21716, 0, 0, 0, 0],
            decoded: [0.1, -0.2, 0.3, 0, 3.09435, 1.17958, -0.97923, -2.96994]),
        PublishedVector(
            description: "top 2", subtractsBias: true,
            activation: .topK(bias: bias, k: 2, rankScale: nil),
            codes: [0, 0, 0, 0, 0, 0, 0.0017, 0.50742, 0, 1.48597, 1.57087, 0, 0, 0, 0, 0],
            decoded: [-0.23665, -0.4666, 0.3052, 0.27307, 2.04182, 0.72137, -0.49636, -1.91141]),
        PublishedVector(
            description: "batch top-k", subtractsBias: true,
            activation: .jumpReLU(bias: bias, threshold: [Float](repeating: 0.9, count: 8)),
            codes: [0, 0, 0, 0, 0, 0, 0, 0, 1.07187, 1.48597, 1.57087, 1.33182, 0, 0, 0, 0],
            decoded: [0.1, -0.2, 0.3, 0, 3.23775, 1.20113, -1.09583, -3.13646]),
    ]
}
