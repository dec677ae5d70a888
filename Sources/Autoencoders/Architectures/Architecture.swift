import Basics
import Kernels

/// What this room asks of a file: one architecture, made of the tensors of one autoencoder.
protocol Architecture: Sendable {
    /// The name in configurations.
    static var name: String { get }
    /// The name of the architecture it is computed as.
    static var computedAs: String { get }
    /// What the decoder reconstructs.
    static var target: DecoderTarget { get }
    /// Whether each latent is decided on its own.
    static var hasIndependentLatents: Bool { get }
    /// The keys of its own in the configuration that SAE Bench writes, in their order.
    static func settings(_ configuration: AutoencoderConfiguration) -> [JSONMember]
    /// Reads the vectors of the encoder and says how they act.
    ///
    /// - Parameter norms: norms of the decoder's rows, at least 1e-8, `[latents]`.
    static func parts(
        _ configuration: AutoencoderConfiguration, _ weights: inout WeightReader, norms: [Float]
    ) throws -> ArchitectureParts
}

extension Architecture {
    /// The same name.
    static var computedAs: String { name }
    /// The activations that were encoded.
    static var target: DecoderTarget { .input }
    /// Latents that know nothing of each other.
    static var hasIndependentLatents: Bool { true }
    /// No keys of its own, but the output's length where that is another hook's.
    static func settings(_ configuration: AutoencoderConfiguration) -> [JSONMember] {
        if target == .input { return [] }
        return [JSONMember(key: "d_out", value: configuration.json["d_out"] ?? .null)]
    }
}

/// What a decoder reconstructs.
enum DecoderTarget: Equatable {
    /// The activations that were encoded.
    case input
    /// Activations at another hook, as transcoders do; with a skip connection, a linear map of the
    /// input is added.
    case otherHook(skips: Bool)
}

/// What an architecture makes of its vectors.
struct ArchitectureParts {
    /// From product to latents, before any folding.
    var activation: EncoderWeights.Activation
    /// The bias that statistics report, before any folding.
    var encoderBias: [Float]
    /// Latents kept for each token.
    var k: Int?
    /// How decoder norms are folded.
    var folding: Folding = .scaling
}

/// How the norms n of the decoder's rows are folded into the latents.
///
/// Every n is positive, so that `n · relu(p) = relu(n · p)` and `p > t` holds when `n · p > n · t`
/// does. Folding therefore multiplies the values by n after the activation and the decoder's rows
/// by 1/n, and no matrix is copied.
enum Folding {
    /// When asked for, values are multiplied by n.
    case scaling
    /// The activation multiplies values by n itself, folded or not.
    case ranking
    /// Values are multiplied by n even when nobody asks, since the export of SAELens does.
    case always
    /// Folding could change which latents are kept, for the reason given.
    case refused(reason: String)
}

/// The architectures that are computed, one line each.
let architectures: [any Architecture.Type] = [
    Standard.self,
    TopK.self,
    JumpReLU.self,
    Gated.self,
    BatchTopK.self,
    MatryoshkaBatchTopK.self,
    Transcoder.self,
    SkipTranscoder.self,
    JumpReLUTranscoder.self,
    JumpReLUSkipTranscoder.self,
]

/// Architectures of SAELens that are known and not computed yet.
let laterArchitectures = ["abstopk", "matching_pursuit", "temporal"]

/// The architecture of a name.
///
/// - Parameter path: the file that names it, for messages.
func architecture(named name: String, path: String) throws(AutoencoderError)
    -> any Architecture.Type
{
    if let found = architectures.first(where: { $0.name == name }) { return found }
    let known = architectures.map { $0.name }
    if laterArchitectures.contains(name) {
        throw AutoencoderError(
            .unsupported, "\(path): architecture `\(name)` is not computed yet",
            advice: "an autoencoder of \(known.sorted().joined(separator: ", "))")
    }
    throw AutoencoderError(
        .unsupported, "\(path): architecture `\(name)` is unknown",
        advice: suggestion(for: name, among: known))
}
