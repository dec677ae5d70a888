import Activations
import Autoencoders
import Basics
import Corpora
import EvalKit

extension AttributionSettings {
    /// Datasets, for SCR with each pair of classes, in order.
    func runs(isSCR: Bool) -> [AttributionRun] {
        datasetNames.flatMap { dataset in
            isSCR
                ? (column1ValsLookup[dataset] ?? []).map {
                    AttributionRun(dataset: dataset, pair: $0)
                }
                : [AttributionRun(dataset: dataset)]
        }
    }

    /// The texts of a run.
    func request(_ run: AttributionRun) -> TextRequest {
        let selection: TextSelection =
            if let pair = run.pair {
                .pair(
                    first: pair[0], second: pair[1], train: trainSetSize, test: testSetSize,
                    seed: randomSeed)
            } else {
                .classes(
                    train: trainSetSize, test: testSetSize, seed: randomSeed,
                    classes: chosenClasses[run.dataset]?.map(\.text))
            }
        return TextRequest(
            dataset: run.dataset, selection: selection, contextLength: contextLength)
    }
}

/// How the work of SCR or TPP splits into units.
struct AttributionPlan {
    let identifier: String
    let isSCR: Bool
    let settings: AttributionSettings
    let cohort: Cohort
    /// Operations from which on a unit that finds effects is cut: some hundred seconds on one core.
    var mostOperations = 2e14

    /// The texts of all runs.
    var inputs: [InputRequest] {
        settings.runs(isSCR: isSCR).map { .texts(settings.request($0)) }
    }

    /// Refuses what cannot be ablated as often as asked, or stored in another type.
    func check(_ subject: Subject) throws(EvaluationError) {
        let latents = subject.reference.latents
        if let n = settings.nValues.max(), n > latents {
            throw EvaluationError(
                .unsuitable,
                "`\(identifier).n_values` holds \(n), but \(subject.name) has \(latents) latents",
                advice: "leave out values above \(latents)")
        }
        try cohort.check(llmDtype: settings.llmDtype, of: identifier)
        for dataset in settings.datasetNames where isSCR {
            guard settings.column1ValsLookup[dataset]?.isEmpty == false else {
                throw EvaluationError(
                    .unsuitable,
                    "`scr.column1_vals_lookup` has no pair of classes for `\(dataset)`",
                    advice: "add one, or leave the dataset out of `dataset_names`")
            }
        }
    }

    /// For each run a unit of probes and, after it, one for each autoencoder; the effects of a wide
    /// one's latents have units of their own in between. In SAE Bench's order of draws one unit for
    /// each autoencoder in all.
    func units() -> [PlannedUnit<AttributionUnit>] {
        let subjects = cohort.subjectIndices
        let runs = settings.runs(isSCR: isSCR)
        // Training texts are encoded first, test texts when those are released.
        let larger = Double(max(settings.trainSetSize, settings.testSetSize))
        let memory = UnitMemory(
            .textLatents, share: larger / Double(settings.trainSetSize + settings.testSetSize))
        let costs = runs.map { AttributionCosts(of: $0, settings: settings, cohort: cohort) }
        guard cohort.streams == .independent else {
            return subjects.map { subject in
                PlannedUnit(
                    unit: .upstream, subjects: [subject],
                    cost: costs.reduce(0) { $0 + $1.probes },
                    costPerToken: costs.first.map {
                        $0.pooling + $0.effects(subject) + $0.ablations(subject)
                    } ?? 0, memory: memory)
            }
        }
        var units: [PlannedUnit<AttributionUnit>] = []
        for (index, run) in runs.enumerated() {
            let probes = units.count
            units.append(
                PlannedUnit(
                    unit: .probes(run), subjects: subjects, cost: costs[index].probes,
                    costPerToken: costs[index].pooling, inputs: [index],
                    isSharedByAllSubjects: true,
                    memory: UnitMemory(.textActivations)))
            for subject in subjects {
                let effects = costs[index].effects(subject)
                let parts = parts(of: subject, cost: costs[index].mostEffects(subject))
                let dependencies = [probes] + parts.indices.map { units.count + $0 }
                units += parts.map { latents in
                    PlannedUnit(
                        unit: .effects(run, latents: latents), subjects: [subject],
                        cost: 0, costPerToken: effects / Double(parts.count), inputs: [index],
                        dependsOn: [probes], memory: memory)
                }
                units.append(
                    PlannedUnit(
                        unit: .ablations(run), subjects: [subject],
                        cost: 0,
                        costPerToken: costs[index].ablations(subject)
                            + (parts.isEmpty ? effects : 0), inputs: [index],
                        dependsOn: dependencies,
                        memory: memory))
            }
        }
        return units
    }

    /// Parts of an autoencoder's latents whose effects are found apart; none when one unit does it
    /// all, as it must where latents depend on one another.
    private func parts(of subject: SubjectIndex, cost: Double) -> [Range<Int>] {
        let reference = cohort[subject].reference
        guard reference.hasIndependentLatents, cost > mostOperations else { return [] }
        let count = min(reference.latents, Int(min(1e6, cost / mostOperations)) + 1)
        return (0..<count).map { part in
            reference.latents * part / count..<reference.latents * (part + 1) / count
        }
    }
}
