import Autoencoders
import EvalKit
import Probes

/// The effects of an autoencoder's latents, or of some that follow one another, on the probes of a
/// run.
///
/// `effect[f] = (mean over positives of g[f] - mean over negatives) · (probe · decoder[f])` with g
/// the pooled latents. A latent's effect depends on no other latent's, so parts of the latent axis
/// give the same bits as the whole.
///
/// - Source: Karvonen et al. 2025, app. D; SAE Bench 0.6.0.
struct LatentEffects: Sendable {
    private let probes: AttributionProbes
    /// The latents.
    private let latents: Range<Int>
    /// Means over stored tokens of the training texts, `[texts, latents]`.
    private let pooled: FeatureRows
    /// `probe · decoder[f]` for each chosen probe, `[latents][probes]`.
    private let products: [Double]

    /// Encodes the training texts of a run.
    ///
    /// - Parameter latents: nil for all.
    /// - Cost: `2 · tokens · model · latents` FLOP.
    /// - Throws: ``EvaluationError`` for autoencoders that reconstruct another hook than theirs;
    ///   errors of the autoencoder.
    init(
        of subject: SubjectIndex, latents: Range<Int>? = nil, _ probes: AttributionProbes,
        with work: AttributionWork
    ) throws {
        let context = work.context
        let autoencoder = try context.autoencoder(subject)
        let latents = latents ?? 0..<autoencoder.description.latents
        let decoding = try LatentDecoding(
            autoencoder, on: context.backend,
            name: context.cohort[subject].name)
        let selection = LatentSelection(Array(latents), of: autoencoder)
        (self.probes, self.latents) = (probes, latents)
        pooled = try context.pooledCodes(
            work.settings.request(probes.run), texts: probes.texts.trainingTexts,
            latents: latents.count, pieces: CodePieces(of: autoencoder)
        ) { try selection.encode($0, on: context.backend) }
        products = try decoding.products(of: probes.probes, latents: Array(latents))
    }

    /// The effect of each latent on a probe, `[latents]`; for SCR its absolute value, for TPP with
    /// differences below 0 taken as 0.
    func effects(_ task: ProbeTask, of group: Int, isSCR: Bool) -> [Float] {
        let differences = signedMeanDifferences(pooled, task)
        let (count, probe) = (
            probes.texts.chosen.count, probes.texts.chosen.firstIndex(of: group) ?? 0
        )
        return differences.enumerated().map { latent, difference in
            let effect = difference * products[latent * count + probe]
            return isSCR ? Float(abs(effect)) : difference > 0 ? Float(effect) : 0
        }
    }

    /// The largest effects on each probe, at most a number of them.
    ///
    /// - Parameter tasks: one for each chosen probe.
    func ranked(
        _ tasks: [ProbeTask], isSCR: Bool, most: Int, in context: any EvaluationContext
    ) throws -> RankedEffects {
        let largest = try context.parallel(tasks.count) { index in
            RankedEffects.Largest(
                of: effects(tasks[index], of: probes.texts.chosen[index], isSCR: isSCR),
                from: latents.lowerBound, most: most)
        }
        return RankedEffects(run: probes.run, latents: latents, probes: largest)
    }
}
