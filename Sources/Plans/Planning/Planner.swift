import Activations
import Autoencoders
import Basics
import Corpora
import EvalKit
import Formats
import LanguageModels
import Results
import Tensors

/// Finds and checks everything that a config names, and lays the work out.
///
/// Reads files and writes none. Autoencoders that cannot be evaluated are listed, not thrown, so
/// that the others run.
public struct Planner {
    let configuration: RunConfiguration
    let evaluations: [AnyEvaluation]
    let backendName: String
    let own: OwnAutoencoders
    /// Labelled texts that planning made.
    package let texts = MadeTexts()

    /// - Parameters:
    ///   - backendName: what computes; nil for what the config's `device` asks for.
    ///   - own: autoencoders to evaluate besides those that the config names.
    /// - Throws: an error for an unknown evaluation or bad settings.
    public init(
        _ configuration: RunConfiguration, catalogue: [EvaluationEntry],
        backendName: String? = nil, own: OwnAutoencoders = .none
    ) throws {
        self.configuration = configuration
        self.backendName = backendName ?? (configuration.device == "cuda" ? "cuda" : "cpu")
        self.own = own
        evaluations = try configuration.evals.map { identifier, settings in
            let entry = try catalogue.named(identifier)
            return try entry.make(entry.settings(settings, seed: configuration.seed))
        }
    }

    /// The config with every setting written out.
    public func resolvedConfiguration() -> RunConfiguration {
        var resolved = configuration
        resolved.evals = evaluations.map { ($0.identifier, $0.settings) }
        return resolved
    }

    /// Makes the plan.
    ///
    /// - Parameter requiringSpace: whether to refuse a plan whose activations do not fit on the
    ///   disk.
    /// - Throws: an error that names the file or key at fault.
    /// - Cost: reads every weight file once, for content keys.
    public func plan(requiringSpace: Bool = true) throws -> RunPlan {
        try layout(requiringSpace: requiringSpace, outline: nil).plan
    }

    /// Makes the plan, where what is not on disk is told by its sizes alone.
    ///
    /// With everything on disk it is the plan of ``plan(requiringSpace:)``.
    ///
    /// - Throws: an error for what is damaged or unsuitable, and for what is missing and not known.
    /// - Cost: reads what is on disk as `plan(requiringSpace:)` does; the rest costs some seconds
    ///   for a million partial results.
    public func outline() throws -> PlanOutline {
        let record = OutlineRecord()
        let (plan, layout) = try layout(requiringSpace: false, outline: record)
        return PlanOutline(
            plan: plan, storage: layout.storageGroups(), diskBudget: layout.diskBudget,
            readShares: layout.readShares, missing: record.missing, assumptions: record.assumptions,
            fetchCommand: configuration.fetchCommand)
    }

    /// Makes the plan.
    ///
    /// - Parameter outline: takes what is not on disk; nil refuses it.
    private func layout(
        requiringSpace: Bool, outline: OutlineRecord?
    ) throws -> (plan: RunPlan, layout: PlanLayout) {
        let model = try ModelPlace(
            configuration.model, cache: configuration.hubCache, outline: outline)
        guard let activationType = ElementType(rawValue: configuration.dtype) else {
            throw RunError(
                .badConfig, "dtype: \(configuration.dtype) is not a type of activations",
                advice: "float32, bfloat16 or float16")
        }
        var failures: [FailedItem] = []
        var notes: [String] = []
        let references = try selectedReferences(
            model: model.description, outline, failures: &failures, notes: &notes)
        let special = try specialTokens(of: model)
        let identity = ModelIdentity(model: configuration.model, folder: model.folder)
        notes += identity.notes(on: references)
        let subjects = try subjects(references, model, identity, &failures)
        let cohorts = cohorts(of: subjects, model, identity, special)
        guard !cohorts.isEmpty else {
            throw RunError(
                .unsuitable,
                "No autoencoder can be evaluated: "
                    + failures.map { "\($0.name): \($0.reason)" }.joined(separator: " "),
                advice: "correct `saes`")
        }
        var layout = try PlanLayout(
            evaluations: evaluations, model: model, activationType: activationType,
            backendName: backendName,
            inputs: InputPlanner(
                configuration: configuration, model: model, activationType: activationType,
                made: texts, outline: outline))
        try layout.add(cohorts, requiringSpace: requiringSpace)
        let settings = evaluations.map {
            RunPlan.EvaluationPlan(identifier: $0.identifier, settings: $0.settings.text())
        }
        var plan = RunPlan(
            modelFolder: model.folder, modelName: model.name, modelKey: layout.modelKey,
            model: model.description, modelBytes: model.weightBytes,
            activationType: activationType, evaluations: settings, rowSets: layout.rowSets,
            activationSets: layout.activationSets, cohorts: layout.cohorts, units: layout.units,
            failedItems: failures + layout.failures,
            key: ContentHash.of(layout.units.flatMap(\.keys).map(\.hex).joined()),
            threads: configuration.threads,
            output: configuration.output, artifacts: configuration.artifacts, notes: [])
        plan.notes = notes + plan.beginningNotes(Array(plan.rowSets.indices))
        plan.removesActivations = layout.storage?.hasWaves ?? false
        return (plan, layout)
    }

    /// BOS, EOS and padding, sorted; none for a model that is not on disk.
    private func specialTokens(of model: ModelPlace) throws -> [Int32] {
        if model.isOutlined { return [] }
        let special = try texts.tokenizer(model.folder).special
        return Set([special.bos, special.eos, special.pad].compactMap { $0 }).sorted()
    }

    // MARK: - Autoencoders

