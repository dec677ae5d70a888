import Autoencoders
import Corpora
import Kernels
import LanguageModels
import Synchronization
import Tensors

/// A context whose inputs, activations and autoencoders are all in memory: what tests and
/// benchmarks evaluate units in, without plan, files or ranks.
public final class InMemoryContext: EvaluationContext {
    /// The autoencoders and what they read.
    public let cohort: Cohort
    /// The arithmetic.
    public let backend: any KernelBackend
    /// Threads that `parallel` uses.
    public let threads: Int
    /// Packed rows.
    public let rows: TokenRows
    /// The model, if there is one.
    private let languageModel: (any LanguageModel)?
    /// In the cohort's order.
    private let autoencoders: [any Autoencoder]
    /// Errors of autoencoders that cannot be loaded.
    private let failures: [SubjectIndex: any Error]
    /// Labelled texts and the activations of their stored tokens.
    private let labelled: [TextRequest: (rows: TextRows, activations: Tensor)]
    /// Activations of some rows at a hook; nil where the model is run for them.
    private let source: (@Sendable (HookPoint, Range<Int>) throws -> Tensor)?
    /// Values of the cohort that were made so far.
    private let values = Mutex<[String: any Sendable]>([:])
    /// Partial results that the next unit depends on, as JSON.
    private let dependencies = Mutex<[SubjectIndex: [String]]>([:])

    /// Takes what units will ask for.
    ///
    /// - Parameters:
    ///   - rows: packed rows; none for evaluations of labelled texts.
    ///   - autoencoders: in the cohort's order.
    ///   - failures: what is thrown instead of some of them, as if they could not be loaded.
    ///   - labelled: labelled texts and the activations of their stored tokens at the cohort's
    ///     hook, `[stored tokens, size of the hook]`.
    ///   - activations: of some rows at a hook, `[rows · positions, size of the hook]`; nil to run
    ///     the model whenever some are read.
    public init(
        cohort: Cohort, rows: TokenRows = TokenRows(tokens: [], positions: 1),
        autoencoders: [any Autoencoder], failures: [SubjectIndex: any Error] = [:],
        model: (any LanguageModel)? = nil, backend: any KernelBackend = ReferenceBackend(),
        threads: Int = 2, labelled: [TextRequest: (rows: TextRows, activations: Tensor)] = [:],
        activations: (@Sendable (HookPoint, Range<Int>) throws -> Tensor)? = nil
    ) {
        (self.cohort, self.rows, self.labelled) = (cohort, rows, labelled)
        (self.autoencoders, self.failures, languageModel) = (autoencoders, failures, model)
        (self.backend, self.threads, source) = (backend, threads, activations)
    }

    /// The model.
    ///
    /// - Throws: ``EvaluationError`` when none was given.
    public var model: any LanguageModel {
        get throws {
            guard let languageModel else { throw Self.missing("a model") }
            return languageModel
        }
    }

    /// The labelled texts of a request.
    public func texts(_ request: TextRequest) throws -> TextRows { try entry(request).rows }

    /// Activations of the stored tokens of some texts.
    ///
    /// - Shapes: `[stored tokens, size of the hook]`.
    public func activations(at hook: HookPoint, texts: Range<Int>, of request: TextRequest) throws
        -> Tensor
    {
        let (rows, activations) = try entry(request)
        return activations.rows(
            rows.storedStarts[texts.lowerBound]..<rows.storedStarts[texts.upperBound])
    }

    /// Activations of some rows, given or made by the model.
    ///
    /// - Shapes: `[rows · positions, size of the hook]`.
    public func activations(at hook: HookPoint, rows range: Range<Int>) throws -> Tensor {
        if let source { return try source(hook, range) }
        let pass = ForwardPass(
            start: .tokens(rows.rows(range)), end: .lastCapture, batch: range.count,
            positions: rows.positions, captures: [hook])
        guard let x = try model.run(pass).captured[hook] else {
            throw Self.missing("activations at \(hook)")
        }
        return x
    }

    /// One of the autoencoders, or the error of one that cannot be loaded.
    public func autoencoder(_ subject: SubjectIndex) throws -> any Autoencoder {
        if let failure = failures[subject] { throw failure }
        return autoencoders[subject.value]
    }

    /// What ``setDependencyResults(_:for:)`` gave.
    public func dependencyResults(for subject: SubjectIndex) throws -> [String] {
        dependencies.withLock { $0[subject] ?? [] }
    }

    /// A value of the cohort, made when first asked for.
    public func shared<Value: Sendable>(_ name: String, _ make: () throws -> Value) throws -> Value
    {
        if let value = values.withLock({ $0[name] as? Value }) { return value }
        let value = try make()
        values.withLock { $0[name] = value }
        return value
    }

    /// The texts of a request.
    private func entry(_ request: TextRequest) throws -> (rows: TextRows, activations: Tensor) {
        guard let entry = labelled[request] else {
            throw Self.missing("texts of `\(request.dataset)`")
        }
        return entry
    }

    /// What an evaluation gets that asks for something that the context was not given.
    private static func missing(_ what: String) -> EvaluationError {
        EvaluationError(
            .unsuitable, "The context in memory was not given \(what)",
            advice: "give it to `InMemoryContext`")
    }
}

// MARK: - Units that depend on others

extension InMemoryContext {
    /// Gives the next unit the partial results that it depends on, those of one autoencoder.
    public func setDependencyResults(_ partials: [some Encodable], for subject: SubjectIndex) throws
    {
        let texts = try partials.map { try text(of: $0) }
        dependencies.withLock { $0[subject] = texts }
    }

    /// Evaluates units in order, each with the partial results of those that it depends on.
    ///
    /// - Returns: for each unit the partial results of its subjects.
    /// - Throws: the first error of a unit or of one of its subjects.
    public func evaluated<Unit, Partial: Codable>(
        _ units: [PlannedUnit<Unit>],
        by evaluate: (Unit, [SubjectIndex]) throws -> [SubjectIndex: Result<Partial, any Error>]
    ) throws -> [[SubjectIndex: Partial]] {
        var results: [[SubjectIndex: Partial]] = []
        for unit in units {
            for subject in unit.subjects {
                try setDependencyResults(
                    unit.dependsOn.compactMap { results[$0][subject] }, for: subject)
            }
            results.append(try evaluate(unit.unit, unit.subjects).mapValues { try $0.get() })
        }
        return results
    }
}
