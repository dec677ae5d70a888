import Activations
import Basics
import Corpora
import Foundation
import Results

/// An evaluation whose units and partial results are bytes, for queues and journals.
public struct AnyEvaluation: Sendable {
    /// The name in configs, folders and reports.
    public let identifier: String
    /// See ``Evaluation/metrics``.
    public let metrics: [MetricDescription]
    /// Canonical JSON of the settings.
    public let settings: JSON
    /// See ``Evaluation/inputs(for:)``.
    public let inputs: @Sendable (Cohort) -> [InputRequest]
    /// See ``Evaluation/check(_:in:)``.
    public let check: @Sendable (Subject, Cohort) throws -> Void
    /// See ``Evaluation/check(_:of:)``.
    public let checkTexts: @Sendable (TextRows, TextRequest) throws -> Void
    /// See ``Evaluation/units(for:)``; units are canonical JSON.
    public let units: @Sendable (Cohort) throws -> [PlannedUnit<String>]
    /// See ``Evaluation/evaluate(_:subjects:in:)``; partial results are JSON.
    public let evaluate:
        @Sendable (String, [SubjectIndex], any EvaluationContext) throws -> [SubjectIndex: Result<
            String, any Error
        >]
    /// See ``Evaluation/outcome(of:for:in:)``.
    public let outcome: @Sendable ([String], SubjectIndex, Cohort) throws -> Outcome

    /// Wraps an evaluation with its settings; units and partial results travel as JSON from here on.
    ///
    /// - Throws: what encoding the settings throws.
    public init<E: Evaluation>(_ type: E.Type, settings: E.Settings) throws {
        let evaluation = E(settings: settings)
        (identifier, metrics) = (E.identifier, E.metrics)
        self.settings = try settings.json
        inputs = { evaluation.inputs(for: $0) }
        check = { try evaluation.check($0, in: $1) }
        checkTexts = { try evaluation.check($0, of: $1) }
        units = { cohort in
            // Thousands of units differ in their autoencoders alone.
            var texts: [E.Unit: String] = [:]
            return try evaluation.units(for: cohort).map {
                let text = try texts[$0.unit] ?? text(of: $0.unit)
                texts[$0.unit] = text
                return PlannedUnit(
                    unit: text, subjects: $0.subjects, cost: $0.cost,
                    costPerToken: $0.costPerToken, inputs: $0.inputs,
                    isSharedByAllSubjects: $0.isSharedByAllSubjects,
                    dependsOn: $0.dependsOn, memory: $0.memory)
            }
        }
        evaluate = { unit, subjects, context in
            let results = try evaluation.evaluate(value(of: unit), subjects: subjects, in: context)
            return results.mapValues { result in Result { try text(of: try result.get()) } }
        }
        outcome = { partials, subject, cohort in
            try evaluation.outcome(
                of: try partials.map { try value(of: $0) }, for: subject, in: cohort)
        }
    }
}

/// An evaluation by name, for the catalogue.
public struct EvaluationEntry: Sendable {
    /// The name in configs, folders and results, such as `sparse_probing`.
    public let identifier: String
    /// What it measures, in one line for `saeval ls evals`.
    public let summary: String
    /// Makes the evaluation from the settings of a config.
    public let make: @Sendable (JSON) throws -> AnyEvaluation
    /// The default settings.
    public let defaults: JSON
    /// See ``Evaluation/metrics``.
    public let metrics: [MetricDescription]

    /// The entry of an evaluation; its settings are read and checked when it is made.
    public init<E: Evaluation>(_ type: E.Type) {
        identifier = E.identifier
        (summary, metrics) = (E.summary, E.metrics)
        make = {
            try AnyEvaluation(
                E.self, settings: E.Settings(config: $0, owner: "evals.\(E.identifier)"))
        }
        defaults = (try? E.Settings().json) ?? .null
    }

    /// The settings of a config, with the run's seed where the evaluation draws random numbers and
    /// they give no seed of their own.
    public func settings(_ settings: JSON, seed: Int) -> JSON {
        let key = "random_seed"
        guard defaults[key] != nil, settings[key] == nil else { return settings }
        return .object((settings.members ?? []) + [JSONMember(key: key, value: .integer(seed))])
    }
}

extension [EvaluationEntry] {
    /// The entry of a name.
    ///
    /// - Throws: ``EvaluationError`` that names the nearest known one.
    public func named(_ identifier: String) throws(EvaluationError) -> EvaluationEntry {
        if let entry = first(where: { $0.identifier == identifier }) { return entry }
        throw EvaluationError(
            .unknownEvaluation, "Evaluation `\(identifier)` is unknown",
            advice: suggestion(for: identifier, among: map(\.identifier)))
    }
}

func text(of value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

extension EvaluationContext {
    /// The partial results of the units that the current unit depends on, in the order of its
    /// ``PlannedUnit/dependsOn``.
    public func dependencyResults<Partial: Decodable>(
        _ type: Partial.Type, for subject: SubjectIndex
    ) throws -> [Partial] {
        try dependencyResults(for: subject).map { try value(of: $0) }
    }
}

private func value<Value: Decodable>(of text: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(Value.self, from: Data(text.utf8))
}
