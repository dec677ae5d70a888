import Basics
import Glibc
import Storage

// Activation files are shared by all runs of one artifacts folder: what another run writes is waited for.

extension Coordinator {
    /// Finds out what is left to do for the activation files of a wave, and takes their locks.
    ///
    /// A file that another run writes is waited for: that run completes it, or ends and leaves the
    /// rest to this one. Files are taken in the order of their names, which is the same in every
    /// run, so two runs never wait for each other.
    ///
    /// - Returns: what is left for each set; nil when a stop was requested while waiting.
    /// - Throws: ``StorageError`` as ``Storage/ActivationFile``'s `prepare`, except `busy`.
    func prepare(_ sets: [Int]) throws -> [(set: Int, preparation: ActivationPreparation)]? {
        let names = sets.map { (lastComponent(of: plan.activationSets[$0].path), $0) }
        var prepared: [(set: Int, preparation: ActivationPreparation)] = []
        for (_, set) in names.sorted(by: <) {
            guard let preparation = try preparationWhenFree(set) else { return nil }
            prepared.append((set, preparation))
        }
        return prepared
    }

    /// The preparation of one set, once no other run writes its file.
    private func preparationWhenFree(_ set: Int) throws -> ActivationPreparation? {
        let start = monotonicSeconds()
        var said: Double?
        while true {
            do {
                let preparation = try prepare(set)
                if said != nil {
                    note(
                        "\(plan.activationSets[set].path) is free after "
                            + durationText(monotonicSeconds() - start))
                }
                return preparation
            } catch let error as StorageError where error.code == .busy {
                if StopSignal.isRequested { return nil }
                let now = monotonicSeconds()
                if now - (said ?? -.infinity) >= Self.secondsBetweenNotes {
                    said = now
                    note(
                        "waiting: \(error.message); this run goes on when that one is done with "
                            + "the file (with another --artifacts folder it would not wait)")
                }
                usleep(Self.microsecondsBetweenLooks)
            }
        }
    }

    /// How often a run that waits says so again.
    private static var secondsBetweenNotes: Double { 600 }
    /// How long a run that waits sleeps before it looks again.
    private static var microsecondsBetweenLooks: UInt32 { 200_000 }
}
