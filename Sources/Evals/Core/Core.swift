import Activations
import Autoencoders
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Results

/// SAE Bench's core evaluation: how well an autoencoder preserves the model's behaviour and its
/// activations, and how sparse it is.
///
/// - Source: `sae_bench/evals/core` of SAE Bench 0.6.0; differences in this folder's README.
public struct Core: Evaluation {
    public static let identifier = "core"
    public static let summary =
        "loss recovered, KL, explained variance, sparsity and statistics of every latent"

    public static let metrics = [
        MetricDescription("l0", title: "L0", decimals: 1),
        MetricDescription("explained_variance", better: .higher, title: "EV"),
        MetricDescription("explained_variance_pooled", better: .higher, title: "EV pooled"),
        MetricDescription("ce_loss_score", better: .higher, title: "recovered"),
        MetricDescription("ce_loss_with_sae", better: .lower, title: "CE SAE", decimals: 3),
        MetricDescription("ce_loss_added_by_sae", better: .lower, title: "CE added"),
        MetricDescription("kl_div_with_sae", better: .lower, title: "KL"),
        MetricDescription("cossim", better: .higher, title: "cosine"),
        MetricDescription("frac_alive", better: .higher, title: "alive", decimals: 3),
        MetricDescription("kl_div_score", better: .higher),
        MetricDescription("explained_variance_legacy", better: .higher),
        MetricDescription("mse", better: .lower),
        MetricDescription("squared_error_*", better: .lower),
        MetricDescription("dead_latents", better: .lower, isCount: true),
        MetricDescription("total_tokens_eval_*", isCount: true),
    ]

    let settings: CoreSettings

    public init(settings: CoreSettings) { self.settings = settings }

    public func inputs(for cohort: Cohort) -> [InputRequest] {
        [
            .rows(
                RowRequest(
                    dataset: settings.dataset, contextSize: settings.contextSize,
                    rows: settings.rowCount, prependsBOS: cohort.prependsBOS))
        ]
    }

    public func check(_ subject: Subject, in cohort: Cohort) throws {
        guard let output = subject.reference.outputHookName else { return }
        throw EvaluationError(
            .unsuitable,
            "\(subject.reference.path) is a transcoder: it reads \(subject.reference.hookName) and "
                + "writes \(output), and the core evaluation splices in what reconstructs its input",
            advice: "leave it out of `core`, or give autoencoders that reconstruct what they read")
    }

    public func units(for cohort: Cohort) throws -> [PlannedUnit<CoreUnit>] {
        let plan = CorePlan(settings: settings, cohort: cohort)
        return plan.reconstructionUnits() + plan.sparsityUnits() + plan.weightUnits()
    }

    public func evaluate(
        _ unit: CoreUnit, subjects: [SubjectIndex], in context: EvaluationContext
    ) throws -> [SubjectIndex: Result<CorePartial, any Error>] {
        switch unit {
        case .reconstruction(let batches):
            return try ReconstructionPhase(settings: settings, context: context)
                .evaluate(batches, subjects: subjects).mapValues { $0.map { .reconstruction($0) } }
        case .sparsity(let batches):
            return try SparsityPhase(settings: settings, context: context)
                .evaluate(batches, subjects: subjects).mapValues { $0.map { .sparsity($0) } }
        case .weights(let latents):
            return subjects.results { subject in
                .weights(
                    try weightStatistics(
                        of: latents, in: try context.autoencoder(subject), on: context.backend))
            }
        }
    }

    public func outcome(of partials: [CorePartial], for subject: SubjectIndex, in cohort: Cohort)
        throws -> Outcome
    {
        let whole = try CoreOutcome(settings: settings, cohort: cohort, partials: partials)
        var outcome = try whole.outcome()
        let reference = cohort[subject].reference
        if let note = reference.thresholdNote(l0: whole.l0) { outcome.notes.append(note) }
        return outcome
    }
}

/// How the core evaluation's work splits into units.
struct CorePlan {
    let settings: CoreSettings
    let cohort: Cohort

    /// Floating-point operations that a unit aims at: seconds on one core.
    static let unitCost = 4e11
    /// Latents of one weights unit.
    static let latentsPerUnit = 4096

