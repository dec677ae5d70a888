import Autoencoders
import Basics
import CCrypto
import Corpora
import EvalKit
import Glibc
import Kernels
import LanguageModels
import Tensors
import Testing
import Tokenizers

/// A real model, an autoencoder and labelled texts with their activations, read through the library,
/// with random numbers in SAE Bench's order.
///
/// - Parameter texts: requests and the folder of the dataset of each.
func labelledContext(
    model modelFolder: String, autoencoder autoencoderFolder: String, threads: Int,
    texts: [(request: TextRequest, path: String)]
) throws -> InMemoryContext {
    let backend = CPUBackend()
    let model = try loadLanguageModel(folder: modelFolder, backend: backend)
    let reference = try #require(try findAutoencoders(under: autoencoderFolder).first)
    let tokenizer = try Tokenizer(folder: modelFolder)
    let hook = try HookPoint(parsing: reference.hookName)
    var labelled: [TextRequest: (rows: TextRows, activations: Tensor)] = [:]
    for (request, path) in texts {
        let rows = try textRows(request, at: path, tokenizer: tokenizer, threads: threads)
        labelled[request] = (
            rows, try activations(of: rows, at: hook, model: model, threads: threads)
        )
    }
    let cohort = Cohort(
        hook: hook, model: model.description, modelName: "models/oracle",
        activationType: "float32", prependsBOS: true, specialTokens: [],
        subjects: [Subject(reference: reference, key: ContentHash.of(reference.path))],
        streams: .upstream)
    return InMemoryContext(
        cohort: cohort, autoencoders: [try loadAutoencoder(reference)], model: model,
        backend: backend,
        threads: threads, labelled: labelled)
}

/// The activations of all stored tokens; each text runs alone, which padding behind it would not
/// change.
private func activations(
    of rows: TextRows, at hook: HookPoint, model: any LanguageModel, threads: Int
) throws -> Tensor {
    let width = model.description.size(at: hook)
    let result = Tensor(uninitialized: [rows.stored.count, width])
    _ = try concurrentMap(rows.count, threads: threads) { text in
        let tokens = Array(rows.tokens[rows.starts[text]..<rows.starts[text + 1]])
        let pass = ForwardPass(
            start: .tokens(tokens), end: .lastCapture, batch: 1, positions: tokens.count,
            captures: [hook])
        let x = try #require(try model.run(pass).captured[hook])
        for place in rows.storedStarts[text]..<rows.storedStarts[text + 1] {
            let position = rows.stored[place] - rows.starts[text]
            memcpy(result.floats + place * width, x.floats + position * width, width * 4)
        }
    }
    return result
}

/// SHA-256 of a permutation as little-endian 32-bit integers, in hexadecimal digits.
func sha256(_ permutation: [Int32]) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    let values = permutation.map(\.littleEndian)
    let status = values.withUnsafeBytes {
        EVP_Digest($0.baseAddress, $0.count, &digest, &count, EVP_sha256(), nil)
    }
    #expect(status == 1 && count == 32)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
