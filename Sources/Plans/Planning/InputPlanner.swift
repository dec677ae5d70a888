import Activations
import Basics
import Corpora
import EvalKit
import Formats
import Storage
import Synchronization
import Tensors
import Tokenizers

/// Finds the files of inputs, makes labelled texts and says how large everything is.
struct InputPlanner {
    let configuration: RunConfiguration
    let model: ModelPlace
    let activationType: ElementType
    /// Texts made here, for whoever keeps them.
    let made: MadeTexts
    /// Takes inputs that are not on disk; nil refuses them.
    var outline: OutlineRecord?

    /// Activations of one hook beyond this are refused.
    private static let mostBytes = 1 << 50

    /// Finds or makes an input of an evaluation.
    ///
    /// - Throws: an error that names the dataset, the file or the value at fault.
    func rowSet(for request: InputRequest, of evaluation: AnyEvaluation) throws -> RowSet {
        guard request.contextSize <= model.description.contextSize else {
            let key = request.contextKey
            throw RunError(
                .unsuitable,
                "`\(key)` is \(request.contextSize), but \(configuration.model) takes at most \(model.description.contextSize) positions",
                advice: "set \(key) to at most \(model.description.contextSize)")
        }
        switch request {
        case .rows(let rows): return try packed(rows)
        case .texts(let texts):
            guard let outline else { return try labelled(texts, evaluation) }
            do {
                guard model.isOutlined else { return try labelled(texts, evaluation) }
                _ = try labelledPath(texts)
                return try outlined(texts)
            } catch {
                guard isMissing(error) else { throw error }
                let source = try? TextFamily.named(texts.dataset).source
                let folder = (try? texts.datasetNames)?.first { id in
                    configuration.datasets.contains { $0.id == id }
                }
                outline.add(.dataset, folder ?? source ?? texts.dataset, bytes: nil)
                return try outlined(texts)
            }
        }
    }

    // MARK: - Outlines

    /// Labelled texts of which only the size is told.
    private func outlined(_ request: TextRequest) throws -> RowSet {
        let size = try request.size()
        if size.isBound { outline?.assumeFullTexts() }
        let key = ContentHash.of("outlined texts \(try JSON(encoding: request).text())")
        return RowSet(
            outlining: request, size, datasetPath: "", key: key, path: tokensPath(key))
    }

    /// Packed rows of a dataset that is not on disk, or that cannot be tokenised without the model.
    private func outlined(_ request: RowRequest) throws -> RowSet {
        let key = ContentHash.of("outlined rows \(try JSON(encoding: request).text())")
        return RowSet(packed: request, datasetPath: "", key: key, path: tokensPath(key))
    }

    // MARK: - Packed rows

    private func packed(_ request: RowRequest) throws -> RowSet {
        guard let tokens = product([request.rows, request.contextSize]), fits(storedRows: tokens)
        else {
            throw RunError(
                .noSpace,
                "The plan reads \(request.rows) rows of \(request.contextSize) tokens, whose activations exceed \(byteText(Self.mostBytes))",
                advice: "fewer batches or a smaller batch_size_prompts")
        }
        let path: String
        do {
            path = try datasetPath(request.dataset)
            if model.isOutlined { return try outlined(request) }
        } catch {
            guard let outline, isMissing(error) else { throw error }
            outline.add(.dataset, request.dataset, bytes: nil)
            return try outlined(request)
        }
        let key = try ContentKeys.rows(
            dataset: path, tokenizer: model.folder,
            request: (request.contextSize, request.rows, request.prependsBOS))
        var set = RowSet(
            packed: request, datasetPath: path, key: key, path: tokensPath(key))
        if request.prependsBOS, try holdsText(path) {
            set.beginningNote = try made.tokenizer(model.folder).special.rowsNote
        }
        return set
    }

