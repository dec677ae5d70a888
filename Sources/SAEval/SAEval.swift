@_exported import Activations
@_exported import Autoencoders
@_exported import EvalKit
@_exported import Evals
@_exported import Kernels
@_exported import Messaging
@_exported import Plans
@_exported import Reports
@_exported import Results
@_exported import Runs
@_exported import Tensors

/// Evaluates autoencoders of your own types as `saeval run` evaluates files: the same config, the
/// same results, resumable, on any number of ranks.
///
/// ```swift
/// import SAEval
///
/// let summary = try evaluate([MyAutoencoder()], config: "configs/quickstart.yaml")
/// if let summary { print(summary.tables) }
/// ```
///
/// Collective: under `mpirun`, every rank makes the same autoencoders and calls this once. Results
/// are kept under a key that covers the program itself, so that a rebuilt program computes anew.
///
/// - Parameters:
///   - autoencoders: each with an `id` of its own in its description; evaluated after those that
///     the config names.
///   - config: a YAML file as for `saeval run`; its `saes` may be left out.
///   - settings: `key=value`, as after `--set`, such as `output=runs/mine` or
///     `core.context_size=64`.
/// - Returns: the summary on rank 0; nil on the others.
/// - Throws: errors of the config, the model or an autoencoder, in a sentence each.
public func evaluate(
    _ autoencoders: [any Autoencoder], config: String? = nil, settings: [String] = []
) throws -> RunSummary? {
    return try RunExecutor(
        source: ConfigurationSource(path: config, assignments: settings),
        catalogue: evaluationCatalogue, messenger: Messenger.start(),
        own: OwnAutoencoders(autoencoders, on: CPUBackend())
    ).run()
}

extension RunSummary {
    /// The main numbers as plain text, one table for each evaluation and below it the notes on its
    /// results.
    public var tables: String {
        evaluationCatalogue.map { entry in
            let outcomes = results.filter { $0.evaluation == entry.identifier }.map {
                (name: "\($0.release)/\($0.id)", layer: $0.layer, outcome: $0.outcome)
            }
            if outcomes.isEmpty { return "" }
            return "\(entry.identifier): \(entry.summary)\n"
                + summaryTable(of: outcomes, metrics: entry.metrics).text
                + noteLines(of: outcomes.map { ($0.name, $0.outcome.notes) }) + "\n"
        }.joined()
    }
}
