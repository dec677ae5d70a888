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

    /// The part of the texts' tokens that is for training.
    private var trainingShare: Double {
        Double(settings.trainSetSize) / Double(settings.trainSetSize + settings.testSetSize)
    }

    /// Training the probes.
    var probes: Double {
        let visits =
            probeCount * Double(settings.probeEpochs)
            * Double(settings.trainSetSize + settings.testSetSize)
        return LoopCost.factor * visits * 6 * (Double(cohort.activationSize) + LoopCost.overhead)
    }

    /// Pooling one token's activations.
    var pooling: Double { LoopCost.factor * 2 * Double(cohort.activationSize) }

    /// Encoding the texts of training, for each token of all texts.
    func effects(_ subject: SubjectIndex) -> Double {
        trainingShare * cohort[subject].encodeCost()
    }

    /// Encoding the texts of training if every text were as long as it may be: what says whether the
    /// work is cut, so that it does not depend on data.
    func mostEffects(_ subject: SubjectIndex) -> Double {
        cohort[subject].encodeCost() * share * Double(settings.trainSetSize)
            * Double(settings.contextLength)
    }

    /// Encoding the test texts, for each token of all texts: the latents that are ablated, where they
    /// can be encoded alone.
    func ablations(_ subject: SubjectIndex) -> Double {
        let subject = cohort[subject]
        let all = Double(subject.reference.latents)
        let chosen = min(all, probeCount * Double(settings.nValues.max() ?? 0))
        let isAlone = subject.reference.hasIndependentLatents
        return (1 - trainingShare) * subject.encodeCost(latents: isAlone ? chosen : all)
    }
}
