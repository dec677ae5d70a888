import Autoencoders
import Basics
import LanguageModels

extension Cohort {
    /// Autoencoders at one hook that are in no file, for tests and benchmarks.
    ///
    /// - Parameters:
    ///   - release: the first part of their names; the second is `sae_` and the index.
    ///   - model: what they read.
    public static func inMemory(
        _ autoencoders: [AutoencoderDescription], release: String, at hook: HookPoint,
        of model: ModelDescription, prependsBOS: Bool = false, specialTokens: [Int32] = []
    ) -> Cohort {
        let subjects = autoencoders.enumerated().map { index, autoencoder in
            Subject(
                reference: AutoencoderReference(
                    release: release, id: "sae_\(index)", path: "", layout: "none",
                    hookName: hook.description, modelSize: autoencoder.modelSize,
                    latents: autoencoder.latents, architecture: autoencoder.architecture,
                    storedBytes: 0),
                key: ContentHash.of("\(index)"))
        }
        return Cohort(
            hook: hook, model: model, modelName: "\(model.architecture) in memory",
            activationType: "float32", prependsBOS: prependsBOS, specialTokens: specialTokens,
            subjects: subjects)
    }
}
