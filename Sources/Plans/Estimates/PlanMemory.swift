import Autoencoders
import Basics
import Corpora
import EvalKit
import Kernels
import LanguageModels

/// The memory of one rank at its peak, as the system counts it: what the program, its libraries and
/// mapped weights take, and the largest task on top.
///
/// - Accuracy: within a tenth of `VmHWM` where it is known how many latents fire.
public struct PlanMemory: Sendable {
    /// A part of the peak.
    public struct Term: Sendable, Codable, Equatable {
        /// What it is for.
        public var name: String
        /// How much it is.
        public var bytes: Int
        /// Who holds it.
        public var holder: Holder

        /// Names a part.
        public init(_ name: String, _ bytes: Int, holder: Holder = .everyRank) {
            (self.name, self.bytes, self.holder) = (name, bytes, holder)
        }
    }

    /// Who holds a part of the memory.
    public enum Holder: String, Sendable, Codable {
        /// Every rank for itself.
        case everyRank
        /// Rank 0 alone.
        case rankZero
        /// Mapped files: the pages are shared by the ranks of a node, and the system may drop them
        /// and read them again.
        case files
    }

    /// The parts, the largest first.
    public let terms: [Term]
    /// Their sum.
    public var bytes: Int { terms.reduce(0) { $0 + $1.bytes } }

    /// Adds up what a rank holds.
    ///
    /// - Parameters:
    ///   - threads: threads of the rank.
    ///   - chunks: how rows are cut.
    ///   - programBytes: what the program and its libraries take before the first task.
    ///   - rates: how many latents fire.
    init(
        _ plan: RunPlan, threads: Int, chunks: ChunkPolicy, programBytes: Int,
        rates: FiringRates
    ) {
        let sizes = TaskSizes(plan, threads: threads, chunks: chunks, rates: rates)
        var terms = [
            Term("the program and its libraries", programBytes),
            Term("weights of the model", Self.modelBytes(plan), holder: .files),
            Term("tokens of all inputs", Self.tokenBytes(plan)),
            Term("partial results", Self.partialBytes(plan), holder: .rankZero),
            Term("the result that is written", Self.resultBytes(plan), holder: .rankZero),
            Term("files of activations", Self.fileBytes(plan)),
            Term(
                "freed memory that the allocator keeps",
                ProgramMemory.keptBytesOfEvaluation * plan.evaluations.count),
        ]
        let autoencoders = [
            Term("autoencoders at one hook", Self.autoencoderBytes(plan), holder: .files)
        ]
        terms += Self.largestTask(of: plan, sizes, autoencoders)
        self.terms = terms.filter { $0.bytes > 0 }.sorted { $0.bytes > $1.bytes }
    }

    /// What the ranks of a node that holds rank 0 need together.
    ///
    /// - Parameter withFiles: whether each rank's mapped weights count, as the system counts them in
    ///   `VmHWM`; else only what cannot be dropped does.
    func nodeBytes(ranks: Int, withFiles: Bool) -> Int {
        terms.reduce(0) { sum, term in
            switch term.holder {
            case .everyRank: sum + ranks * term.bytes
            case .rankZero: sum + term.bytes
            case .files: sum + (withFiles ? ranks * term.bytes : 0)
            }
        }
    }

    // MARK: - What stays

    /// Pages of the model's weights that are touched: blocks before hooks where activations are
    /// computed, blocks behind them and the unembedding where logits are. The pages of an embedding
    /// are given back after each look-up.
    private static func modelBytes(_ plan: RunPlan) -> Int {
        let model = plan.model
        var blocks: Set<Int> = []
        var hasLogits = false
        for set in plan.activationSets where set.policy == .recompute || !fileExists(set.path) {
            blocks.formUnion(0..<set.hook.firstBlockAfter)
        }
        for unit in plan.units where unit.memory.kind == .logits {
            blocks.formUnion(plan.cohorts[unit.cohort].cohort.hook.firstBlockAfter..<model.layers)
            hasLogits = true
        }
        let parameters =
            blocks.count * model.blockParameters + (hasLogits ? model.tableParameters : 0)
        let stored = plan.modelBytes > 0 ? plan.modelBytes : 4 * model.parameters
        return Int(
            Double(stored) * min(1, Double(parameters) / Double(max(1, model.parameters))))
    }

    /// Weights of all autoencoders of a cohort, which a rank keeps as long as it works on it, and
    /// their vectors, which are copied.
    private static func autoencoderBytes(_ plan: RunPlan) -> Int {
        plan.cohorts.map { cohort in
            cohort.cohort.subjects.reduce(0) {
                $0 + $1.reference.storedBytes + vectorsOfAutoencoder * 4 * $1.reference.latents
            }
        }.max() ?? 0
    }