    /// The file of a dataset id.
    private func datasetPath(_ id: String) throws -> String {
        guard let path = try mapped(id) else {
            let own = try expandedPath(id, of: "`dataset`")
            guard fileExists(own) else { throw missing(id) }
            return own
        }
        guard fileExists(path) else {
            throw RunError(
                .missing, "Dataset `\(id)`: \(path) is not a file",
                advice: "correct the path under `datasets:`")
        }
        return path
    }

    /// What the config says of a dataset id; nil when it says nothing.
    private func mapped(_ id: String) throws -> String? {
        guard let entry = configuration.datasets.first(where: { $0.id == id }) else { return nil }
        guard HubPath.isHubPath(entry.path) else { return entry.path }
        return try configuration.hubCache.file(HubPath(entry.path))
    }

    private func missing(_ id: String) -> RunError {
        RunError(
            .missing, "Dataset `\(id)` has no file",
            advice: "add `datasets: {\(id): PATH}`, known are "
                + (configuration.datasets.isEmpty
                    ? "none" : configuration.datasets.map(\.id).joined(separator: ", ")))
    }

    // MARK: - Labelled texts

    private func labelled(_ request: TextRequest, _ evaluation: AnyEvaluation) throws
        -> RowSet
    {
        let path = try labelledPath(request)
        let key = ContentKeys.texts(
            files: try textFiles(of: request, at: path).map(made.hash),
            tokenizer: try made.tokenizerKey(model.folder), request: try JSON(encoding: request))
        let rows = try made.texts(key) {
            if let kept = try? TextRows(reading: tokensPath(key), key: key) { return kept }
            let processors = configuration.threads ?? coreCount
            return try textRows(
                request, at: path, tokenizer: try made.tokenizer(model.folder),
                threads: processors)
        }
        try checkVocabulary(rows, path: path)
        try evaluation.checkTexts(rows, request)
        guard fits(storedRows: rows.stored.count) else {
            throw RunError(
                .noSpace,
                "The activations of `\(request.dataset)` exceed \(byteText(Self.mostBytes))",
                advice: "smaller train and test sets")
        }
        var set = RowSet(
            rows, request: request, datasetPath: path, key: key, path: tokensPath(key))
        set.beginningNote = try made.tokenizer(model.folder).special.textsNote
        return set
    }

    /// The file or folder of a labelled dataset: under its own id, under that of the dataset whose
    /// classes it is a part of, or in the folder of all small binary datasets.
    private func labelledPath(_ request: TextRequest) throws -> String {
        for id in try request.datasetNames {
            guard let path = try mapped(id) else { continue }
            guard fileExists(path) || folderExists(path) else {
                throw RunError(
                    .missing, "Dataset `\(id)`: there is no \(path)",
                    advice: "correct the path under `datasets:`")
            }
            return path
        }
        let own = try expandedPath(request.dataset, of: "`dataset`")
        guard fileExists(own) || folderExists(own) else { throw missing(request.dataset) }
        return own
    }

    private func checkVocabulary(_ rows: TextRows, path: String) throws {
        let largest = rows.tokens.max() ?? 0
        guard largest < model.description.vocabulary else {
            throw RunError(
                .unsuitable,
                "Dataset \(path) gives token \(largest), but \(model.folder) has tokens 0 to \(model.description.vocabulary - 1)",
                advice: "check that tokenizer and model belong together")
        }
    }

    // MARK: - Sizes

    private func tokensPath(_ key: ContentHash) -> String {
        ArtifactStore(folder: configuration.artifacts).tokensPath(key: key)
    }

    /// Whether the activations of one hook are few enough.
    private func fits(storedRows: Int) -> Bool {
        let widest = max(model.description.modelSize, model.description.headsSize)
        let bytes = product([storedRows, widest, activationType.byteCount])
        return bytes.map { $0 <= Self.mostBytes } ?? false
    }

    private func product(_ factors: [Int]) -> Int? {
        var result = 1
        for factor in factors {
            let (next, overflow) = result.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            result = next
        }
        return result
    }
}
