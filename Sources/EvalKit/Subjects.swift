import Autoencoders

// What every evaluation does with the autoencoders of its cohort.

extension Cohort {
    /// All autoencoders, in order.
    public var subjectIndices: [SubjectIndex] { subjects.indices.map { SubjectIndex($0) } }

    /// One of them.
    public subscript(subject: SubjectIndex) -> Subject { subjects[subject.value] }
}

extension Subject {
    /// Operations of encoding one token with some latents: those of the product and, as a tenth of
    /// it, those of the activation function.
    ///
    /// - Parameter latents: how many are encoded; nil for all.
    public func encodeCost(latents: Double? = nil) -> Double {
        2.2 * Double(reference.modelSize) * (latents ?? Double(reference.latents))
    }
}

extension [SubjectIndex] {
    /// What `body` gives for each autoencoder, or its error: one that fails fails alone.
    public func results<Value>(_ body: (SubjectIndex) throws -> Value) -> [SubjectIndex: Result<
        Value, any Error
    >] {
        var results: [SubjectIndex: Result<Value, any Error>] = [:]
        for subject in self { results[subject] = Result { try body(subject) } }
        return results
    }
}

/// The autoencoders of a unit that could be loaded, and the errors of those that could not.
public struct LoadedSubjects: Sendable {
    /// Those that could, in the order of the unit.
    public private(set) var loaded: [(subject: SubjectIndex, autoencoder: any Autoencoder)] = []
    /// Why the others could not.
    private var failures: [SubjectIndex: any Error] = [:]

    /// Loads the autoencoders of a unit.
    public init(_ subjects: [SubjectIndex], in context: any EvaluationContext) {
        for subject in subjects {
            do { loaded.append((subject, try context.autoencoder(subject))) } catch {
                failures[subject] = error
            }
        }
    }

    /// One result for each subject: its chunks' values merged, or its first error.
    ///
    /// - Parameters:
    ///   - chunks: for each chunk of the unit's inputs one result for each of ``loaded``.
    ///   - merge: takes an index of ``loaded`` and the values of its chunks, in order.
    public func results<Value, Merged>(
        _ chunks: [[Result<Value, any Error>]], merge: (Int, [Value]) throws -> Merged
    ) -> [SubjectIndex: Result<Merged, any Error>] {
        var results: [SubjectIndex: Result<Merged, any Error>] = failures.mapValues { .failure($0) }
        for (index, entry) in loaded.enumerated() {
            results[entry.subject] = Result {
                try merge(index, try chunks.map { try $0[index].get() })
            }
        }
        return results
    }
}
