import Corpora
import EvalKit

/// What the units of a run cost, in operations of matrix products; other loops count as many as take
/// the same time.
struct AttributionCosts {
    private let settings: AttributionSettings
    private let cohort: Cohort
    /// How many probes are trained and ablated.
    private let probeCount: Double
    /// Texts of a run for each text of a task: half of every class, or four quarters of which two are
    /// taken twice.
    private let share: Double

    /// Classes of a dataset whose classes are not chosen, about.
    private static let classes = 5.0

    init(of run: AttributionRun, settings: AttributionSettings, cohort: Cohort) {
        (self.settings, self.cohort) = (settings, cohort)
        let classes = settings.chosenClasses[run.dataset].map { Double($0.count) } ?? Self.classes
        (probeCount, share) = run.pair == nil ? (classes, classes / 2) : (3, 1.5)
    }

    /// Tokens of the texts for a size of tasks, at most.
    private func tokens(_ size: Int) -> Double {
        share * Double(size) * Double(settings.contextLength)
    }

    /// Pooling activations and training the probes.
    var probes: Double {
        let size = Double(cohort.activationSize)
        return tokens(settings.trainSetSize + settings.testSetSize) * size
            + probeCount * 4 * Double(settings.trainSetSize) * Double(settings.probeEpochs) * size
    }

    /// Encoding the texts of training.
    func effects(_ subject: SubjectIndex) -> Double {
        encoding(subject, latents: latents(subject)) * tokens(settings.trainSetSize)
    }

    /// Encoding the test texts: the latents that are ablated, where they can be encoded alone.
    func ablations(_ subject: SubjectIndex) -> Double {
        let reference = cohort.subjects[subject.value].reference
        let chosen = probeCount * Double(settings.nValues.max() ?? 0)
        let encoded =
            reference.hasIndependentLatents
            ? min(chosen, latents(subject)) : latents(subject)
        return encoding(subject, latents: encoded) * tokens(settings.testSetSize)
    }

    private func latents(_ subject: SubjectIndex) -> Double {
        Double(cohort.subjects[subject.value].reference.latents)
    }

    /// Encoding one token.
    private func encoding(_ subject: SubjectIndex, latents: Double) -> Double {
        2.2 * Double(cohort.activationSize) * latents
    }
}
