import Basics
import LanguageModels

extension PlanLayout {
    /// Bytes of a disk that stay free.
    static let reservedBytes = 64 << 20

    /// Decides which activations are stored and in which wave, and adds what computing the others
    /// costs to the units that read them.
    ///
    /// - Parameters:
    ///   - choice: what the config says.
    ///   - diskGiB: what the config says may be written at a time; nil for what is free.
    mutating func decideStorage(_ choice: ActivationChoice, diskGiB: Double?) {
        let budget =
            diskGiB.map { Int($0 * Double(1 << 30)) }
            ?? freeBytes(at: artifacts).map { max(0, $0 - Self.reservedBytes) }
        diskBudget = budget
        let shares = sharesOfPasses()
        var reads = Array(repeating: 0.0, count: activationSets.count)
        for (unit, share) in zip(units, shares) {
            for set in unit.reads { reads[set] += share }
        }
        let demands = activationSets.indices.map { demand(of: $0, reads: reads[$0]) }
        let storage = ActivationStorage(
            of: demands, together: setsReadTogether(), choice: choice, budget: budget)
        apply(storage, demands: demands, shares: shares)
    }

    /// What becomes of activations: one entry for each hook, wave and reason, in that order.
    func storageGroups() -> [StorageGroup] {
        guard let storage else { return [] }
        var groups: [StorageGroup] = []
        for (index, set) in activationSets.enumerated() {
            let reason = storage.reasons[index].rawValue
            let place = groups.firstIndex {
                $0.hook == set.hook.description && $0.wave == set.wave && $0.reason == reason
                    && $0.policy == set.policy
            }
            let read =
                set.policy == .store ? Double(set.byteCount) * demands[index].reads : 0
            if let place {
                groups[place].sets += 1
                groups[place].bytes += set.byteCount
                groups[place].bytesRead += read
            } else {
                groups.append(
                    StorageGroup(
                        hook: set.hook.description, policy: set.policy, reason: reason,
                        wave: set.wave, sets: 1, bytes: set.byteCount, bytesRead: read))
            }
        }
        return groups
    }

    /// What a decision about a set rests on.
    private func demand(of index: Int, reads: Double) -> ActivationDemand {
        let set = activationSets[index]
        let rows = rowSets[set.rowSet]
        return ActivationDemand(
            byteCount: set.byteCount, isThere: fileExists(set.path),
            operations: model.description.forwardOperations(
                tokens: rows.tokens, positions: rows.request.contextSize,
                blocks: 0..<set.hook.firstBlockAfter, unembedding: false),
            reads: reads)
    }

    /// For each unit the fraction of its inputs that it reads.
    ///
    /// All units of an evaluation for the same autoencoders read every set once in all, each as
    /// much as its share of their operations.
    private func sharesOfPasses() -> [Double] {
        // The evaluation, the cohort, the first set and the autoencoders.
        var costs: [SIMD4<Int>: Double] = [:]
        let passes = units.map { unit in
            SIMD4(
                unit.evaluation, unit.cohort, unit.reads.first ?? -1,
                (unit.subjects.first?.value ?? 0) << 32 | unit.subjects.count)
        }
        for (pass, unit) in zip(passes, units) { costs[pass, default: 0] += unit.cost }
        return zip(passes, units).map { pass, unit in
            costs[pass].map { $0 > 0 ? unit.cost / $0 : 0 } ?? 0
        }
    }

    /// Sets that a unit reads, with those of the units that it depends on.
    private func setsReadTogether() -> [[Int]] {
        var together: Set<[Int]> = []
        for unit in units where unit.reads.count > 1 || !unit.dependsOn.isEmpty {
            let sets = unit.reads + unit.dependsOn.flatMap { units[$0].reads }
            if sets.count > 1 { together.insert(sets) }
        }
        return Array(together)
    }
}
