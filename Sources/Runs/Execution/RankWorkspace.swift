import Autoencoders
import Basics
import Corpora
import EvalKit
import Formats
import Kernels
import LanguageModels
import Storage
import Synchronization
import Tensors

/// What one rank holds while it works: the model, rows, activations and the autoencoders of the
/// cohort at hand.
final class RankWorkspace: Sendable {
    let plan: RunPlan
    let evaluations: [AnyEvaluation]
    let backend: any KernelBackend
    let threads: Int
    /// Where the time of the task at hand goes.
    let meter = TaskMeter()
    private let own: OwnAutoencoders
    private let state = Mutex(State())

    private struct State {
        var model: (any LanguageModel)?
        var rows: [Int: TokenRows] = [:]
        var texts: [Int: TextRows] = [:]
        var readers: [Int: ActivationReader] = [:]
        var cohort: Int?
        var autoencoders: [SubjectIndex: any Autoencoder] = [:]
        var shared: [String: any Sendable] = [:]
    }

    init(
        plan: RunPlan, evaluations: [AnyEvaluation], backend: any KernelBackend, threads: Int,
        own: OwnAutoencoders = .none
    ) {
        self.own = own
        (self.plan, self.evaluations, self.backend, self.threads) = (
            plan, evaluations, backend, threads
        )
    }

    /// The model, loaded when first asked for.
    func model() throws -> any LanguageModel {
        try state.withLock { state in
            if let model = state.model { return model }
            let model = try meter.measure(\.loading) {
                try loadLanguageModel(folder: plan.modelFolder, backend: backend)
            }
            state.model = model
            return model
        }
    }

    /// The rows of a row set.
    func rows(_ index: Int) throws -> TokenRows {
        try state.withLock { state in
            if let rows = state.rows[index] { return rows }
            let rows = try RowStore.load(plan.rowSets[index])
            state.rows[index] = rows
            return rows
        }
    }

    /// The labelled texts of a row set.
    func texts(_ index: Int) throws -> TextRows {
        try state.withLock { state in
            if let texts = state.texts[index] { return texts }
            let texts = try RowStore.loadTexts(plan.rowSets[index])
            state.texts[index] = texts
            return texts
        }
    }

    /// The reader of a complete activation set.
    private func reader(_ index: Int) throws -> ActivationReader {
        try state.withLock { state in
            if let reader = state.readers[index] { return reader }
            let set = plan.activationSets[index]
            let reader = try ActivationReader(path: set.path, key: set.key)
            state.readers[index] = reader
            return reader
        }
    }

    /// Lets the mappings of activation files go, so that removed files leave the disk.
    func closeActivations() { state.withLock { $0.readers = [:] } }

    /// Activations of some stored tokens, widened: read, or computed where the plan keeps none.
    func activations(set index: Int, range: Range<Int>) throws -> Tensor {
        let set = plan.activationSets[index]
        guard set.policy == .store else {
            let stored = try harvester().activations(
                range, rowSet: set.rowSet, hooks: [set.hook], threads: 1)
            return try backend.widen(stored[set.hook]!)
        }
        meter.count(
            range.count * set.byteCount / max(1, plan.rowSets[set.rowSet].storedRows),
            \.bytesRead)
        return try meter.measure(\.reading, threads: threads) {
            try storedActivations(index, range)
        }
    }

    /// Activations from the store; a block that differs from its checksum is computed again.
    private func storedActivations(_ index: Int, _ range: Range<Int>) throws -> Tensor {
        let set = plan.activationSets[index]
        let reader = try reader(index)
        do {
            return try backend.widen(try reader.rows(range))
        } catch let error as StorageError where error.code == .checksum {
            let length = plan.rowSets[set.rowSet].blockRows
            for block in range.lowerBound / length...(range.upperBound - 1) / length {
                let stored = try harvester().block(
                    block, rowSet: set.rowSet, hooks: [set.hook], threads: 1)[set.hook]!
                try reader.repair(
                    block: block,
                    UnsafeRawBufferPointer(start: stored.bytes, count: stored.byteCount))
            }
            Console.note("\(error.message); the block was computed again")
            return try backend.widen(try reader.rows(range))
        }
    }

    /// What fills the activation store.
    func harvester() throws -> Harvester {
        Harvester(plan: plan, model: try model(), backend: backend, workspace: self)
    }

    /// Makes a cohort the one at hand; what belonged to another is let go.
    func enter(cohort: Int) {
        state.withLock { state in
            guard state.cohort != cohort else { return }
            state.cohort = cohort
            state.autoencoders = [:]
            state.shared = [:]
        }
    }

    /// An autoencoder of the cohort at hand, loaded when first asked for.
    func autoencoder(_ subject: SubjectIndex, in cohort: Cohort) throws -> any Autoencoder {
        try state.withLock { state in
            if let autoencoder = state.autoencoders[subject] { return autoencoder }
            let reference = cohort.subjects[subject.value].reference
            let autoencoder = try meter.measure(\.loading) {
                try own.autoencoder(reference) ?? loadAutoencoder(reference)
            }
            state.autoencoders[subject] = autoencoder
            return autoencoder
        }
    }

    /// A value of the cohort at hand, made when first asked for.
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
    /// Partial results of earlier units, for each subject.
    var earlierPartials: [SubjectIndex: [String]] = [:]

    var cohort: Cohort { workspace.plan.cohorts[cohortIndex].cohort }
    var backend: any KernelBackend { workspace.backend }
    var threads: Int { workspace.threads }
    var model: any LanguageModel { get throws { try workspace.model() } }
    var rows: TokenRows { get throws { try workspace.rows(try rowSet()) } }

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
        try workspace.texts(try rowSet(of: request))
    }

    func activations(at hook: HookPoint, rows: Range<Int>) throws -> Tensor {
        let rowSet = try rowSet()
        let positions = workspace.plan.rowSets[rowSet].positions
        return try workspace.activations(
            set: try activationSet(rowSet, hook),
            range: rows.lowerBound * positions..<rows.upperBound * positions)
    }

    func activations(at hook: HookPoint, texts: Range<Int>, of request: TextRequest) throws
        -> Tensor
    {
        let rowSet = try rowSet(of: request)
        let starts = try workspace.texts(rowSet).storedStarts
        return try workspace.activations(
            set: try activationSet(rowSet, hook),
            range: starts[texts.lowerBound]..<starts[texts.upperBound])
    }

    func autoencoder(_ subject: SubjectIndex) throws -> any Autoencoder {
        try workspace.autoencoder(subject, in: cohort)
    }

    func earlier(for subject: SubjectIndex) throws -> [String] { earlierPartials[subject] ?? [] }

    func shared<Value: Sendable>(_ name: String, _ make: () throws -> Value) throws -> Value {
        try workspace.shared(name, make)
    }
}
