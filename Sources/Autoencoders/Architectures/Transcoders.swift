/// An architecture that encodes as another one does and decodes into activations of another hook.
protocol Transcoding: PlainArchitecture {
    /// What it encodes as.
    associatedtype Encoder: PlainArchitecture
}

extension Transcoding {
    /// Reads what its encoder reads.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts {
        try Encoder().parts(&weights, norms: norms)
    }
}

/// `f = relu(x · W_enc + b_enc)`, decoded as the activations of another hook.
///
/// - Source: `Transcoder` of SAELens 6; Dunefsky et al. 2024.
struct Transcoder: Transcoding {
    typealias Encoder = Standard
    /// The name in configurations.
    static let name = "transcoder"
    /// Another hook's activations.
    static let target = DecoderTarget.otherHook(skips: false)
}

/// A ``Transcoder`` whose output has `x · W_skipᵀ` added, with x as it came.
///
/// - Source: `SkipTranscoder` of SAELens 6, whose `forward` adds the term and whose `decode` leaves
///   it out; Paulo et al. 2025.
struct SkipTranscoder: Transcoding {
    typealias Encoder = Standard
    /// The name in configurations.
    static let name = "skip_transcoder"
    /// Another hook's activations, with a skip connection.
    static let target = DecoderTarget.otherHook(skips: true)
}

/// A ``Transcoder`` with the activation of ``JumpReLU``.
///
/// - Source: `JumpReLUTranscoder` of SAELens 6; Gemma Scope's transcoders.
struct JumpReLUTranscoder: Transcoding {
    typealias Encoder = JumpReLU
    /// The name in configurations.
    static let name = "jumprelu_transcoder"
    /// Another hook's activations.
    static let target = DecoderTarget.otherHook(skips: false)
}

/// A ``SkipTranscoder`` with the activation of ``JumpReLU``.
///
/// - Source: `JumpReLUSkipTranscoder` of SAELens 6; Gemma Scope 2's transcoders.
struct JumpReLUSkipTranscoder: Transcoding {
    typealias Encoder = JumpReLU
    /// The name in configurations.
    static let name = "jumprelu_skip_transcoder"
    /// Another hook's activations, with a skip connection.
    static let target = DecoderTarget.otherHook(skips: true)
}
