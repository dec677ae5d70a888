/// What two neighbouring tokens merge into.
struct Merge: Sendable {
    /// The order of merges; lower goes first.
    var rank: Int32
    /// The token that comes out.
    var result: Int32
}

/// A table from pairs of tokens to merges, made for look-ups.
///
/// - Cost: open addressing at a load of at most one half; a look-up reads one cache line mostly.
struct PairTable: Sendable {
    /// A pair and its merge.
    private struct Slot {
        /// Both ids.
        var key: UInt64
        /// Their merge.
        var merge: Merge
    }

    /// The slots.
    private var slots: [Slot]
    /// One less than the number of slots, a power of two.
    private let mask: Int
    /// The key of an empty slot; no pair of ids has it.
    private static let vacant = UInt64.max

    /// A table with room for a number of pairs.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [Slot](
            repeating: Slot(key: Self.vacant, merge: Merge(rank: 0, result: 0)), count: size)
        mask = size - 1
    }

    /// The merge of a pair.
    subscript(left: Int32, right: Int32) -> Merge? {
        let key = Self.key(left, right)
        var index = firstSlot(of: key)
        while true {
            let slot = slots[index]
            if slot.key == key { return slot.merge }
            if slot.key == Self.vacant { return nil }
            index = (index + 1) & mask
        }
    }

    /// Adds a merge; a pair that is there already gets the new one.
    ///
    /// The number of pairs must not exceed the capacity.
    mutating func insert(_ merge: Merge, for left: Int32, _ right: Int32) {
        let key = Self.key(left, right)
        var index = firstSlot(of: key)
        while slots[index].key != Self.vacant, slots[index].key != key {
            index = (index + 1) & mask
        }
        slots[index] = Slot(key: key, merge: merge)
    }

    /// Both ids in one number.
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot where the search for a key starts.
    private func firstSlot(of key: UInt64) -> Int {
        let mixed = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: (mixed ^ (mixed >> 32)) & UInt64(mask))
    }
}
