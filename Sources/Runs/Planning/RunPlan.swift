import Basics
import Corpora
import EvalKit
import LanguageModels
import Tensors

/// Everything that ranks need to know to do a run; made by rank 0 and sent to the others.
public struct RunPlan: Sendable, Codable {
    /// Canonical settings of an evaluation of the run.
    public struct EvaluationPlan: Sendable, Codable {
        public var identifier: String
        /// JSON text of the settings.
        public var settings: String
    }

    /// Rows of tokens that some evaluation reads.
    public struct RowSet: Sendable, Codable {
        public var request: RowRequest
        /// The dataset's file.
        public var datasetPath: String
        public var key: ContentHash
        /// Where the rows are kept.
        public var path: String
    }

    /// Activations of a row set at one hook.
    public struct ActivationSet: Sendable, Codable {
        /// Index of the row set.
        public var rowSet: Int
        public var hook: HookPoint
        public var key: ContentHash
        /// Where the activations are kept.
        public var path: String
        public var byteCount: Int
    }

    /// Autoencoders at one hook and the evaluations that they take part in.
    public struct CohortPlan: Sendable, Codable {
        public var cohort: Cohort
        /// For each evaluation its row set; nil when it reads none.
        public var rowSets: [Int?]
    }

    /// One unit of work.
    public struct UnitPlan: Sendable, Codable {
        /// Index of the evaluation.
        public var evaluation: Int
        /// Index of the cohort.
        public var cohort: Int
        /// The evaluation's own description, JSON text.
        public var unit: String
        public var subjects: [SubjectIndex]
        /// For each subject the key under which its partial result is journaled.
        public var keys: [ContentHash]
        /// Floating-point operations.
        public var cost: Double
    }

    /// An autoencoder that cannot be evaluated.
    public struct FailedItem: Sendable, Codable {
        public var name: String
        public var reason: String

        public init(name: String, reason: String) { (self.name, self.reason) = (name, reason) }
    }

    /// The folder of the model.
    public var modelFolder: String
    public var modelName: String
    public var modelKey: ContentHash
    public var model: ModelDescription
    /// How activations are stored.
    public var activationType: ElementType
    public var evaluations: [EvaluationPlan]
    public var rowSets: [RowSet]
    public var activationSets: [ActivationSet]
    public var cohorts: [CohortPlan]
    public var units: [UnitPlan]
    public var failedItems: [FailedItem]
    /// Names the run: results of equal plans are equal.
    public var key: ContentHash
    public var threads: Int?
    public var output: String
    public var artifacts: String
    /// Sentences that the user should read.
    public var notes: [String]

    /// SAE × evaluation × layer.
    public var itemCount: Int {
        cohorts.reduce(0) { $0 + $1.cohort.subjects.count } * evaluations.count
    }

    /// Rows of one block of the activation store: about 2,048 tokens.
    static func harvestRows(contextSize: Int) -> Int { max(1, 2048 / contextSize) }
}
