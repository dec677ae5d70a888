import Basics

/// What the numbers of an evaluation's results rest on besides the autoencoder. Results of one
/// folder agree in it, so that the lines of its table can be compared.
package struct ResultConditions: Codable, Sendable {
    /// A value of the config.
    package struct Condition: Codable, Sendable {
        /// Its key, such as `core.context_size`.
        package var name: String
        /// The value.
        package var value: String
        /// The hash of the files that the value names; nil for a value that names none.
        var content: ContentHash?

        /// Takes all values.
        package init(name: String, value: String, content: ContentHash? = nil) {
            (self.name, self.value, self.content) = (name, value, content)
        }
    }

    /// The conditions in the order in which differences are told.
    package var conditions: [Condition]

    /// Takes conditions in the order in which differences are told.
    package init(_ conditions: [Condition]) { self.conditions = conditions }

    /// The first condition that other results have with another value, and that value.
    ///
    /// A path counts as another one when its files differ too; files that changed under the same path
    /// are no other setting, and neither is a dataset that only one of both has.
    package func difference(from other: ResultConditions) -> (old: Condition, new: Condition)? {
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
    package var key: ContentHash {
        ContentHash.of(
            parts: conditions.map { ($0.name, "\($0.value)\0\($0.content?.hex ?? "")") })
    }
}
