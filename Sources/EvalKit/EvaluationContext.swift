import Autoencoders
import Basics
import Corpora
import Kernels
import LanguageModels
import Synchronization
import Tensors

/// What a unit may use: the model, the rows, their activations and the autoencoders of its cohort.
public protocol EvaluationContext: Sendable {
    /// The hook, the model and the autoencoders that the unit is about.
    var cohort: Cohort { get }
    /// What computes: the CPU, or the GPU of this rank.
    var backend: any KernelBackend { get }
    /// The loaded model.
    var model: any LanguageModel { get throws }
    /// Threads of this rank.
    var threads: Int { get }
    /// The packed rows that the evaluation asked for.
    var rows: TokenRows { get throws }

    /// The labelled texts of one of the evaluation's inputs.
    func texts(_ request: TextRequest) throws -> TextRows

    /// Activations of the stored tokens of some texts at a hook, widened to `float32`.
    ///
    /// - Shapes: `[storedStarts[last] - storedStarts[first], size of the hook]`.
    func activations(at hook: HookPoint, texts: Range<Int>, of request: TextRequest) throws
        -> Tensor

    /// Activations of some rows at a hook that the evaluation's cohort needs, widened to `float32`.
    ///
    /// - Shapes: `[rows · positions, size of the hook]`.
    func activations(at hook: HookPoint, rows: Range<Int>) throws -> Tensor

    /// An autoencoder of the cohort.
    func autoencoder(_ subject: SubjectIndex) throws -> any Autoencoder

    /// The partial results, as JSON, of the units that the current unit depends on, in the order
    /// of its ``PlannedUnit/dependsOn``.
    func dependencyResults(for subject: SubjectIndex) throws -> [String]

    /// A value that depends on the cohort alone, computed once per rank.
    func shared<Value: Sendable>(_ name: String, _ make: () throws -> Value) throws -> Value
}

extension EvaluationContext {
    /// Runs `body` for 0..<count on this rank's threads; the results are in order, so nothing
    /// depends on timing.
    public func parallel<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        try concurrentMap(count, threads: threads, body)
    }

    /// The same for chunks of tokens, of which a GPU takes few at a time.
    public func parallelChunks<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        try concurrentMap(count, threads: backend.chunks.threads(threads), body)
    }
}
