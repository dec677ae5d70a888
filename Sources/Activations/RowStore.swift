import Basics
import Corpora
import Formats
import Tensors
import Tokenizers

/// Keeps packed rows between runs, under their content key.
package enum RowStore {
    /// Makes the tokens of a set unless they are there already. Rank 0 alone calls it.
    ///
    /// - Parameter texts: labelled texts that planning made.
    /// - Returns: a sentence when rows repeat.
    /// - Throws: ``RunError`` when the dataset holds ids that the model's vocabulary lacks.
    package static func prepare(
        _ set: RowSet, modelFolder: String, vocabulary: Int,
        texts: MadeTexts = MadeTexts()
    ) throws -> String? {
        switch set.request {
        case .rows(let request):
            return try prepare(
                request, set, modelFolder: modelFolder, vocabulary: vocabulary)
        case .texts:
            let made = texts.take(set.key)
            guard (try? loadTexts(set)) == nil else { return nil }
            guard let made else {
                throw RunError(
                    .damaged, "The texts of \(set.request.dataset) in \(set.path) are gone",
                    advice: "run again")
            }
            try makeFolder(parentFolder(of: set.path))
            try made.write(to: set.path, key: set.key, dataset: set.request.dataset)
            return nil
        }
    }

    /// Reads the labelled texts of a set and checks them.
    package static func loadTexts(_ set: RowSet) throws -> TextRows {
        try TextRows(reading: set.path, key: set.key)
    }

    private static func prepare(
        _ request: RowRequest, _ set: RowSet, modelFolder: String, vocabulary: Int
    ) throws -> String? {
        if (try? load(set)) == nil {
            let packed = try packRows(request, path: set.datasetPath) {
                try Tokenizer(folder: modelFolder)
            }
            try check(packed, of: set, modelFolder: modelFolder, vocabulary)
            let tensor = Tensor(
                uninitialized: [packed.rows.count, packed.rows.positions], type: .int32)
            packed.rows.tokens.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                tensor.bytes.copyMemory(from: start, byteCount: bytes.count)
            }
            try makeFolder(parentFolder(of: set.path))
            let sum = packed.rows.tokens.withUnsafeBytes { checksum(of: $0) }
            try writeSafetensors(
                [(name: "tokens", tensor: tensor)],
                metadata: [
                    "producer": "saeval", "content_key": set.key.hex,
                    "dataset": request.dataset,
                    "distinct_rows": "\(packed.distinctRows)", "checksum": hexadecimal(sum),
                ], to: set.path)
        }
        let distinct =
            try SafetensorsFile(path: set.path).metadata["distinct_rows"].flatMap { Int($0) } ?? 0
        guard distinct < request.rows else { return nil }
        return
            "Dataset \(set.datasetPath) gives \(distinct) rows of \(request.contextSize) tokens and the run reads "
            + "\(request.rows), so rows repeat"
    }

    /// Refuses rows with tokens that a model does not have.
    package static func check(
        _ packed: PackedRows, of set: RowSet, modelFolder: String, _ vocabulary: Int
    ) throws(RunError) {
        let largest = packed.rows.tokens.max() ?? 0
        guard largest < vocabulary else {
            throw RunError(
                .unsuitable,
                "Dataset \(set.datasetPath) gives token \(largest), but \(modelFolder) has tokens 0 to \(vocabulary - 1)",
                advice: "give the text, or ids made with this model's tokenizer")
        }
    }

    /// Reads the rows of a set and checks them.
    static func load(_ set: RowSet) throws -> TokenRows {
        let file = try SafetensorsFile(path: set.path)
        let tensor = try file.tensor("tokens")
        guard case .rows(let request) = set.request, tensor.type == .int32,
            tensor.shape == [request.rows, request.contextSize],
            file.metadata["content_key"] == set.key.hex
        else {
            throw RunError(
                .damaged, "\(set.path) holds other rows", advice: "remove it and run again")
        }
        let bytes = UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
        guard file.metadata["checksum"] == hexadecimal(checksum(of: bytes)) else {
            throw RunError(
                .damaged, "The rows in \(set.path) are damaged",
                advice: "remove it and run again")
        }
        let tokens = (0..<tensor.count).map {
            tensor.bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)
        }
        return TokenRows(tokens: tokens, positions: request.contextSize)
    }
}
