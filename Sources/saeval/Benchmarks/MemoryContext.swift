import Autoencoders
import Basics
import Corpora
import EvalKit
import Glibc
import Kernels
import LanguageModels
import Synchronization
import Tensors

/// What a unit of the core evaluation needs, all of it in the host's memory, as if it had just been
/// read.
final class MemoryContext: EvaluationContext {
    /// One hook and its autoencoders.
    let cohort: Cohort
    /// The arithmetic.
    let backend: any KernelBackend
    /// The model itself.
    let languageModel: any LanguageModel
    /// Rows of random tokens.
    let tokenRows: TokenRows
    /// Threads of this rank, of which a GPU takes few.
    let threads = 4
    /// In the cohort's order.
    private let autoencoders: [any Autoencoder]
    /// `[rows · positions, model]`
    private let activations: Tensor
    /// What is computed once.
    private let cache = Mutex<[String: any Sendable]>([:])

    /// Takes what a unit will ask for.
    ///
    /// - Parameter activations: of all rows at the hook, `[rows · positions, model]`.
    init(
        model: any LanguageModel, hook: HookPoint, activations: Tensor, rows: TokenRows,
        autoencoders: [any Autoencoder], backend: any KernelBackend
    ) {
        (languageModel, self.autoencoders, self.backend) = (model, autoencoders, backend)
        (tokenRows, self.activations) = (rows, activations)
        cohort = Cohort(
            hook: hook, model: model.description, modelName: "random", activationType: "float32",
            prependsBOS: false, specialTokens: [],
            subjects: autoencoders.enumerated().map { index, autoencoder in
                Subject(
                    reference: AutoencoderReference(
                        release: "random", id: "\(index)", path: "", layout: "memory",
                        hookName: hook.description,
                        modelSize: autoencoder.description.modelSize,
                        latents: autoencoder.description.latents, architecture: "jumprelu",
                        storedBytes: 0),
                    key: ContentHash.of(parts: [("index", "\(index)")]))
            })
    }

    /// The model.
    var model: any LanguageModel { languageModel }

    /// The rows of tokens.
    var rows: TokenRows { tokenRows }

    /// Copies some rows, as reading them from a file would.
    func activations(at hook: HookPoint, rows: Range<Int>) throws -> Tensor {
        let positions = tokenRows.positions
        let stored = activations.rows(rows.lowerBound * positions..<rows.upperBound * positions)
        let copy = Tensor(uninitialized: stored.shape)
        memcpy(copy.bytes, stored.constantBytes, stored.byteCount)
        return copy
    }

    /// One of the autoencoders.
    func autoencoder(_ subject: SubjectIndex) throws -> any Autoencoder {
        autoencoders[subject.value]
    }

    /// Nothing is labelled.
    func texts(_ request: TextRequest) throws -> TextRows { throw Self.unlabelled }

    /// Nothing is labelled.
    func activations(
        at hook: HookPoint, texts: Range<Int>, of request: TextRequest
    ) throws -> Tensor {
        throw Self.unlabelled
    }

    /// What an evaluation gets that asks for labelled texts.
    private static var unlabelled: EvaluationError {
        EvaluationError(
            .unsuitable, "The benchmark has no labelled texts",
            advice: "measure an evaluation that reads rows of tokens")
    }

    /// Units wait for none.
    func earlier(for subject: SubjectIndex) throws -> [String] { [] }

    /// Computes a value when it is first asked for.
    func shared<Value: Sendable>(_ name: String, _ make: () throws -> Value) throws -> Value {
        if let value = cache.withLock({ $0[name] as? Value }) { return value }
        let value = try make()
        cache.withLock { $0[name] = value }
        return value
    }
}
