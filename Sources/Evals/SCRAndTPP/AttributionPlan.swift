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

    /// For each run a unit of probes and one for each autoencoder; in SAE Bench's order of draws one
    /// for each autoencoder in all.
    func units() -> [PlannedUnit<AttributionUnit>] {
        let subjects = cohort.subjects.indices.map { SubjectIndex($0) }
        let runs = settings.runs(isSCR: isSCR)
        guard cohort.streams == .independent else {
            return subjects.map { subject in
                PlannedUnit(
                    unit: .upstream, subjects: [subject],
                    cost: Double(runs.count) * (probeCost + ablationCost(subject)))
            }
        }
        return runs.enumerated().flatMap { index, run in
            let probes = PlannedUnit(
                unit: AttributionUnit.probes(run), subjects: subjects, cost: probeCost,
                inputs: [index], servesAll: true)
            let ablations = subjects.map { subject in
                PlannedUnit(
                    unit: AttributionUnit.ablations(run), subjects: [subject],
                    cost: ablationCost(subject), inputs: [index])
            }
            return [probes] + ablations
        }
    }

    /// Texts of a run, about: five classes, or four quarters of which two are taken twice.
    private var texts: Double {
        (isSCR ? 1.5 : 2.5) * Double(settings.trainSetSize + settings.testSetSize)
    }

    /// Operations of pooling activations and training six probes.
    private var probeCost: Double {
        let size = Double(cohort.activationSize)
        return texts * Double(settings.contextLength) * size
            + 24 * Double(settings.trainSetSize) * Double(settings.probeEpochs) * size
    }

    /// Operations of encoding the texts once.
    private func ablationCost(_ subject: SubjectIndex) -> Double {
        let reference = cohort.subjects[subject.value].reference
        return 2.2 * texts * Double(settings.contextLength) * Double(reference.modelSize)
            * Double(reference.latents)
    }
}
