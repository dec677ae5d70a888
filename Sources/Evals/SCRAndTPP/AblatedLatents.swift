import Autoencoders
import Basics
import Corpora
import EvalKit
import Kernels
import Probes

/// Some of an autoencoder's latents on the test texts of a run, and what ablating them does to
/// probes.
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
    /// The latents that some ablation takes.
    private let selection: LatentSelection
    /// Means over stored tokens of the test texts, each token's latents times what decoding
    /// multiplies them by, `[texts, latents]`.
    private let pooled: FeatureRows
    /// Latents of an activation of 0, as they are decoded.
    private let leak: [(latent: Int, value: Double)]
    /// For each text masked positions over stored ones.
    private let masked: [Double]
    /// `probe · decoder[f]` for each chosen probe, `[latents][probes]`.
    private let products: [Double]

    /// Encodes the test texts of a run.
    ///
    /// - Parameter latents: those that may be ablated, in any order.
    /// - Cost: `2 · tokens · model · latents` FLOP where latents can be encoded alone, else those of
    ///   the whole autoencoder.
    /// - Throws: ``EvaluationError`` for autoencoders that reconstruct another hook than theirs;
    ///   errors of the autoencoder.
    init(
        of subject: SubjectIndex, latents: [Int], _ probes: AttributionProbes,
        with work: AttributionWork
    ) throws {
        let context = work.context
        let request = work.settings.request(probes.run)
        let autoencoder = try context.autoencoder(subject)
        let decoding = try LatentDecoding(
            autoencoder, on: context.backend,
            name: context.cohort[subject].name)
        // Where nothing is ablated one latent stays, so that the axis has a length.
        let selection = LatentSelection(
            latents.isEmpty ? [0] : Set(latents).sorted(), of: autoencoder)
        (self.probes, self.selection) = (probes, selection)
        pooled = try context.pooledCodes(
            request, texts: probes.texts.testTexts, latents: selection.latents.count,
            pieces: CodePieces(of: autoencoder)
        ) { x in
            try decoding.decoded(try selection.encode(x, on: context.backend), of: x)
        }
        leak = try decoding.latentsOfZero(among: selection)
        masked = (0..<probes.texts.rows.count).map { text in
            let stored = probes.texts.rows.storedCount(text)
            return Double(max(0, request.contextLength - stored)) / Double(stored)
        }
        products = try decoding.products(of: probes.probes, latents: selection.latents)
    }

    /// Accuracies after each of some choices of latents is ablated.
    ///
    /// - Parameter rounds: the evaluations after each ablation.
    func accuracies(
        named name: String, nValues: [Int], choices: [[Int]], rounds: [[AttributionEvaluation]]
    ) -> AblatedClass {
        let sums = sums(choices, texts: probes.texts.testTexts)
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

    /// What ablations of some choices take from logits.
    private func sums(_ choices: [[Int]], texts: [Int]) -> AblationSums {
        AblationSums(
            choices: choices.map { selection.indices(of: $0) }, latents: pooled, products: products,
            leak: leak, texts: texts)
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
    func logits(of group: Int, without latents: [Int], texts: [Int], countsMasked: Bool) -> [Double]
    {
        let sums = sums([latents], texts: texts)
        let chosen = probes.texts.chosen.firstIndex(of: group) ?? 0
        let leak = countsMasked ? sums.leak(0, probe: chosen) : 0
        return texts.map {
            Double(probes.logits[chosen][$0]) - sums.value(0, probe: chosen, text: $0) - leak
                * masked[$0]
        }
    }
}