    /// The autoencoders that the config selects, in the order of its entries.
    ///
    /// - Parameters:
    ///   - failures: takes folders that hold a damaged or incomplete one.
    ///   - notes: takes what readers of the results should know.
    private func selectedReferences(
        model: ModelDescription, _ outline: OutlineRecord?,
        failures: inout [FailedItem], notes: inout [String]
    ) throws -> [AutoencoderReference] {
        var references: [AutoencoderReference] = []
        var candidates: [(name: String, layer: Int?)] = []
        var known: Set<String> = []
        let layers = model.layers
        for selection in configuration.saes {
            for (key, named) in [
                ("saes.layers", selection.layers), ("layers", selection.narrowing.layers),
            ] {
                guard let layer = named?.first(where: { $0 < 0 || $0 >= layers }) else { continue }
                throw RunError(
                    .unsuitable,
                    "`\(key)` names layer \(layer), but \(configuration.model) has layers 0 to \(layers - 1)",
                    advice: "name layers that the model has")
            }
            let cache = configuration.hubCache
            let survey =
                try outline.flatMap {
                    try selection.outlinedSurvey(in: cache, of: model, $0)
                } ?? selection.survey(in: cache)
            failures += survey.unread.map {
                FailedItem(name: $0.path, reason: "\($0.error)")
            }
            let own = try selection.candidates(among: survey.found)
            candidates += own
            guard !survey.found.isEmpty || !failures.isEmpty || !own.isEmpty else {
                _ = try selection.source.found(survey, in: cache)
                continue
            }
            let kept = try selection.kept(of: survey.found, in: cache)
            let new = kept.filter { known.isDisjoint(with: [selection.source.identity(of: $0)]) }
            references += new
            for reference in new {
                known.formUnion(RunConfiguration.Selection.Source.identities(of: reference))
            }
        }
        if references.isEmpty, failures.isEmpty, own.isEmpty, !configuration.narrowing.isEmpty {
            throw configuration.narrowing.nothingLeft(of: candidates)
        }
        references += own.references
        notes += try ResultNames(
            output: configuration.output, evaluations: evaluations.map(\.identifier)
        ).check(references)
        notes += references.compactMap(modelArgumentsNote) + readingNotes(references)
        return references
    }

    /// What a reader should know of how files are read, once for all autoencoders that share it.
    private func readingNotes(_ references: [AutoencoderReference]) -> [String] {
        let sentences = references.flatMap { reference in reference.notes.map { ($0, reference) } }
        return Dictionary(grouping: sentences) { $0.0 }.sorted { $0.key < $1.key }.map {
            sharedNote($0, on: $1.map(\.1))
        }
    }

    /// What a reader should know of an autoencoder whose model was changed before training.
    private func modelArgumentsNote(_ reference: AutoencoderReference) -> String? {
        let arguments = reference.configuration["metadata"]?["model_from_pretrained_kwargs"]
        guard let arguments, arguments.members?.isEmpty == false else { return nil }
        return "\(reference.release)/\(reference.id) was trained on a model loaded with "
            + "\(arguments.text()), which is not done to \(configuration.model)"
    }

    /// Checks each autoencoder against the model and hashes its files.
    private func subjects(
        _ references: [AutoencoderReference], _ model: ModelPlace, _ identity: ModelIdentity,
        _ failures: inout [FailedItem]
    ) throws -> [Subject] {
        var subjects: [Subject] = []
        for reference in references {
            do {
                let hook = try HookPoint(parsing: reference.hookName)
                guard hook.layer < model.description.layers else {
                    throw RunError(
                        .unsuitable,
                        "\(reference.path) belongs to \(hook), but \(configuration.model) has layers 0 to \(model.description.layers - 1)",
                        advice: "evaluate it with the model it was trained on")
                }
                try model.description.check(hook)
                let size = model.description.size(at: hook)
                guard reference.modelSize == size else {
                    throw RunError(
                        .unsuitable,
                        "\(reference.path) takes activations of \(reference.modelSize) numbers, but \(configuration.model) has \(size) at \(hook)",
                        advice: "evaluate it with the model it was trained on")
                }
                if !configuration.allowsModelMismatch { try identity.require(reference) }
                subjects.append(
                    Subject(
                        reference: reference,
                        key: try own.key(of: reference)
                            ?? OutlineRecord.key(of: reference) ?? reference.contentHash(),
                        notes: reference.notes
                            + (identity.note(on: reference.modelName).map { [$0] } ?? [])))
            } catch {
                failures.append(
                    FailedItem(
                        name: "\(reference.release)/\(reference.id)", reason: "\(error)"))
            }
        }
        return subjects
    }

    /// Groups autoencoders by hook and by how rows begin, in the order of hooks.
    private func cohorts(
        of subjects: [Subject], _ model: ModelPlace, _ identity: ModelIdentity, _ special: [Int32]
    ) -> [Cohort] {
        var cohorts: [Cohort] = []
        for subject in subjects {
            guard let hook = try? HookPoint(parsing: subject.reference.hookName) else { continue }
            let starts = subject.reference.prependsBeginning
            if let index = cohorts.firstIndex(where: { $0.hook == hook && $0.prependsBOS == starts }
            ) {
                cohorts[index].subjects.append(subject)
            } else {
                cohorts.append(
                    Cohort(
                        hook: hook, model: model.description,
                        modelName: identity.spelling(subject.reference.modelName) ?? model.name,
                        activationType: configuration.dtype, prependsBOS: starts,
                        specialTokens: special,
                        subjects: [subject], streams: configuration.streams))
            }
        }
        return cohorts.sorted {
            ($0.hook, $0.prependsBOS ? 0 : 1) < ($1.hook, $1.prependsBOS ? 0 : 1)
        }
    }
}
