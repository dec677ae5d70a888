import Activations
import Basics
import Formats
import LanguageModels

/// Where a model is stored and what its config says.
struct ModelPlace {
    /// Empty for a model that is not on disk.
    let folder: String
    let name: String
    let description: ModelDescription
    let weightFiles: [String]

    /// - Parameters:
    ///   - model: a folder, or a hub id found in the local cache.
    ///   - cache: where hub ids are looked up.
    ///   - outline: takes a model that is not on disk but whose sizes are known; nil refuses it.
    /// - Throws: an error that names what is missing.
    init(_ model: String, cache: HubCache, outline: OutlineRecord? = nil) throws {
        do {
            folder = try modelFolder(model, cache: cache)
        } catch {
            guard let outline, isMissing(error) else { throw error }
            self = try ModelPlace(outlining: model, of: cache, in: outline, cause: error)
            return
        }
        name =
            folderExists(model)
            ? ModelIdentity.repository(ofSnapshot: model) ?? lastComponent(of: model) : model
        description = try describeLanguageModel(folder: folder)
        let place = folder
        weightFiles = try SafetensorsFolder(path: folder).files.map { "\(place)/\($0)" }
    }

    /// A model that is not on disk, or not whole.
    ///
    /// - Throws: the reason why it is not there, for a model of which nothing is known.
    private init(
        outlining model: String, of cache: HubCache, in outline: OutlineRecord, cause: any Error
    ) throws {
        (folder, name, weightFiles) = ("", model, [])
        let known = PublishedModel.named(model)
        if let part = try? cache.snapshot(of: model),
            let description = try? describeLanguageModel(folder: part)
        {
            self.description = description
        } else if let known {
            description = try known.description()
        } else if folderExists(parentFolder(of: model)) || model.hasPrefix("/") {
            throw cause
        } else {
            throw RunError(
                .missing, "`\(model)` is not on disk, and its sizes are not known without it",
                advice: "\(cache.advice); known are "
                    + PublishedModel.all.map(\.id).joined(separator: ", "), cause: cause)
        }
        let width = known?.storedType.byteCount ?? 4
        outline.add(.model, model, bytes: width * description.parameters)
    }

    /// Bytes of its weights as stored.
    var weightBytes: Int {
        if isOutlined {
            return (PublishedModel.named(name)?.storedType.byteCount ?? 4) * description.parameters
        }
        return weightFiles.reduce(0) { $0 + ((try? MappedFile(path: $1))?.byteCount ?? 0) }
    }

    /// Whether only its sizes are known.
    var isOutlined: Bool { folder.isEmpty }

    /// The hash of its config and weights; of its name, when it is not on disk.
    ///
    /// - Cost: reads every weight file once.
    func contentKey() throws -> ContentHash {
        if isOutlined { return ContentHash.of("outlined model \(name)") }
        return try ContentKeys.model(folder: folder, files: weightFiles)
    }
}
