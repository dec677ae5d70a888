import Basics
import Formats
import Glibc
import Kernels
import Tensors

/// The weights of a model folder under the names of its architecture, every shape checked.
///
/// Matrices stay mapped in their stored type; vectors are widened once.
struct ModelWeights {
    /// The weight files.
    private let source: any TensorSource
    /// What may stand before names in the files of the hub, the usual one first.
    private let prefixes: [String]

    /// Where the weights of a model come from.
    enum Source {
        /// A folder of safetensors.
        case folder(String)
        /// Tensors that are there already.
        case tensors(any TensorSource)
    }

    /// Opens the weight files of a folder, or takes tensors.
    ///
    /// - Parameter prefixes: what the hub writes before the names of the bare model, such as
    ///   `transformer.`; names with any of them and without are found.
    init(from weights: Source, prefixes: [String]) throws(LanguageModelError) {
        self.prefixes = prefixes
        switch weights {
        case .tensors(let source): self.source = source
        case .folder(let folder):
            do {
                source = try SafetensorsFolder(path: folder)
            } catch {
                throw LanguageModelError(
                    error.code == .missing ? .missingFile : .badConfig, error.message,
                    advice: error.advice, cause: error.cause)
            }
        }
    }

    /// Whether a tensor is there under either name.
    func contains(_ name: String) -> Bool { storedName(name) != nil }

    /// A matrix in its stored type, sharing the mapped file.
    ///
    /// - Throws: ``LanguageModelError`` when it is missing or has another shape or type than
    ///   expected.
    func matrix(_ name: String, shape: [Int]) throws(LanguageModelError) -> Tensor {
        guard let stored = storedName(name) else {
            throw LanguageModelError(
                .missingTensor, "\(source.path) has no tensor `\(prefixes.first ?? "")\(name)`",
                advice: "download the folder again, config.json and weights from one revision")
        }
        do {
            let tensor = try source.tensor(stored)
            guard tensor.shape == shape else {
                throw LanguageModelError(
                    .wrongShape,
                    "\(source.path): `\(stored)` has shape \(tensor.shape), config.json "
                        + "asks for \(shape)",
                    advice: "use the config.json that came with the weights")
            }
            guard [.float32, .bfloat16, .float16].contains(tensor.type) else {
                throw LanguageModelError(
                    .unsupported,
                    "\(source.path): `\(stored)` is stored as \(tensor.type.rawValue)",
                    advice: "weights stored as float32, bfloat16 or float16")
            }
            return tensor
        } catch let error as LanguageModelError {
            throw error
        } catch {
            throw LanguageModelError(
                .badConfig, "\(source.path): `\(stored)` cannot be read",
                advice: "download the file again",
                cause: error)
        }
    }

    /// A vector, widened to `float32`.
    func vector(_ name: String, count: Int) throws(LanguageModelError) -> Tensor {
        let stored = try matrix(name, shape: [count])
        return Tensor(stored.values, shape: [count])
    }

    /// A linear map `name.weight` with or without `name.bias`.
    ///
    /// - Throws: ``LanguageModelError`` when the file holds a bias that the config denies, too.
    func linear(
        _ name: String, inputs: Int, outputs: Int, hasBias: Bool,
        layout: LinearWeights.Layout = .outputsByInputs
    ) throws(LanguageModelError) -> LinearWeights {
        let shape = layout == .outputsByInputs ? [outputs, inputs] : [inputs, outputs]
        guard hasBias || !contains("\(name).bias") else {
            throw LanguageModelError(
                .badConfig,
                "\(source.path) holds a `\(name).bias` that this model has not by its config.json",
                advice: "the config.json and weights of one revision")
        }
        return LinearWeights(
            weight: try matrix("\(name).weight", shape: shape), layout: layout,
            bias: hasBias ? try vector("\(name).bias", count: outputs) : nil)
    }

    /// The unembedding: a matrix of its own or, when tied, the embedding table.
    ///
    /// - Throws: ``LanguageModelError`` when the config says tied and the file holds another
    ///   matrix.
    /// - Cost: reads both matrices when a tied model stores two, nothing otherwise.
    func unembedding(
        _ name: String, tiedTo embedding: Tensor, isTied: Bool
    ) throws(LanguageModelError) -> LinearWeights {
        guard !isTied || contains("\(name).weight") else { return LinearWeights(weight: embedding) }
        let own = try matrix("\(name).weight", shape: embedding.shape)
        guard isTied else { return LinearWeights(weight: own) }
        guard own.type == embedding.type, memcmp(own.bytes, embedding.bytes, own.byteCount) == 0
        else {
            throw LanguageModelError(
                .badConfig,
                "\(source.path) holds a `\(name).weight` that differs from the embedding, but "
                    + "config.json says `tie_word_embeddings`",
                advice: "the config.json and weights of one revision")
        }
        return LinearWeights(weight: embedding)
    }

    /// The name in the file: with the first prefix that gives such a tensor, else without.
    private func storedName(_ name: String) -> String? {
        (prefixes.map { $0 + name } + [name]).first { source.contains($0) }
    }
}