    private var tokensPerBatch: Double { Double(settings.batchSizePrompts * settings.contextSize) }

    private func encodeCost(_ subject: SubjectIndex) -> Double { cohort[subject].encodeCost() }

    /// Operations of the rest of the model after the hook, for one token.
    private var suffixCost: Double {
        let model = cohort.model
        return 2 * Double(model.blockParameters)
            * Double(model.layers - cohort.hook.firstBlockAfter)
            + 2 * Double(model.modelSize) * Double(model.vocabulary)
    }

    func reconstructionUnits() -> [PlannedUnit<CoreUnit>] {
        phase(
            batches: settings.nEvalReconstructionBatches, shared: suffixCost,
            each: { encodeCost($0) + suffixCost },
            unit: { .reconstruction($0) }, memory: .logits)
    }

    func sparsityUnits() -> [PlannedUnit<CoreUnit>] {
        phase(
            batches: settings.nEvalSparsityVarianceBatches, shared: 0, each: encodeCost,
            unit: { .sparsity($0) }, memory: .codes)
    }

    func weightUnits() -> [PlannedUnit<CoreUnit>] {
        cohort.subjects.indices.flatMap { index in
            let reference = cohort.subjects[index].reference
            return ranges(of: reference.latents, length: Self.latentsPerUnit).map { range in
                PlannedUnit<CoreUnit>(
                    unit: .weights(range), subjects: [SubjectIndex(index)],
                    cost: 4 * Double(range.count) * Double(reference.latents)
                        * Double(reference.modelSize))
            }
        }
    }

    /// Groups of autoencoders whose one batch fits a few units' cost, and for each group ranges of
    /// batches.
    private func phase(
        batches: Int, shared: Double, each: (SubjectIndex) -> Double,
        unit: (Range<Int>) -> CoreUnit, memory: UnitMemory.Kind
    ) -> [PlannedUnit<CoreUnit>] {
        var groups: [[SubjectIndex]] = []
        var groupCost = 0.0
        for subject in cohort.subjectIndices {
            let cost = each(subject) * tokensPerBatch
            if groups.isEmpty || groupCost + cost > 4 * Self.unitCost {
                groups.append([])
                groupCost = shared * tokensPerBatch
            }
            groups[groups.count - 1].append(subject)
            groupCost += cost
        }
        return groups.flatMap { group in
            let cost = group.reduce(shared) { $0 + each($1) } * tokensPerBatch
            let wanted = max(1, Int(min(Self.unitCost / cost, 1e6)))
            let length = min(wanted, (batches + 7) / 8)
            return ranges(of: batches, length: length).map { range in
                PlannedUnit<CoreUnit>(
                    unit: unit(range), subjects: group, cost: cost * Double(range.count),
                    memory: UnitMemory(memory, tokens: Int(tokensPerBatch) * range.count))
            }
        }
    }

    private func ranges(of count: Int, length: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: max(1, length)).map { $0..<min($0 + max(1, length), count) }
    }
}

/// Rows that one thread takes at a time, and the batch that they belong to.
///
/// A chunk holds whole rows of one batch, at most a given number of tokens unless one row is longer,
/// and fewer where threads would be idle. No number depends on chunks: sums are kept row by row and
/// added in the order of rows.
struct Chunk: Sendable {
    var batch: Int
    /// Rows of the dataset.
    var rows: Range<Int>

    /// The chunks of some batches of a phase that begins at row `first`.
    ///
    /// - Parameter tokens: of one chunk at most, unless one row has more.
    static func list(
        _ batches: Range<Int>, settings: CoreSettings, first: Int, tokens: Int,
        policy: ChunkPolicy = .processor, threads: Int
    ) -> [Chunk] {
        let step = policy.size(
            most: tokens / settings.contextSize, of: batches.count * settings.batchSizePrompts,
            threads: threads)
        return batches.flatMap { batch in
            let start = first + batch * settings.batchSizePrompts
            let end = start + settings.batchSizePrompts
            return stride(from: start, to: end, by: step).map {
                Chunk(batch: batch, rows: $0..<min($0 + step, end))
            }
        }
    }
}
