import Autoencoders
import Basics
import Corpora
import EvalKit
import Probes

/// What SCR and TPP share: probes on pooled activations, effects of latents on their logits, and
/// accuracies after the latents with the largest effects are ablated.
struct AttributionWork: Sendable {
    /// The name of the evaluation.
    let identifier: String
    /// Whether this is SCR.
    let isSCR: Bool
    let settings: AttributionSettings
    let context: any EvaluationContext
    /// Records the permutations of SAE Bench's order, for tests.
    var trace: PermutationTrace?

    /// Evaluates a unit for some autoencoders.
    func evaluate(_ unit: AttributionUnit, subjects: [SubjectIndex]) throws
        -> [SubjectIndex: Result<AttributionPartial, any Error>]
    {
        switch unit {
        case .probes(let run):
            let partial = AttributionPartial(probes: [try sharedProbes(run).accuracies])
            return results(subjects) { _ in partial }
        case .ablations(let run):
            let probes = try sharedProbes(run)
            return results(subjects) { subject in
                AttributionPartial(ablations: [try ablations(of: subject, probes)])
            }
        case .upstream:
            return results(subjects) { try upstream($0) }
        }
    }

    /// Probes of a run with streams of their own; they depend on the cohort alone.
    private func sharedProbes(_ run: AttributionRun) throws -> AttributionProbes {
        try context.shared("\(identifier).\(run.name)") { try AttributionProbes(run, with: self) }
    }

    /// Ablations with streams of their own.
    private func ablations(of subject: SubjectIndex, _ probes: AttributionProbes) throws
        -> AblationAccuracies
    {
        let texts = probes.texts
        let latents = try AblatedLatents(of: subject, probes, with: self)
        let ablated = try context.parallel(texts.chosen.count) { index in
            let place = texts.chosen[index]
            let stream = "\(probes.run.name).\(texts.names[place])"
            var generator = generator("\(stream).effects")
            let choices = latents.choices(
                texts.task(.train, of: place, using: &generator), of: place, isSCR: isSCR,
                nValues: settings.nValues, tiesAsTorch: false)
            let rounds = settings.nValues.map { n in
                var generator = self.generator("\(stream).ablated.\(n)")
                return texts.round(using: &generator)
            }
            return latents.accuracies(
                named: texts.names[place], nValues: settings.nValues, choices: choices,
                rounds: rounds)
        }
        return AblationAccuracies(run: probes.run, ablated: ablated)
    }

    /// All runs of one autoencoder with one generator in the order of SAE Bench with a cold cache:
    /// probes, clean accuracies, effects of all classes, then ablations.
    private func upstream(_ subject: SubjectIndex) throws -> AttributionPartial {
        var generator = TorchGenerator(seed: UInt64(settings.randomSeed))
        generator.trace = trace
        var partial = AttributionPartial()
        for run in settings.runs(isSCR: isSCR) {
            let probes = try AttributionProbes(run, with: self, using: &generator)
            let texts = probes.texts
            let effectTasks = texts.chosen.map { texts.task(.train, of: $0, using: &generator) }
            let rounds = texts.chosen.map { _ in
                settings.nValues.map { _ in texts.round(using: &generator) }
            }
            let latents = try AblatedLatents(of: subject, probes, with: self)
            let ablated = try context.parallel(texts.chosen.count) { index in
                let place = texts.chosen[index]
                return latents.accuracies(
                    named: texts.names[place], nValues: settings.nValues,
                    choices: latents.choices(
                        effectTasks[index], of: place, isSCR: isSCR, nValues: settings.nValues,
                        tiesAsTorch: true),
                    rounds: rounds[index])
            }
            partial.probes.append(probes.accuracies)
            partial.ablations.append(AblationAccuracies(run: run, ablated: ablated))
        }
        return partial
    }

    /// Texts and pooled activations of a run.
    func inputs(_ run: AttributionRun) throws -> (texts: AttributionTexts, pooled: FeatureRows) {
        let request = settings.request(run)
        let texts = try AttributionTexts(try context.texts(request), run: run)
        return (texts, try context.pooledActivations(request))
    }

    /// A stream of its own for one purpose.
    func generator(_ purpose: String) -> TorchGenerator {
        TorchGenerator(seed: settings.randomSeed, stream: "\(identifier).\(purpose)")
    }

    /// One result for each subject.
    private func results(
        _ subjects: [SubjectIndex], _ body: (SubjectIndex) throws -> AttributionPartial
    ) -> [SubjectIndex: Result<AttributionPartial, any Error>] {
        Dictionary(
            uniqueKeysWithValues: subjects.map { subject in
                (subject, Result { try body(subject) })
            })
    }
}
