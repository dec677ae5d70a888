import Basics
import EvalKit

/// What the numbers of an evaluation's results rest on besides the autoencoder. Results of one
/// folder agree in it, so that the lines of its table can be compared.
struct ResultConditions: Codable, Sendable {
    /// A value of the config.
    struct Condition: Codable, Sendable {
        /// Its key, such as `core.context_size`.
        var name: String
        /// The value.
        var value: String
        /// The hash of the files that the value names; nil for a value that names none.
        var content: ContentHash?
    }

    /// The conditions in the order in which differences are told.
    var conditions: [Condition]

    /// The conditions of an evaluation for one cohort of a plan.
    ///
    /// - Parameter device: what computes; nil leaves it out.
    init(_ plan: RunPlan, evaluation index: Int, cohort: Int, device: String?) throws {
        let entry = plan.evaluations[index]
        let settings = try JSON(parsing: Array(entry.settings.utf8), source: "the plan")
        conditions =
            [
                Condition(name: "model", value: plan.modelName, content: plan.modelKey),
                Condition(name: "dtype", value: plan.activationType.rawValue),
                Condition(
                    name: "streams", value: plan.cohorts[cohort].cohort.streams.rawValue),
            ]
            + (device.map { [Condition(name: "device", value: $0)] } ?? [])
            + (settings.members ?? []).map {
                Condition(name: "\(entry.identifier).\($0.key)", value: $0.value.text())
            }
            + plan.cohorts[cohort].rowSets[index].compactMap(\.self).map { set in
                let set = plan.rowSets[set]
                return Condition(
                    name: "datasets.\(set.request.dataset)", value: set.datasetPath,
                    content: set.key)
            }
    }

    /// The first condition that other results have with another value, and that value.
    ///
    /// A path counts as another one when its files differ too; files that changed under the same path
    /// are no other setting, and neither is a dataset that only one of both has.
    func difference(from other: ResultConditions) -> (old: Condition, new: Condition)? {
        for condition in conditions {
            guard let old = other.conditions.first(where: { $0.name == condition.name }),
                old.value != condition.value,
                condition.content == nil || old.content != condition.content
            else { continue }
            return (old, condition)
        }
        return nil
    }

    /// The hash that results name their conditions by.
    var key: ContentHash {
        ContentHash.of(
            parts: conditions.map { ($0.name, "\($0.value)\0\($0.content?.hex ?? "")") })
    }
}
