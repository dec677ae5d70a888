import Basics
import Kernels

/// An architecture of SAEs, with the numbers of its own that one SAE has.
protocol Architecture: Sendable, Codable {
    /// The name in configurations.
    static var name: String { get }
    /// The name of the architecture it is computed as.
    static var computedAs: String { get }
    /// What the decoder reconstructs.
    static var target: DecoderTarget { get }
    /// Whether each latent is decided on its own.
    static var hasIndependentLatents: Bool { get }
    /// The keys of its own in the configuration that SAE Bench writes, in their order.
    ///
    /// - Parameter outputSize: length of what the decoder reconstructs.
    func settings(outputSize: Int) -> [JSONMember]
}

extension Architecture {
    /// The same name.
    static var computedAs: String { name }
    /// The activations that were encoded.
    static var target: DecoderTarget { .input }
    /// Latents that know nothing of each other.
    static var hasIndependentLatents: Bool { true }
    /// No keys of its own, but the output's length where that is another hook's.
    func settings(outputSize: Int) -> [JSONMember] {
        Self.target == .input ? [] : [JSONMember(key: "d_out", value: .integer(outputSize))]
    }
}

/// What this room asks of a file: one architecture of a linear encoder, an activation function and
/// a linear decoder.
protocol LinearArchitecture: Architecture {
    /// Reads the numbers of its own from a configuration of SAELens.
    init(_ settings: SAELensSettings) throws
    /// Refuses numbers that do not go with a number of latents.
    ///
    /// - Parameter path: the file that names them, for messages.
    func check(latents: Int, path: String) throws(AutoencoderError)
    /// Reads the vectors of the encoder and says how they act.
    ///
    /// - Parameter norms: norms of the decoder's rows, at least 1e-8, `[latents]`.
    func parts(_ weights: inout WeightReader, norms: [Float]) throws -> ArchitectureParts
}

extension LinearArchitecture {
    /// Nothing to refuse.
    func check(latents: Int, path: String) throws(AutoencoderError) {}
}

/// An architecture that has no numbers of its own in a configuration of SAELens.
protocol PlainArchitecture: LinearArchitecture {
    /// Makes it.
    init()
}

extension PlainArchitecture {
    /// Reads nothing.
    init(_ settings: SAELensSettings) { self.init() }
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

/// The architectures that SAELens names and that are computed, one line each.
let linearArchitectures: [any LinearArchitecture.Type] = [
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

/// The architecture that SAELens calls by a name.
///
/// - Parameter path: the file that names it, for messages.
func architecture(named name: String, path: String) throws(AutoencoderError)
    -> any LinearArchitecture.Type
{
    if let found = linearArchitectures.first(where: { $0.name == name }) { return found }
    let known = linearArchitectures.map { $0.name }
    if laterArchitectures.contains(name) {
        throw AutoencoderError(
            .unsupported, "\(path): architecture `\(name)` is not computed yet",
            advice: "an autoencoder of \(known.sorted().joined(separator: ", "))")
    }
    throw AutoencoderError(
        .unsupported, "\(path): architecture `\(name)` is unknown",
        advice: suggestion(for: name, among: known))
}

/// An architecture that is encoded as its name and its numbers.
@propertyWrapper
struct CodedByName: Sendable, Codable {
    /// The architecture.
    var wrappedValue: any Architecture

    /// Both keys.
    private enum Keys: String, CodingKey { case name, numbers }

    /// Wraps an architecture.
    init(wrappedValue: any Architecture) { self.wrappedValue = wrappedValue }

    /// Reads the numbers of the architecture that the name tells.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let name = try container.decode(String.self, forKey: .name)
        let known: [any Architecture.Type] = linearArchitectures + baselineArchitectures
        guard let type = known.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .name, in: container, debugDescription: "no architecture is called \(name)")
        }
        wrappedValue = try type.init(from: container.superDecoder(forKey: .numbers))
    }

    /// Writes both.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(type(of: wrappedValue).name, forKey: .name)
        try wrappedValue.encode(to: container.superEncoder(forKey: .numbers))
    }
}
