import Activations
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
            let probes = try AttributionProbes(run, with: self)
            let partial = AttributionPartial(
                probes: [probes.accuracies], trained: probes.trained)
            return subjects.results { _ in partial }
        case .effects(let run, let latents):
            return subjects.results { subject in
                let probes = try trainedProbes(try dependencies(of: subject), of: run)
                return AttributionPartial(
                    effects: try effects(of: subject, latents: latents, probes))
            }
        case .ablations(let run):
            return subjects.results { subject in
                let dependencies = try dependencies(of: subject)
                let probes = try trainedProbes(dependencies, of: run)
                let effects = dependencies.compactMap(\.effects)
                return AttributionPartial(ablations: [
                    try ablations(of: subject, probes, effects: effects)
                ])
            }
        case .upstream:
            return subjects.results { try upstream($0) }
        }
    }

    /// The partial results of the units that the current one depends on.
    private func dependencies(of subject: SubjectIndex) throws -> [AttributionPartial] {
        try context.dependencyResults(AttributionPartial.self, for: subject)
    }

    /// The probes that a unit has trained that this one depends on.
    private func trainedProbes(_ partials: [AttributionPartial], of run: AttributionRun) throws
        -> AttributionProbes
    {
        guard let trained = partials.compactMap(\.trained).first(where: { $0.run == run }) else {
            throw EvaluationError(
                .damagedPartial,
                "The probes of \(run.name) are not among the results that this unit depends on",
                advice: "run again with another `output` folder")
        }
        return try AttributionProbes(trained, with: self)
    }

    /// The largest effects of some latents, nil for all, with streams of their own.
    private func effects(
        of subject: SubjectIndex, latents: Range<Int>?, _ probes: AttributionProbes
    ) throws -> RankedEffects {
        let texts = probes.texts
        let tasks = texts.chosen.map { group in
            var generator = generator("\(probes.run.name).\(texts.names[group]).effects")
            return texts.task(.train, of: group, using: &generator)
        }
        return try LatentEffects(of: subject, latents: latents, probes, with: self).ranked(
            tasks, isSCR: isSCR, most: settings.nValues.max() ?? 0, in: context)
    }

    /// Ablations with streams of their own.
    ///
    /// - Parameter effects: those of all parts of the latents; of all latents when there is none.
    private func ablations(
        of subject: SubjectIndex, _ probes: AttributionProbes, effects: [RankedEffects]
    ) throws -> AblationAccuracies {
        let texts = probes.texts
        let parts =
            try effects.isEmpty ? [self.effects(of: subject, latents: nil, probes)] : effects
        let choices = try RankedEffects.choices(
            parts, nValues: settings.nValues,
            latents: try context.autoencoder(subject).description.latents,
            probes: texts.chosen.count)
        let latents = try AblatedLatents(
            of: subject, latents: choices.flatMap { $0.flatMap(\.self) }, probes, with: self)
        let ablated = try context.parallel(texts.chosen.count) { index in
            let group = texts.chosen[index]
            let rounds = settings.nValues.map { n in
                var generator = generator("\(probes.run.name).\(texts.names[group]).ablated.\(n)")
                return texts.round(using: &generator)
            }
            return latents.accuracies(
                named: texts.names[group], nValues: settings.nValues, choices: choices[index],
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
            let effects = try LatentEffects(of: subject, probes, with: self)
            let choices = try context.parallel(texts.chosen.count) { index in
                choicesAsTorch(
                    effects.effects(effectTasks[index], of: texts.chosen[index], isSCR: isSCR))
            }
            let latents = try AblatedLatents(
                of: subject, latents: choices.flatMap { $0.flatMap(\.self) }, probes, with: self)
            let ablated = try context.parallel(texts.chosen.count) { index in
                latents.accuracies(
                    named: texts.names[texts.chosen[index]], nValues: settings.nValues,
                    choices: choices[index], rounds: rounds[index])
            }
            partial.probes.append(probes.accuracies)
            partial.ablations.append(AblationAccuracies(run: run, ablated: ablated))
        }
        return partial
    }

    /// The latents to ablate for each n, as ``RankedEffects/choices(_:nValues:latents:probes:)`` but
    /// with equal effects as torch's selection leaves them.
    private func choicesAsTorch(_ effects: [Float]) -> [[Int]] {
        let most = effects.count { $0 != 0 }
        return settings.nValues.map { n in
            most == 0 ? [] : torchTopFeatures(effects, count: min(n, most))
        }
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
}
