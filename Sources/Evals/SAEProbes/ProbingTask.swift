import Activations
import Autoencoders
import Corpora
import EvalKit
import Kernels
import Probes
import Tensors

/// One dataset: its texts' activations at the last token, their labels and their split.
struct ProbingTask {
    private let settings: SAEProbesSettings
    private let dataset: String
    private let context: any EvaluationContext
    private let labels: [Bool]
    private let split: DatasetSplit
    /// `[texts, model]`.
    private let activations: Tensor

    /// Texts that are encoded at once.
    private static let blockRows = 256

    /// - Throws: ``EvaluationError`` when the dataset is too small or lacks texts of a class.
    init(settings: SAEProbesSettings, dataset: String, context: any EvaluationContext) throws {
        (self.settings, self.dataset, self.context) = (settings, dataset, context)
        let request = SAEProbes(settings: settings).request(dataset, in: context.cohort)
        let rows = try context.texts(request)
        labels = try Self.labels(of: rows, dataset: dataset)
        split = try DatasetSplit(
            labels: labels, seed: UInt32(settings.randomSeed), dataset: dataset)
        activations = try context.activations(
            at: context.cohort.hook, texts: 0..<rows.count, of: request)
        guard activations.rows == labels.count else {
            throw EvaluationError(
                .unsuitable,
                "Dataset `\(dataset)` has \(labels.count) texts and \(activations.rows) last tokens",
                advice: "remove empty texts")
        }
    }

    /// Whether each text is of the second class.
    static func labels(of rows: TextRows, dataset: String) throws(EvaluationError) -> [Bool] {
        guard rows.groups.count == 2, rows.groups.reduce(0, { $0 + $1.texts.count }) == rows.count
        else {
            throw EvaluationError(
                .unsuitable,
                "Dataset `\(dataset)` has \(rows.groups.count) classes, two are needed")
        }
        var labels = [Bool](repeating: false, count: rows.count)
        for text in rows.groups[1].texts { labels[text] = true }
        return labels
    }

    /// The probe of all of the model's activations, with an L2 penalty.
    func baseline() throws -> ProbeResult {
        let columns = activations.columns
        let rows = { (texts: [Int]) in
            texts.flatMap { text in
                UnsafeBufferPointer(start: activations.floats + text * columns, count: columns)
            }
        }
        return try result(
            training: rows(split.training), test: rows(split.test), columns: columns, penalty: .l2)
    }

    /// The probes of an autoencoder's best latents, one for each number of them.
    func latents(of subject: SubjectIndex) throws -> [LatentProbeResult] {
        let table = try table(of: try context.autoencoder(subject))
        let known = split.training.map { labels[$0] }
        let ranking = table.ranking(
            rows: split.training, labels: known, best: settings.ks.max() ?? 0)
        return try context.parallel(settings.ks.count) { index in
            let latents = Array(ranking.prefix(settings.ks[index]))
            let features = { (rows: [Int]) in
                table.dense(rows: rows, latents: latents, binarized: settings.binarize)
            }
            return LatentProbeResult(
                latents: latents,
                result: try result(
                    training: features(split.training), test: features(split.test),
                    columns: latents.count, penalty: settings.regType == "l1" ? .l1 : .l2))
        }
    }

    private func table(of autoencoder: any Autoencoder) throws -> LatentTable {
        let starts = Array(stride(from: 0, to: activations.rows, by: Self.blockRows))
        let blocks = try context.parallel(starts.count) { index in
            let end = min(starts[index] + Self.blockRows, activations.rows)
            return try autoencoder.encode(
                activations.rows(starts[index]..<end), on: context.backend)
        }
        return LatentTable(blocks, latents: autoencoder.description.latents)
    }

    /// Searches, fits and judges a probe.
    ///
    /// - Shapes: `training` and `test` are `[texts, columns]` in the order of the split.
    private func result(
        training: [Float], test: [Float], columns: Int, penalty: LogisticSettings.Penalty
    ) throws -> ProbeResult {
        do throws(ProbeError) {
            let searched = try searchedProbe(
                training, columns: columns, labels: split.training.map { labels[$0] },
                penalty: penalty,
                stop: context.cohort.streams == .upstream ? .scikitLearn : .optimum,
                seed: UInt32(settings.randomSeed))
            let scores = try ClassificationScores(
                decisions: searched.probe.decisions(test), labels: split.test.map { labels[$0] })
            return ProbeResult(
                scores: scores, inverseStrength: searched.inverseStrength,
                validationAUC: searched.validationAUC)
        } catch {
            throw EvaluationError(
                .unsuitable, "Dataset `\(dataset)` cannot be probed with \(columns) features",
                cause: error)
        }
    }
}
