import Autoencoders
import Basics
import Glibc

/// How many latents of autoencoders fire, which decides how much memory codes take.
public struct FiringRates: Sendable {
    /// What a sample of tokens tells of an autoencoder.
    struct Count: Sendable {
        /// Codes of one token.
        var codes: Double
        /// Different latents in a text over those that would fire if they did so at random.
        var variety: Double
    }

    /// By the path of an autoencoder, where a sample was taken.
    var counted: [String: Count] = [:]
    /// Means of samples, by architecture and width, for the siblings of those counted.
    var siblings: [String: Count] = [:]

    /// Codes of a token where nothing is known of them.
    static let assumed = 64.0

    /// What files say.
    public init() {}

    /// What a sample tells of an autoencoder or of its siblings.
    private func count(of reference: AutoencoderReference) -> Count? {
        counted[reference.path] ?? siblings[Self.kind(of: reference)]
    }

    /// What siblings have in common.
    static func kind(of reference: AutoencoderReference) -> String {
        "\(reference.architecture) \(reference.latents)"
    }

    /// Codes of one token.
    func codes(of reference: AutoencoderReference) -> Double {
        let known =
            reference.fixedCodes.map { Double($0) } ?? count(of: reference)?.codes
            ?? reference.statedCodes ?? Self.assumed
        return min(known, Double(reference.latents))
    }

    /// Latents that fire in a text of some tokens.
    func latents(of reference: AutoencoderReference, tokens: Double) -> Double {
        let all = Double(reference.latents)
        return variety(of: reference)
            * Self.atRandom(codes: codes(of: reference), of: all, tokens: max(1, tokens))
    }

    /// Different latents in a text over those that would fire if they did so at random.
    private func variety(of reference: AutoencoderReference) -> Double {
        count(of: reference)?.variety ?? 1
    }

    /// What decides how much memory codes of an autoencoder take.
    func size(of reference: AutoencoderReference) -> CodeSize {
        CodeSize(
            latents: reference.latents, modelSize: reference.modelSize,
            fixedCodes: reference.fixedCodes, codes: codes(of: reference),
            variety: variety(of: reference))
    }

    /// Different latents in a text if each token had its codes at random.
    static func atRandom(codes: Double, of latents: Double, tokens: Double) -> Double {
        latents * (1 - pow(1 - min(1, codes / latents), tokens))
    }
}

/// What decides how much memory codes of an autoencoder take.
struct CodeSize: Hashable {
    /// Width of the autoencoder.
    var latents: Int
    /// Numbers of an activation.
    var modelSize: Int
    /// Codes of every token, where they are fixed.
    var fixedCodes: Int?
    /// Codes of one token on average.
    var codes: Double
    /// Different latents in a text over those that would fire if they did so at random.
    var variety: Double
}

extension AutoencoderReference {
    /// Codes of a token, where the architecture keeps so many.
    var fixedCodes: Int? {
        guard ["topk", "matryoshka_topk"].contains(self.architecture) else { return nil }
        return configuration["k"]?.integer.map { min($0, self.latents) }
    }

    /// Codes of a token on average: what its configuration calls k, or what its name calls
    /// `average_l0`, as those of Gemma Scope do.
    var statedCodes: Double? {
        if let k = configuration["k"]?.double { return k }
        guard let place = id.firstRange(of: "average_l0_") else { return nil }
        return Double(id[place.upperBound...].prefix { ("0"..."9").contains($0) })
    }
}
