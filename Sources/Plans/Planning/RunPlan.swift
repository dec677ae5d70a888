import Activations
import Basics
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Results
import Tensors

/// Everything that ranks need to know to do a run; made by rank 0 and sent to the others.
public struct RunPlan: Sendable, Codable {
    /// Canonical settings of an evaluation of the run.
    public struct EvaluationPlan: Sendable, Codable {
        /// The name of the evaluation, such as `core`.
        public var identifier: String
        /// JSON text of the settings.
        public var settings: String
    }

    /// Autoencoders at one hook and the evaluations that they take part in.
    public struct CohortPlan: Sendable, Codable {
        /// The hook, the model and the autoencoders.
        public var cohort: Cohort
        /// For each evaluation the row sets of its inputs; nil where one could not be made.
        public var rowSets: [[Int?]]
    }

    /// One unit of work.
    public struct UnitPlan: Sendable, Codable {
        /// Index of the evaluation.
        public var evaluation: Int
        /// Index of the cohort.
        public var cohort: Int
        /// The evaluation's own description, JSON text.
        public var unit: String
        /// The autoencoders that it serves.
        public var subjects: [SubjectIndex]
        /// For each subject the key under which its partial result is journaled.
        public var keys: [ContentHash]
        /// Floating-point operations.
        public var cost: Double
        /// Whether all subjects share one key and one result.
        public var isSharedByAllSubjects: Bool
        /// Indices of the activation sets that it reads.
        public var reads: [Int]
        /// Indices of the units whose partial results it reads; they come before it.
        public var dependsOn: [Int]
        /// What it holds in memory.
        public var memory = UnitMemory.little
    }

    /// The folder of the model.
    public var modelFolder: String
    /// The name of the model in the configuration.
    public var modelName: String
    /// Hash of the model's files.
    public var modelKey: ContentHash
    /// The sizes and the architecture of the model.
    public var model: ModelDescription
    /// Bytes of the model's weights as stored; 0 where that is not known.
    public var modelBytes = 0
    /// How activations are stored.
    public var activationType: ElementType
    /// The evaluations, in the order of the configuration.
    public var evaluations: [EvaluationPlan]
    /// Tokens that evaluations read, each set once.
    public var rowSets: [RowSet]
    /// Activations that units read, each set once.
    public var activationSets: [ActivationSet]
    /// The autoencoders by hook.
    public var cohorts: [CohortPlan]
    /// All units of work, in the order in which partial results are merged.
    public var units: [UnitPlan]
    /// Autoencoders and datasets that are left out, and why.
    public var failedItems: [FailedItem]
    /// Names the run: results of equal plans are equal.
    public var key: ContentHash
    /// Threads of each rank; nil for a fair share of its host's processors.
    public var threads: Int?
    /// How rows are cut for processors, where no number depends on it.
    public var chunks = ChunkPolicy.processor
    /// Whether activations of a wave are removed before the next one is computed, because the disk
    /// budget does not hold them all.
    public var removesActivations = false
    /// The folder of results.
    public var output: String
    /// The folder of tokens and activations, which runs share.
    public var artifacts: String
    /// Sentences that the user should read.
    public var notes: [String]

    /// SAE × evaluation × layer.
    public var itemCount: Int {
        var seen: Set<SIMD4<Int>> = []
        var last = SIMD4(repeating: -1)
        for unit in units {
            for subject in unit.subjects {
                let item = SIMD4(unit.evaluation, unit.cohort, subject.value, 0)
                if item != last { seen.insert(item) }
                last = item
            }
        }
        return seen.count
    }
}

// MARK: - What readers of results should know

extension RunPlan {
    /// What is said of the beginnings of some row sets' rows, each sentence once.
    package func beginningNotes(_ sets: [Int?]) -> [String] {
        sets.compactMap { $0 }.reduce(into: []) { notes, set in
            if let note = rowSets[set].beginningNote, !notes.contains(note) { notes.append(note) }
        }
    }
}
