import Autoencoders
import Basics
import Corpora
import EvalKit
import Kernels
import Probes

/// An autoencoder's latents on the texts of a run, and what ablating them does to probes.
///
/// Decoding is affine, so an activation x without the latents of S is
/// `x - Σ_{f ∈ S} latents[f] · decoder[f]`, whatever the reconstruction's error. A probe is linear and
/// pooling takes means, so the logit of a text without S is
///
/// `logit - Σ_{f ∈ S} g[f] · (probe · decoder[f])`
///
/// with g the pooled latents. SAE Bench also counts masked positions, where the activation is 0:
/// `g[f] = (Σ_stored latents[f] + masked · encode(0)[f]) / stored`. One encode of each text so serves
/// all classes and all numbers of latents.
struct AblatedLatents: Sendable {
    private let probes: AttributionProbes
    /// Means over stored tokens, `[texts, latents]`.
    private let pooled: FeatureRows
    /// The same times what decoding multiplies each token's latents by; nil when that is 1.
    private let decoded: FeatureRows?
    /// Latents of an activation of 0, as they are decoded.
    private let leak: [(latent: Int, value: Double)]
    /// For each text masked positions over stored ones.
    private let masked: [Double]
    /// `probe · decoder[f]` for each chosen probe, `[latents][probes]`.
    private let products: [Double]

    /// Encodes the texts of a run.
    ///
    /// - Throws: ``EvaluationError`` for autoencoders that reconstruct another hook than theirs;
    ///   errors of the autoencoder.
    init(of subject: SubjectIndex, _ probes: AttributionProbes, with work: AttributionWork) throws {
        let context = work.context
        let request = work.settings.request(probes.run)
        let decoding = try LatentDecoding(
            try context.autoencoder(subject), on: context.backend,
            name: context.cohort.subjects[subject.value].name)
        self.probes = probes
        pooled = try context.pooledLatents(request, of: subject)
        decoded =
            decoding.scalesTokens
            ? try context.decodedLatents(request, rows: probes.texts.rows, decoding) : nil
        leak = try decoding.latentsOfZero()
        masked = (0..<probes.texts.rows.count).map { text in
            let stored = probes.texts.rows.storedCount(text)
            return Double(max(0, request.contextLength - stored)) / Double(stored)
        }
        products = try decoding.products(of: probes.probes)
    }

    /// The latents to ablate for each n: those with the largest effects on a probe, no more than
    /// there are effects. As some effects may be below 0, latents without effect can be among them.
    ///
    /// - Parameter tiesAsTorch: whether equal effects fall as in torch; else the lower latents count
    ///   first.
    func choices(
        _ task: ProbeTask, of place: Int, isSCR: Bool, nValues: [Int], tiesAsTorch: Bool
    ) -> [[Int]] {
        let effects = effects(task, of: place, isSCR: isSCR)
        let most = effects.count { $0 != 0 }
        guard tiesAsTorch else {
            let ranked = rankedFeatures(effects, count: most)
            return nValues.map { Array(ranked.prefix($0)) }
        }
        return nValues.map { n in
            most == 0 ? [] : torchTopFeatures(effects, count: min(n, most))
        }
    }

    /// The effect of each latent on a probe, `[latents]`.
    ///
    /// `effect[f] = (mean over positives of g[f] - mean over negatives) · (probe · decoder[f])`; for
    /// SCR its absolute value, for TPP with differences below 0 taken as 0.
    ///
    /// - Source: Karvonen et al. 2025, app. D; SAE Bench 0.6.0.
    func effects(_ task: ProbeTask, of place: Int, isSCR: Bool) -> [Float] {
        let differences = signedMeanDifferences(pooled, task)
        let (count, probe) = (
            probes.texts.chosen.count, probes.texts.chosen.firstIndex(of: place) ?? 0
        )
        return differences.enumerated().map { latent, difference in
            let effect = difference * products[latent * count + probe]
            return isSCR ? Float(abs(effect)) : difference > 0 ? Float(effect) : 0
        }
    }

    /// Accuracies after each of some choices of latents is ablated.
    ///
    /// - Parameter rounds: the evaluations after each ablation.
    func accuracies(
        named name: String, nValues: [Int], choices: [[Int]], rounds: [[AttributionEvaluation]]
    ) -> AblatedClass {
        let texts = Set(probes.texts.test.joined()).sorted()
        let sums = AblationSums(
            choices: choices, latents: decoded ?? pooled, products: products, leak: leak,
            texts: texts)
        let levels = nValues.indices.map { level in
            AblationLevel(
                n: nValues[level], latents: choices[level].count,
                accuracies: rounds[level].map { accuracy($0, sums, level, countsMasked: true) },
                pairedAccuracies: probes.round.map {
                    accuracy($0, sums, level, countsMasked: false)
                })
        }
        return AblatedClass(name: name, levels: levels)
    }

    /// The accuracy of one evaluation after an ablation.
    private func accuracy(
        _ evaluation: AttributionEvaluation, _ sums: AblationSums, _ level: Int, countsMasked: Bool
    ) -> Double {
        let chosen = probes.texts.chosen.firstIndex(of: evaluation.probe) ?? 0
        let clean = probes.logits[chosen]
        let leak = countsMasked ? sums.leak(level, probe: chosen) : 0
        let logits = evaluation.task.rows.map { text in
            Float(
                Double(clean[text]) - sums.value(level, probe: chosen, text: text)
                    - leak * masked[text])
        }
        return Probes.accuracy(ofLogits: logits, labels: evaluation.task.labels)
    }

    /// Logits of a chosen probe after latents are ablated, for tests of the reduction.
    func logits(of place: Int, without latents: [Int], texts: [Int], countsMasked: Bool) -> [Double]
    {
        let sums = AblationSums(
            choices: [latents], latents: decoded ?? pooled, products: products, leak: leak,
            texts: texts)
        let chosen = probes.texts.chosen.firstIndex(of: place) ?? 0
        let leak = countsMasked ? sums.leak(0, probe: chosen) : 0
        return texts.map {
            Double(probes.logits[chosen][$0]) - sums.value(0, probe: chosen, text: $0) - leak
                * masked[$0]
        }
    }
}
