import Autoencoders
import Basics
import Formats
import LanguageModels

/// Whether the model under evaluation is the one that an autoencoder was trained on.
///
/// Weights do not say whose they are, so this compares names: what the autoencoder's configuration
/// calls its model with what the evaluated model goes by.
struct ModelIdentity {
    /// The evaluated model as the config names it, for messages.
    let model: String
    /// Canonical names that the evaluated model goes by.
    private let names: Set<String>
    /// Whether those names are its own beyond doubt: an id of the hub, or a name in its files.
    private let isNamed: Bool
    /// The name that its `config.json` gives it; fine-tuned models keep the name of their base model
    /// there.
    private let recordedName: String?

    /// What comparing the names says.
    enum Verdict: Equatable {
        /// The autoencoder names no model, or this one.
        case same
        /// It names the model that `config.json` says this one was loaded from.
        case recorded
        /// The names differ, and nothing tells whether the models do.
        case unknown
        /// The autoencoder was trained on another model.
        case different
    }

    /// - Parameters:
    ///   - model: a folder or a hub id, as the config has it.
    ///   - folder: the model's folder; empty for a model that is not on disk.
    init(model: String, folder: String) {
        self.model = model
        let repository = folderExists(model) ? Self.repository(ofSnapshot: model) : model
        names = [ModelNames.canonical(repository ?? lastComponent(of: model))]
        let config = folder.isEmpty ? nil : try? JSON(file: "\(folder)/config.json")
        let recorded = config?["_name_or_path"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        recordedName = recorded.map(ModelNames.canonical)
        isNamed =
            repository != nil || recordedName != nil || !names.isDisjoint(with: Self.published)
    }

    /// Compares the name that an autoencoder's configuration gives its model.
    func verdict(on claimed: String?) -> Verdict {
        guard let claimed, !claimed.isEmpty else { return .same }
        let name = ModelNames.canonical(claimed)
        if names.contains(name) { return .same }
        // What bears the name of another published model is that one, whatever it was loaded from.
        if name == recordedName, names.isDisjoint(with: Self.published) {
            return Self.published.contains(name) ? .recorded : .same
        }
        return isNamed || Self.published.contains(name) ? .different : .unknown
    }

    /// What a reader of results should know of an autoencoder whose configuration names a model;
    /// nil where it is this one.
    func note(on claimed: String?) -> String? {
        switch verdict(on: claimed) {
        case .same: nil
        case .recorded:
            "evaluated on \(model), taken for \(claimed ?? "") since its config.json has that as `_name_or_path`"
        case .unknown:
            "trained on `\(claimed ?? "")`, by its configuration, and evaluated on \(model); nothing there tells whether it is that model"
        case .different:
            "trained on `\(claimed ?? "")`, by its configuration, and evaluated on \(model), which is another model"
        }
    }

    /// The name that an autoencoder's configuration gives its model, where it is this one.
    func spelling(_ claimed: String?) -> String? {
        guard let claimed, !claimed.isEmpty else { return nil }
        return [.same, .recorded].contains(verdict(on: claimed)) ? claimed : nil
    }

    /// Refuses an autoencoder that was trained on another model.
    func require(_ reference: AutoencoderReference) throws(RunError) {
        guard verdict(on: reference.modelName) == .different else { return }
        throw RunError(
            .unsuitable,
            "\(reference.path) was trained on `\(reference.modelName ?? "")`, by its configuration, and `model` is \(model)",
            advice:
                "evaluate it with the model it was trained on; if this one is to be evaluated all the same, say --allow-model-mismatch"
        )
    }

    /// What the user should know before the run: one sentence for each name that autoencoders give
    /// their model and that is not certainly this one's.
    func notes(on references: [AutoencoderReference]) -> [String] {
        let groups = Dictionary(grouping: references) { $0.modelName ?? "" }
        return groups.sorted { $0.key < $1.key }.compactMap { name, members in
            note(on: name).map { sharedNote($0, on: members) }
        }
    }

    /// The hub id in the path of a snapshot in a cache; nil for other folders.
    static func repository(ofSnapshot path: String) -> String? {
        path.split(separator: "/").last { $0.hasPrefix("models--") }
            .map { String($0.dropFirst("models--".count)).replacing("--", with: "/") }
    }

    /// Canonical names of the models that published autoencoders were trained on, and of those whose
    /// sizes are known.
    private static let published = Set(
        PublishedModel.all.map { ModelNames.canonical($0.id) }
            + PublishedAutoencoders.models.map(ModelNames.canonical))
}
