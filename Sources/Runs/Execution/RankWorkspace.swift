import Activations
import Autoencoders
import Basics
import Corpora
import EvalKit
import Formats
import Kernels
import LanguageModels
import Plans
import Storage
import Synchronization
import Tensors

/// What one rank holds while it works: the source of activations and the autoencoders of the
/// current cohort.
final class RankWorkspace: Sendable {
    let plan: RunPlan
    let evaluations: [AnyEvaluation]
    /// Tokens, activations and the model.
    let source: ActivationSource
    private let own: OwnAutoencoders
    private let state = Mutex(State())

    private struct State {
        var cohort: Int?
        var autoencoders: [SubjectIndex: any Autoencoder] = [:]
        var shared: [String: any Sendable] = [:]
    }

    init(
        plan: RunPlan, evaluations: [AnyEvaluation], backend: any KernelBackend, threads: Int,
        own: OwnAutoencoders = .none
    ) {
        self.own = own
        (self.plan, self.evaluations) = (plan, evaluations)
        source = ActivationSource(
            rowSets: plan.rowSets, sets: plan.activationSets, type: plan.activationType,
            modelFolder: plan.modelFolder, backend: backend, threads: threads)
    }

    /// Makes a cohort the current one; what belonged to another is released.
    func enter(cohort: Int) {
        state.withLock { state in
            guard state.cohort != cohort else { return }
            state.cohort = cohort
            state.autoencoders = [:]
            state.shared = [:]
        }
    }

    /// An autoencoder of the current cohort, loaded when first asked for.
    func autoencoder(_ subject: SubjectIndex, in cohort: Cohort) throws -> any Autoencoder {
        try state.withLock { state in
            if let autoencoder = state.autoencoders[subject] { return autoencoder }
            let reference = cohort.subjects[subject.value].reference
            let autoencoder = try source.meter.measure(\.loading) {
                try own.autoencoder(reference) ?? loadAutoencoder(reference)
            }
            state.autoencoders[subject] = autoencoder
            return autoencoder
        }
    }

    /// A value of the current cohort, made when first asked for.
    func shared<Value: Sendable>(_ name: String, _ make: () throws -> Value) throws -> Value {
        if let value = state.withLock({ $0.shared[name] as? Value }) { return value }
        let value = try make()
        state.withLock { $0.shared[name] = value }
        return value
    }
}

/// What a unit sees of the workspace.
struct RankContext: EvaluationContext {
    let workspace: RankWorkspace
    let cohortIndex: Int
    let evaluationIndex: Int
    /// Results of dependencies, for each subject.
    var results: [SubjectIndex: [String]] = [:]

    var cohort: Cohort { workspace.plan.cohorts[cohortIndex].cohort }
    var backend: any KernelBackend { workspace.source.backend }
    var threads: Int { workspace.source.threads }
    var model: any LanguageModel { get throws { try workspace.source.model() } }
    var rows: TokenRows { get throws { try workspace.source.rows(try rowSet()) } }

    /// The row sets of the evaluation that could be made.
    private var rowSets: [Int] {
        workspace.plan.cohorts[cohortIndex].rowSets[evaluationIndex].compactMap { $0 }
    }

    /// The first row set whose request fits.
    private func rowSet(where fits: (InputRequest) -> Bool, _ what: String) throws -> Int {
        guard let index = rowSets.first(where: { fits(workspace.plan.rowSets[$0].request) }) else {
            throw RunError(.unsuitable, "The evaluation reads \(what) that it did not ask for")
        }
        return index
    }

    private func activationSet(_ rowSet: Int, _ hook: HookPoint) throws -> Int {
        let index = workspace.plan.activationSets.firstIndex {
            $0.rowSet == rowSet && $0.hook == hook
        }
        guard let index else {
            throw RunError(.unsuitable, "Activations at \(hook) are not part of the plan")
        }
        return index
    }

    private func rowSet() throws -> Int {
        try rowSet(where: { if case .rows = $0 { true } else { false } }, "rows")
    }

    private func rowSet(of request: TextRequest) throws -> Int {
        try rowSet(where: { $0 == .texts(request) }, "texts of \(request.dataset)")
    }

    func texts(_ request: TextRequest) throws -> TextRows {
        try workspace.source.texts(try rowSet(of: request))
    }

    func activations(at hook: HookPoint, rows: Range<Int>) throws -> Tensor {
        let rowSet = try rowSet()
        let positions = workspace.plan.rowSets[rowSet].positions
        return try workspace.source.activations(
            set: try activationSet(rowSet, hook),
            range: rows.lowerBound * positions..<rows.upperBound * positions)
    }

    func activations(at hook: HookPoint, texts: Range<Int>, of request: TextRequest) throws
        -> Tensor
    {
        let rowSet = try rowSet(of: request)
        let starts = try workspace.source.texts(rowSet).storedStarts
        return try workspace.source.activations(
            set: try activationSet(rowSet, hook),
            range: starts[texts.lowerBound]..<starts[texts.upperBound])
    }

    func autoencoder(_ subject: SubjectIndex) throws -> any Autoencoder {
        try workspace.autoencoder(subject, in: cohort)
    }

    func dependencyResults(for subject: SubjectIndex) throws -> [String] { results[subject] ?? [] }

    func shared<Value: Sendable>(_ name: String, _ make: () throws -> Value) throws -> Value {
        try workspace.shared(name, make)
    }
}
