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
    /// The pair in each slot.
    private var keys: [UInt64]
    /// The merge in each slot.
    private var merges: [Merge]
    /// One less than the number of slots, a power of two.
    private let mask: Int
    /// The key of an empty slot; no pair of ids has it.
    private static let vacant = UInt64.max

    /// A table with room for a number of pairs.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = [UInt64](repeating: Self.vacant, count: size)
        merges = [Merge](repeating: Merge(rank: 0, result: 0), count: size)
        mask = size - 1
    }

    /// The merge of a pair.
    subscript(left: Int32, right: Int32) -> Merge? {
        let key = Self.key(left, right)
        var slot = place(of: key)
        while keys[slot] != Self.vacant {
            if keys[slot] == key { return merges[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a merge; a pair that is there already gets the new one.
    ///
    /// The number of pairs must not exceed the capacity.
    mutating func insert(_ merge: Merge, for left: Int32, _ right: Int32) {
        let key = Self.key(left, right)
        var slot = place(of: key)
        while keys[slot] != Self.vacant, keys[slot] != key { slot = (slot + 1) & mask }
        keys[slot] = key
        merges[slot] = merge
    }

    /// Both ids in one number.
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot where the search for a key starts.
    private func place(of key: UInt64) -> Int {
        let mixed = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: (mixed ^ (mixed >> 32)) & UInt64(mask))
    }
}