    /// Vectors of the length of the latents: biases, norms and factors.
    private static let vectorsOfAutoencoder = 6

    /// Rank 0 reads all tokens; of texts also which of them are stored.
    private static func tokenBytes(_ plan: RunPlan) -> Int {
        plan.rowSets.reduce(0) { sum, set in
            switch set.request {
            case .rows: sum + 4 * set.tokens
            case .texts: sum + 4 * set.tokens + 8 * set.storedRows
            }
        }
    }

    /// Rank 0 merges and writes one result at a time, which has several numbers for each latent: as
    /// a tree and as text, measured with 65,536 latents.
    private static func resultBytes(_ plan: RunPlan) -> Int {
        let latents = plan.units.lazy.filter { $0.memory.kind == .codes }.flatMap { unit in
            let subjects = plan.cohorts[unit.cohort].cohort.subjects
            return unit.subjects.map { subjects[$0.value].reference.latents }
        }
        return 448 * (latents.max() ?? 0)
    }

    /// Rank 0 keeps partial results as text: statistics of weights and counts for each latent.
    private static func partialBytes(_ plan: RunPlan) -> Int {
        var bytes = 0
        for unit in plan.units where unit.memory.kind == .codes {
            let subjects = plan.cohorts[unit.cohort].cohort.subjects
            bytes += unit.subjects.reduce(0) { $0 + 3 * subjects[$1.value].reference.latents }
        }
        for cohort in plan.cohorts where bytes > 0 {
            bytes += cohort.cohort.subjects.reduce(0) { $0 + 34 * $1.reference.latents }
        }
        return bytes
    }

    /// What HDF5 and MPI keep for the files that are written at a time.
    private static func fileBytes(_ plan: RunPlan) -> Int {
        var files: [Int: Int] = [:]
        for set in plan.activationSets where set.policy == .store && !fileExists(set.path) {
            files[set.wave, default: 0] += 1
        }
        return (files.values.max() ?? 0) * 400 << 10
    }

    // MARK: - The largest task

    /// What the task takes that takes most: blocks of the activation store and units, one of each
    /// kind, evaluation and width. Autoencoders are loaded with the first unit that needs them; where
    /// activations are written in waves, blocks come after units too.
    private static func largestTask(
        of plan: RunPlan, _ sizes: TaskSizes, _ autoencoders: [Term]
    ) -> [Term] {
        var largest: [Term] = []
        func take(_ terms: [Term]) {
            if terms.reduce(0, { $0 + $1.bytes }) > largest.reduce(0, { $0 + $1.bytes }) {
                largest = terms
            }
        }
        for index in plan.rowSets.indices {
            let sets = plan.activationSets.filter {
                $0.rowSet == index && $0.policy == .store && !fileExists($0.path)
            }
            guard !sets.isEmpty else { continue }
            take(
                sizes.harvest(index, hooks: sets.map(\.hook))
                    + (plan.removesActivations ? autoencoders : []))
        }
        let kinds = plan.cohorts.map { Self.kinds(of: $0.cohort, sizes.rates) }
        var seen: Set<UnitShape> = []
        for unit in plan.units {
            let subjects = unit.isSharedByAllSubjects ? [] : unit.subjects
            let shape = UnitShape(
                memory: unit.memory, cohort: unit.cohort, reads: unit.reads,
                autoencoders: subjects.map { kinds[unit.cohort][$0.value] })
            guard seen.insert(shape).inserted else { continue }
            let all = plan.cohorts[unit.cohort].cohort.subjects
            take(sizes.unit(unit, of: subjects.map { all[$0.value].reference }) + autoencoders)
        }
        return largest
    }

    /// What decides how much a unit takes.
    private struct UnitShape: Hashable {
        /// What it holds.
        var memory: UnitMemory
        /// Index of the cohort.
        var cohort: Int
        /// Indices of the activation sets that it reads.
        var reads: [Int]
        /// Kinds of the autoencoders that it takes.
        var autoencoders: [Int]
    }

    /// For each autoencoder of a cohort the index of the first one whose codes take as much memory.
    private static func kinds(of cohort: Cohort, _ rates: FiringRates) -> [Int] {
        var first: [CodeSize: Int] = [:]
        return cohort.subjects.indices.map { index in
            let size = rates.size(of: cohort.subjects[index].reference)
            let kind = first[size] ?? index
            first[size] = kind
            return kind
        }
    }
}
