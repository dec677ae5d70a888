/// The baselines of SAE Bench, one line each; their layouts make and load them.
let baselineArchitectures: [any Architecture.Type] = [
    IdentityBaseline.self,
    PrincipalComponents.self,
]

/// Latents that are the activations themselves.
struct IdentityBaseline: Architecture {
    /// The name in results.
    static let name = "identity"
}

/// Latents that are projections on principal components, or on the columns of their matrix.
struct PrincipalComponents: Architecture {
    /// The name in results.
    static let name = "pca"
    /// Whether latent j is the projection on component j.
    var isCorrected: Bool
}
