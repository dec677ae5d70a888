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
        public var identifier: String
        /// JSON text of the settings.
        public var settings: String
    }

    /// Tokens that some evaluation reads: packed rows or labelled texts.
    public struct RowSet: Sendable, Codable {
        public var request: InputRequest
        /// The dataset's file or folder.
        public var datasetPath: String
        public var key: ContentHash
        /// Where the tokens are kept.
        public var path: String
        /// Tokens that the model runs over.
        public var tokens: Int
        /// Rows of the activation store, one for each stored token.
        public var storedRows: Int
        /// Rows of one block of the activation store.
        public var blockRows: Int
        /// Why rows or texts that should begin with a BOS do not; nil where they do.
        public var beginningNote: String?

        /// Packed rows: every token is stored, whole rows in a block.
        init(packed request: RowRequest, datasetPath: String, key: ContentHash, path: String) {
            let tokens = request.rows * request.contextSize
            self.init(
                request: .rows(request), datasetPath: datasetPath, key: key, path: path,
                tokens: tokens, storedRows: tokens,
                blockRows: max(1, Self.blockTokens / request.contextSize) * request.contextSize)
        }

        /// Labelled texts: blocks of about as many tokens.
        init(
            _ texts: TextRows, request: TextRequest, datasetPath: String, key: ContentHash,
            path: String
        ) {
            let stored = texts.stored.count
            self.init(
                request: .texts(request), datasetPath: datasetPath, key: key, path: path,
                tokens: texts.tokens.count, storedRows: stored,
                blockRows: Self.blockRows(of: stored, tokens: texts.tokens.count))
        }

        /// Labelled texts of which only the size is known.
        init(
            outlining request: TextRequest, _ size: TextSize, datasetPath: String, key: ContentHash,
            path: String
        ) {
            let stored = size.storedTokens(of: request)
            self.init(
                request: .texts(request), datasetPath: datasetPath, key: key, path: path,
                tokens: size.tokens, storedRows: stored,
                blockRows: Self.blockRows(of: stored, tokens: size.tokens))
        }

        /// Stored rows of one block of texts: those of about as many tokens as a block of packed
        /// rows has.
        private static func blockRows(of stored: Int, tokens: Int) -> Int {
            max(1, min(stored, stored * 2 * blockTokens / max(1, tokens)))
        }

        private init(
            request: InputRequest, datasetPath: String, key: ContentHash, path: String,
            tokens: Int, storedRows: Int, blockRows: Int
        ) {
            (self.request, self.datasetPath) = (request, datasetPath)
            (self.key, self.path, self.tokens) = (key, path, tokens)
            (self.storedRows, self.blockRows) = (storedRows, blockRows)
        }

        /// Tokens of one block of packed rows.
        private static let blockTokens = 2048

        /// Tokens of one sequence of the activation store: labelled texts differ in length and lie
        /// one after the other.
        var positions: Int {
            if case .rows(let request) = request { request.contextSize } else { 1 }
        }
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
        /// Whether they are kept or computed whenever they are read.
        public var policy = ActivationPolicy.store
        /// Sets of a wave lie on disk at the same time.
        public var wave = 0
    }

    /// What becomes of activations.
    public enum ActivationPolicy: String, Sendable, Codable {
        case store, recompute
    }

    /// Autoencoders at one hook and the evaluations that they take part in.
    public struct CohortPlan: Sendable, Codable {
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
        public var subjects: [SubjectIndex]
        /// For each subject the key under which its partial result is journaled.
        public var keys: [ContentHash]
        /// Floating-point operations.
        public var cost: Double
        /// Whether all subjects share one key and one result.
        public var servesAll: Bool
        /// Indices of the activation sets that it reads.
        public var reads: [Int]
        /// Indices of the units whose partial results it reads; they come before it.
        public var after: [Int]
        /// What it holds in memory.
        public var memory = UnitMemory.little
    }

    /// The folder of the model.
    public var modelFolder: String
    public var modelName: String
    public var modelKey: ContentHash
    public var model: ModelDescription
    /// Bytes of the model's weights as stored; 0 where that is not known.
    public var modelBytes = 0
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
    /// How rows are cut for processors, where no number depends on it.
    public var chunks = ChunkPolicy.processor
    /// Whether activations of a wave are removed before the next one is computed, because the disk
    /// budget does not hold them all.
    public var removesActivations = false
    public var output: String
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
    func beginningNotes(_ sets: [Int?]) -> [String] {
        sets.compactMap { $0 }.reduce(into: []) { notes, set in
            if let note = rowSets[set].beginningNote, !notes.contains(note) { notes.append(note) }
        }
    }
}
