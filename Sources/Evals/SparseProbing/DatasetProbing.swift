import Basics
import Corpora
import EvalKit
import Probes

/// Trains and tests the probes of a dataset.
struct DatasetProbing: Sendable {
    /// What the evaluation was told.
    let settings: SparseProbingSettings
    /// Texts, activations and autoencoders.
    let context: any EvaluationContext

    /// The probes on one source of features, each with streams of its own.
    ///
    /// A stream's name holds the dataset, class, source and number of features, so that all
    /// autoencoders meet the same negatives and no number depends on order, threads or ranks.
    func part(_ dataset: String, source: FeatureSource, of subject: SubjectIndex? = nil) throws
        -> ProbedDataset
    {
        let data = try PooledDataset(settings.request(dataset), of: subject, in: context)
        let full = hasFullProbe(source) ? data.classes.indices.map { ProbeJob(classIndex: $0) } : []
        let sparse = settings.kValues.flatMap { k in
            data.classes.indices.map { ProbeJob(classIndex: $0, k: k) }
        }
        // Probes on all features take longest, so they come first.
        let jobs = full + sparse
        let scores = try context.parallel(jobs.count) { index in
            let job = jobs[index]
            let features = job.k.map { "top \($0)" } ?? "full"
            let stream =
                "sparse_probing.\(dataset).\(data.classes[job.classIndex]).\(source.rawValue).\(features)"
            let task = { (split: TextRows.Split) in
                var generator = self.generator("\(stream).\(split.rawValue)")
                return data.task(split, of: job.classIndex, using: &generator)
            }
            var generator = self.generator("\(stream).probe")
            return try score(
                job, train: task(.train), test: task(.test), data: data, using: &generator)
        }
        return part(dataset, source: source, data: data, scores: scores)
    }

    /// All probes of one autoencoder with one generator in the order of SAE Bench with a cold cache:
    /// for each dataset the model's full and sparse probes, then the autoencoder's.
    ///
    /// - Parameter generator: seeded with the settings' seed.
    func upstream(_ subject: SubjectIndex, using generator: inout TorchGenerator) throws
        -> [ProbedDataset]
    {
        try settings.datasetNames.flatMap { dataset in
            try [FeatureSource.model, .latents].map { source in
                let data = try PooledDataset(
                    settings.request(dataset), of: source == .latents ? subject : nil, in: context)
                let scores = try scoresInOrder(data, source: source, using: &generator)
                return part(dataset, source: source, data: data, scores: scores)
            }
        }
    }

    /// Full probes one after the other, since training decides how many numbers are drawn; then the
    /// tasks of all sparse probes in order, and their fits, which draw nothing, at the same time.
    /// Fits end where scikit-learn's do.
    func scoresInOrder(
        _ data: PooledDataset, source: FeatureSource, using generator: inout TorchGenerator
    ) throws -> [ProbeScore] {
        var scores: [ProbeScore] = []
        for classIndex in data.classes.indices where hasFullProbe(source) {
            let train = data.task(.train, of: classIndex, using: &generator)
            let test = data.task(.test, of: classIndex, using: &generator)
            scores.append(
                try score(
                    ProbeJob(classIndex: classIndex), train: train, test: test, data: data,
                    using: &generator)
            )
        }
        var tasks: [(job: ProbeJob, train: ProbeTask, test: ProbeTask)] = []
        for k in settings.kValues {
            for classIndex in data.classes.indices {
                let train = data.task(.train, of: classIndex, using: &generator)
                let test = data.task(.test, of: classIndex, using: &generator)
                tasks.append((ProbeJob(classIndex: classIndex, k: k), train, test))
            }
        }
        let drawn = tasks
        return scores
            + (try context.parallel(drawn.count) { index in
                let (job, train, test) = drawn[index]
                return .sparse(
                    try sparseAccuracy(
                        of: data.features, k: job.k ?? 0, train: train, test: test,
                        stop: .scikitLearn))
            })
    }

    /// Whether a source has a probe on all its features.
    private func hasFullProbe(_ source: FeatureSource) -> Bool {
        source == .model || !settings.lowerVramUsage
    }

    /// A stream of its own for one purpose.
    private func generator(_ stream: String) -> TorchGenerator {
        TorchGenerator(seed: settings.randomSeed, stream: stream)
    }

    /// Trains and tests one probe.
    private func score(
        _ job: ProbeJob, train: ProbeTask, test: ProbeTask, data: PooledDataset,
        using generator: inout TorchGenerator
    ) throws -> ProbeScore {
        if let k = job.k {
            return .sparse(
                try sparseAccuracy(of: data.features, k: k, train: train, test: test))
        }
        return .full(
            try trainedProbe(
                data.features, train, test: data.features, test, settings: .allFeatures,
                using: &generator))
    }

    /// Sorts scores, those of full probes first, into lists by class.
    private func part(
        _ dataset: String, source: FeatureSource, data: PooledDataset, scores: [ProbeScore]
    ) -> ProbedDataset {
        let full = scores.compactMap(\.full)
        let accuracies = scores.compactMap(\.sparse)
        let count = data.classes.count
        return ProbedDataset(
            dataset: dataset, source: source, classes: data.classes,
            full: full.isEmpty
                ? nil
                : FullProbes(
                    accuracies: full.map(\.accuracy), lastAccuracies: full.map(\.lastAccuracy),
                    epochs: full.map(\.epochs)),
            sparse: settings.kValues.enumerated().map { index, k in
                SparseProbes(
                    k: k, accuracies: Array(accuracies[index * count..<(index + 1) * count]))
            })
    }
}

/// One probe: the index of its class, and on how many features; nil for all.
private struct ProbeJob: Sendable {
    /// Index of the class in the dataset.
    var classIndex: Int
    /// Features; nil for all.
    var k: Int?
}

/// What one probe gave.
enum ProbeScore: Sendable {
    /// Of a probe on all features.
    case full(AdamWResult)
    /// Accuracy of a sparse probe.
    case sparse(Double)

    /// The result on all features, if it is one.
    var full: AdamWResult? { if case .full(let result) = self { result } else { nil } }
    /// The accuracy of a sparse probe, if it is one.
    var sparse: Double? { if case .sparse(let accuracy) = self { accuracy } else { nil } }
}

/// Accuracy on test rows of a logistic probe on the k features whose means over positive and negative
/// training rows differ most; of all features where there are fewer.
///
/// - Parameter stop: where the fit of the probe ends.
func sparseAccuracy(
    of features: FeatureRows, k: Int, train: ProbeTask, test: ProbeTask,
    stop: LogisticSettings.Stop = .optimum
) throws -> Double {
    let chosen = topFeatures(meanDifferences(features, train), count: k)
    let probe = try logisticProbe(
        columns(chosen, of: features, train), columns: chosen.count, labels: train.labels,
        settings: LogisticSettings(penalty: .l2, inverseStrength: 1, stop: stop))
    let decisions = probe.decisions(columns(chosen, of: features, test))
    let correct = zip(decisions, test.labels).count { ($0 > 0) == $1 }
    return Double(correct) / Double(test.labels.count)
}
