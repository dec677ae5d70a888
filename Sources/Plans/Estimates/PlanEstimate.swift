import Activations
import Basics
import Kernels
import LanguageModels

/// What a plan costs: printed by `saeval plan`, checked before a run begins.
public struct PlanEstimate: Sendable {
    /// Floating-point operations of the forward passes that fill the activation store.
    public var harvestOperations = 0.0
    /// Floating-point operations of all units.
    public var unitOperations = 0.0
    /// Bytes of activations that are not on disk yet and will be written.
    public var newBytes = 0
    /// Bytes of activations that are stored, in all.
    public var activationBytes = 0
    /// Bytes that are written in each wave of the run.
    public var waveBytes: [Int] = []
    /// Bytes of weights that are read, shared by the ranks of a node.
    public var mappedBytes = 0
    /// Highest memory of one rank as the system counts it, weights included, part by part.
    public var memory: PlanMemory
    /// The sum of its parts in bytes.
    public var peakBytes: Int { memory.bytes }
    /// Memory of a GPU for one rank, in bytes.
    public var deviceBytes = 0

    /// - Parameters:
    ///   - threads: threads of one rank.
    ///   - chunks: how the backend cuts rows.
    ///   - programBytes: what the program takes before its first task.
    ///   - rates: how many latents fire.
    public init(
        _ plan: RunPlan, threads: Int, chunks: ChunkPolicy = .processor, programBytes: Int,
        rates: FiringRates = FiringRates()
    ) {
        memory = PlanMemory(
            plan, threads: threads, chunks: chunks, programBytes: programBytes, rates: rates)
        count(plan.activationSets, of: plan)
        unitOperations = plan.units.reduce(0) { $0 + $1.cost }
        let references = plan.cohorts.flatMap { $0.cohort.subjects.map(\.reference) }
        mappedBytes =
            (plan.modelBytes > 0 ? plan.modelBytes : 4 * plan.model.parameters)
            + references.reduce(0) { $0 + $1.storedBytes }
        deviceBytes = Self.deviceBytes(of: plan, threads: threads, chunks: chunks)
    }

    /// Memory of a GPU that one rank would like: weights, and activations of a chunk on each thread.
    ///
    /// - Parameters:
    ///   - threads: threads of the rank.
    ///   - chunks: how the GPU's backend cuts rows.
    static func deviceBytes(of plan: RunPlan, threads: Int, chunks: ChunkPolicy) -> Int {
        let context = plan.rowSets.map(\.request.contextSize).max() ?? 0
        let cohorts = plan.cohorts.map { $0.cohort.subjects.map(\.reference) }
        let widest = cohorts.joined().map(\.latents).max() ?? 0
        let logits = 3 * plan.model.logitsBytes(tokens: max(chunks.logitsTokens, context))
        let streams = 24 * plan.model.widestActivationBytes(tokens: max(chunks.tokens, context))
        let weights = cohorts.map { $0.reduce(0) { $0 + $1.storedBytes } }.max() ?? 0
        let preActivations = min(1 << 30, 4 * widest * max(chunks.tokens, context))
        return 4 * plan.model.parameters + weights
            + chunks.threads(threads) * (logits + streams + 2 * preActivations)
    }

    /// The estimate with the largest pieces of work that fit into memory, or with the smallest where
    /// none do.
    ///
    /// - Parameters:
    ///   - chunks: the largest pieces.
    ///   - localRanks: ranks of one node.
    ///   - limit: what the ranks of a node may use together; nil for no limit.
    ///   - programBytes: what the program takes before its first task.
    ///   - rates: how many latents fire.
    /// - Returns: the estimate and how rows are cut.
    public static func fitting(
        _ plan: RunPlan, threads: Int, chunks: ChunkPolicy, localRanks: Int, limit: MemoryLimit?,
        programBytes: Int, rates: FiringRates
    ) -> (estimate: PlanEstimate, chunks: ChunkPolicy) {
        var chunks = chunks
        while true {
            let estimate = PlanEstimate(
                plan, threads: threads, chunks: chunks, programBytes: programBytes, rates: rates)
            guard let limit, estimate.nodeBytes(localRanks, limit) > limit.bytes,
                let smaller = chunks.halved
            else { return (estimate, chunks) }
            chunks = smaller
        }
    }

    /// What to say when a GPU has less memory than the run would like.
    package func deviceNote(limitBytes: Int) -> String? {
        guard deviceBytes > limitBytes else { return nil }
        return "the run would like \(byteText(deviceBytes)) of GPU memory for each rank and has "
            + "\(byteText(limitBytes)): it takes smaller pieces where memory ends"
    }

    /// Adds activations, where one forward pass of a wave fills all hooks of a row set.
    private mutating func count(_ sets: [ActivationSet], of plan: RunPlan) {
        waveBytes = Array(repeating: 0, count: 1 + (sets.map(\.wave).max() ?? 0))
        /// The blocks of each pass: by row set and wave.
        var passes: [SIMD2<Int>: Int] = [:]
        for set in sets where set.policy == .store {
            activationBytes += set.byteCount
            if fileExists(set.path) { continue }
            newBytes += set.byteCount
            waveBytes[set.wave] += set.byteCount
            passes[SIMD2(set.rowSet, set.wave), default: 0].raise(to: set.hook.layer + 1)
        }
        for (pass, blocks) in passes.sorted(by: { ($0.key.x, $0.key.y) < ($1.key.x, $1.key.y) }) {
            let rows = plan.rowSets[pass.x]
            harvestOperations += plan.model.forwardOperations(
                tokens: rows.tokens, positions: rows.request.contextSize, blocks: 0..<blocks,
                unembedding: false)
        }
    }

    /// What the ranks of a node need together, as a limit counts it.
    func nodeBytes(_ localRanks: Int, _ limit: MemoryLimit) -> Int {
        memory.nodeBytes(ranks: localRanks, withFiles: limit.isAsked)
    }

    /// Refuses a plan that does not fit into memory.
    ///
    /// - Parameters:
    ///   - localRanks: ranks of one node.
    ///   - limit: what the ranks of a node may use together; nil for no limit.
    public func check(localRanks: Int, limit: MemoryLimit?) throws {
        guard let limit else { return }
        let needed = nodeBytes(localRanks, limit)
        guard needed > limit.bytes else { return }
        throw RunError(
            .noMemory,
            "The run needs at least \(byteText(needed / max(1, localRanks))) for each of "
                + "\(localRanks) ranks on a node, where \(byteText(limit.bytes)) may be used",
            advice: "fewer ranks or threads, a smaller context_size, or a higher `memory_gib`: "
                + "at least \((Double(needed) / 10_737_418.24).rounded(.up) / 100)")
    }

    /// What to say when weights do not stay in memory beside the rest.
    public func weightsNote(localRanks: Int, limit: MemoryLimit?) -> String? {
        let weights = memory.terms.filter { $0.holder == .files }.reduce(0) { $0 + $1.bytes }
        guard let limit, nodeBytes(localRanks, limit) + weights > limit.bytes, !limit.isAsked
        else { return nil }
        return "\(byteText(weights)) of weights do not fit into \(byteText(limit.bytes)) of memory "
            + "beside the rest; the system reads them again when they are needed"
    }
}

extension Int {
    /// Becomes another number if that is larger.
    fileprivate mutating func raise(to other: Int) { self = Swift.max(self, other) }
}
