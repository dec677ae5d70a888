import Activations

/// What a decision about the activations of one row set at one hook rests on.
struct ActivationDemand: Sendable, Equatable {
    /// Bytes of the file.
    var byteCount: Int
    /// Whether the file is there already.
    var isThere = false
    /// Operations of a forward pass over the rows up to the hook.
    var operations: Double
    /// How often the activations are read, in whole passes.
    var reads: Double
}

/// Which activations a run stores, in which wave, and why: a function of sizes alone, so that it is
/// the same for every rank and no number depends on it.
///
/// Sets that some unit reads together are in one wave. A wave takes sets in their order until the
/// next ones would not fit into the budget; its files are gone before the next wave begins.
struct ActivationStorage: Sendable, Equatable {
    /// Why a set is stored or not.
    enum Reason: String, Sendable, CaseIterable {
        case asked = "the config says so"
        case isThere = "the file is there"
        case storingIsCheaper = "reading takes less time than computing"
        case computingIsCheaper = "computing takes less time than writing and reading"
        case tooLarge = "larger than the disk budget"
    }

    /// For each set what is done with it.
    private(set) var policies: [ActivationPolicy]
    /// For each set why.
    private(set) var reasons: [Reason]
    /// For each set its wave.
    package private(set) var waves: [Int]
    /// Bytes that each wave writes.
    private(set) var waveBytes: [Int]

    /// Operations that one core does in a second, about.
    static let operationsPerSecond = 7e10
    /// Bytes that a disk writes or reads in a second, about.
    static let bytesPerSecond = 5e8
    /// How many times cheaper computing again must be: a file also serves later runs.
    static let advantage = 2.0

    /// Decides.
    ///
    /// - Parameters:
    ///   - demands: the sets in the order of their cohorts.
    ///   - together: sets that some unit reads together, or one after the other.
    ///   - choice: what the config says.
    ///   - budget: bytes that one wave may write; nil for no limit.
    init(
        of demands: [ActivationDemand], together: some Sequence<[Int]>, choice: ActivationChoice,
        budget: Int?
    ) {
        policies = Array(repeating: .store, count: demands.count)
        reasons = Array(repeating: .asked, count: demands.count)
        waves = Array(repeating: 0, count: demands.count)
        waveBytes = [0]
        for (index, demand) in demands.enumerated() {
            (policies[index], reasons[index]) = Self.decision(on: demand, choice)
        }
        for group in Self.groups(of: demands.count, together) {
            dropWhatIsTooLarge(of: group, demands, choice, budget)
            place(group, demands, budget)
        }
    }

    /// Whether more than one wave is written.
    var hasWaves: Bool { waveBytes.count > 1 }

    /// What is best for one set, whatever the budget.
    private static func decision(
        on demand: ActivationDemand, _ choice: ActivationChoice
    ) -> (ActivationPolicy, Reason) {
        switch choice {
        case .store: return (.store, .asked)
        case .recompute: return (.recompute, .asked)
        case .auto: break
        }
        if demand.isThere { return (.store, .isThere) }
        let pass = demand.operations / operationsPerSecond
        let transfers = Double(demand.byteCount) * (1 + demand.reads) / bytesPerSecond
        return advantage * pass * demand.reads < pass + transfers
            ? (.recompute, .computingIsCheaper) : (.store, .storingIsCheaper)
    }

    /// Gives up storing the largest sets of a group until the rest fits into a wave of its own.
    private mutating func dropWhatIsTooLarge(
        of group: [Int], _ demands: [ActivationDemand], _ choice: ActivationChoice, _ budget: Int?
    ) {
        guard let budget, choice == .auto else { return }
        while bytes(of: group, demands) > budget {
            let largest = group.filter { writes($0, demands) }
                .max { demands[$0].byteCount < demands[$1].byteCount }
            guard let largest else { return }
            (policies[largest], reasons[largest]) = (.recompute, .tooLarge)
        }
    }

    /// Puts a group into the last wave, or into a new one when it does not fit.
    private mutating func place(_ group: [Int], _ demands: [ActivationDemand], _ budget: Int?) {
        let bytes = bytes(of: group, demands)
        guard bytes > 0 else { return }
        let last = waveBytes.count - 1
        if let budget, waveBytes[last] > 0, waveBytes[last] + bytes > budget { waveBytes.append(0) }
        waveBytes[waveBytes.count - 1] += bytes
        for index in group { waves[index] = waveBytes.count - 1 }
    }

    /// Whether a set is to be written.
    private func writes(_ index: Int, _ demands: [ActivationDemand]) -> Bool {
        policies[index] == .store && !demands[index].isThere
    }

    /// Bytes that a group writes.
    private func bytes(of group: [Int], _ demands: [ActivationDemand]) -> Int {
        group.reduce(0) { $0 + (writes($1, demands) ? demands[$1].byteCount : 0) }
    }

    /// Sets that must be in one wave, in the order of their first ones.
    private static func groups(of count: Int, _ together: some Sequence<[Int]>) -> [[Int]] {
        var parents = Array(0..<count)
        func root(_ index: Int) -> Int {
            var index = index
            while parents[index] != index {
                parents[index] = parents[parents[index]]
                index = parents[index]
            }
            return index
        }
        for sets in together {
            for set in sets.dropFirst() {
                let (first, second) = (root(sets[0]), root(set))
                parents[max(first, second)] = min(first, second)
            }
        }
        var groups: [Int: [Int]] = [:]
        for index in 0..<count { groups[root(index), default: []].append(index) }
        return groups.keys.sorted().compactMap { groups[$0] }
    }
}
