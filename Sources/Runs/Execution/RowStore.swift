import Basics
import Corpora
import Formats
import Tensors
import Tokenizers

/// Keeps packed rows between runs, under their content key.
enum RowStore {
    /// Makes the rows of a set unless they are there already. Rank 0 alone calls it.
    ///
    /// - Returns: a sentence when rows repeat.
    /// - Throws: ``RunError`` when the dataset holds ids that the model's vocabulary lacks.
    static func prepare(
        _ set: RunPlan.RowSet, modelFolder: String, vocabulary: Int
    ) throws -> String? {
        if (try? load(set)) == nil {
            let packed = try packRows(set.request, path: set.datasetPath) { try Tokenizer(folder: modelFolder) }
            let largest = packed.rows.tokens.max() ?? 0
            guard largest < vocabulary else {
                throw RunError(
                    .unsuitable, "Dataset \(set.datasetPath) gives token \(largest), but \(modelFolder) has tokens 0 to \(vocabulary - 1)",
                    advice: "give the text, or ids made with this model's tokenizer")
            }
            let tensor = Tensor(uninitialized: [packed.rows.count, packed.rows.positions], type: .int32)
            packed.rows.tokens.withUnsafeBytes { tensor.bytes.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            try makeFolder(parentFolder(of: set.path))
            let sum = packed.rows.tokens.withUnsafeBytes { checksum(of: $0) }
            try writeSafetensors(
                [(name: "tokens", tensor: tensor)],
                metadata: [
                    "producer": "saeval", "content_key": set.key.hex, "dataset": set.request.dataset,
                    "distinct_rows": "\(packed.distinctRows)", "checksum": hexadecimal(sum),
                ], to: set.path)
        }
        let distinct = try SafetensorsFile(path: set.path).metadata["distinct_rows"].flatMap { Int($0) } ?? 0
        guard distinct < set.request.rows else { return nil }
        return "Dataset \(set.datasetPath) gives \(distinct) rows of \(set.request.contextSize) tokens and the run reads "
            + "\(set.request.rows), so rows repeat"
    }

    /// Reads the rows of a set and checks them.
    static func load(_ set: RunPlan.RowSet) throws -> TokenRows {
        let file = try SafetensorsFile(path: set.path)
        let tensor = try file.tensor("tokens")
        guard tensor.type == .int32, tensor.shape == [set.request.rows, set.request.contextSize],
            file.metadata["content_key"] == set.key.hex
        else { throw RunError(.unsuitable, "\(set.path) holds other rows", advice: "remove it and run again") }
        let bytes = UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
        guard file.metadata["checksum"] == hexadecimal(checksum(of: bytes)) else {
            throw RunError(.unsuitable, "The rows in \(set.path) are damaged", advice: "remove it and run again")
        }
        let tokens = (0..<tensor.count).map { tensor.bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
        return TokenRows(tokens: tokens, positions: set.request.contextSize)
    }
}
