import Autoencoders
import Basics

/// The program's version, written into results.
public let programVersion = "0.1.0"

/// A result file in the format of SAE Bench 0.6.0: its keys, in its order.
package struct ResultFile {
    let identifier: String
    let runKey: ContentHash
    let outcome: Outcome
    let reference: AutoencoderReference
    let activationType: String

    /// Takes all values.
    package init(
        identifier: String, runKey: ContentHash, outcome: Outcome, reference: AutoencoderReference,
        activationType: String
    ) {
        (self.identifier, self.runKey, self.outcome) = (identifier, runKey, outcome)
        (self.reference, self.activationType) = (reference, activationType)
    }

    /// The file's bytes. Everything but the time follows from the content.
    ///
    /// - Parameter time: milliseconds since 1970.
    package func bytes(time: Int) -> [UInt8] { Array(json(time: time).text(indent: 2).utf8) }

    /// The file's content.
    ///
    /// - Parameter time: milliseconds since 1970.
    package func json(time: Int) -> JSON {
        let metrics = outcome.metrics.map { category, values in
            JSONMember(
                key: category,
                value: .object(
                    values.map { name, value in
                        let isInteger = outcome.integerMetrics.contains(name)
                        return JSONMember(
                            key: name,
                            value: value.map { isInteger ? .integer(Int($0)) : .number($0) }
                                ?? .null)
                    }))
        }
        var additions = outcome.additions.map { JSONMember(key: $0.name, value: .number($0.value)) }
        if let incomplete = outcome.incomplete {
            additions.append(JSONMember(key: "incomplete", value: json(incomplete)))
        }
        if !outcome.notes.isEmpty {
            let notes = JSON.array(outcome.notes.map { .string($0) })
            additions.append(JSONMember(key: "notes", value: notes))
        }
        var unstructured = outcome.unstructured.members ?? []
        unstructured.append(JSONMember(key: "saeval", value: .object(additions)))
        let json = JSON.object([
            "eval_type_id": .string(identifier), "eval_config": outcome.config,
            "eval_id": .string(runIdentifier),
            "datetime_epoch_millis": .integer(time), "eval_result_metrics": .object(metrics),
            "eval_result_details": outcome.details,
            "sae_bench_commit_hash": .string("saeval \(programVersion)"),
            "sae_lens_id": .string(reference.id), "sae_lens_release_id": .string(reference.release),
            "sae_lens_version": libraryVersion,
            "sae_cfg_dict": reference.configuration(type: activationType),
            "eval_result_unstructured": .object(unstructured),
        ])
        let trailing = outcome.trailing.map { JSONMember(key: $0.name, value: $0.value) }
        return .object((json.members ?? []) + trailing)
    }

    /// The parts that are missing, and means over the others.
    private func json(_ incomplete: IncompleteMeans) -> JSON {
        let means = incomplete.partialMeans.map {
            JSONMember(key: $0.name, value: .number($0.value))
        }
        return .object([
            "missing": .array(incomplete.missing.map { .string($0) }),
            "partial_means": .object(means),
        ])
    }

    /// The version of SAELens that wrote the autoencoder, where its config says so.
    private var libraryVersion: JSON {
        reference.configuration["metadata"]?["sae_lens_version"] ?? .null
    }

    /// A version-4 UUID made of the run's key, so that a repeated run has the same one.
    private var runIdentifier: String {
        var digits = Array(runKey.hex)
        digits[12] = "4"
        digits[16] = "a"
        let parts = [
            digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32],
        ]
        return parts.map { String($0) }.joined(separator: "-")
    }

    /// The time in a result file; nil when it is none.
    package static func time(in bytes: [UInt8]) -> Int? {
        (try? JSON(parsing: bytes, source: "a result"))?["datetime_epoch_millis"]?.integer
    }

    /// Whether some bytes are a result file that lacks no part.
    package static func isComplete(_ bytes: [UInt8]) -> Bool {
        guard let json = try? JSON(parsing: bytes, source: "a result") else { return false }
        return json["eval_result_metrics"] != nil
            && json["eval_result_unstructured"]?["saeval"]?["incomplete"] == nil
    }
}
