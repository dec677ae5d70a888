/// NumPy's `numpy.random.default_rng(seed)`, bit for bit: PCG64 seeded by a `SeedSequence`.
///
/// - Source: O'Neill 2014 for PCG XSL-RR 128/64; seeding as in NumPy's `SeedSequence`.
public struct NumpyGenerator: Sendable {
    private var state: UInt128
    private let increment: UInt128
    /// The high half of the last output, when its low half alone was used.
    private var pending: UInt32?

    private static let multiplier: UInt128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645

    /// As `default_rng(seed)`.
    public init(seed: UInt64) {
        let words = SeedSequence(seed: seed).words64(4)
        increment = (UInt128(words[2]) << 64 | UInt128(words[3])) << 1 | 1
        state = 0
        advance()
        state &+= UInt128(words[0]) << 64 | UInt128(words[1])
        advance()
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        advance()
        let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
        let turn = UInt64(truncatingIfNeeded: state >> 122)
        return folded >> turn | folded << ((64 - turn) & 63)
    }

    /// The next 32 bits: the low half of an output, then its high half.
    public mutating func next32() -> UInt32 {
        if let high = pending {
            pending = nil
            return high
        }
        let both = next()
        pending = UInt32(truncatingIfNeeded: both >> 32)
        return UInt32(truncatingIfNeeded: both)
    }

    /// `shuffle(items)` of a list.
    public mutating func shuffle<Item>(_ items: inout [Item]) {
        for i in stride(from: items.count - 1, to: 0, by: -1) {
            let mask = UInt32.max >> UInt32(UInt32(i).leadingZeroBitCount)
            var draw = next32() & mask
            while draw > UInt32(i) { draw = next32() & mask }
            items.swapAt(i, Int(draw))
        }
    }

    /// One step of the underlying sequence.
    private mutating func advance() { state = state &* Self.multiplier &+ increment }
}

/// NumPy's way from a seed to the state of a generator.
private struct SeedSequence {
    /// Four mixed words.
    private var pool: [UInt32] = []

    init(seed: UInt64) {
        var entropy = [UInt32(truncatingIfNeeded: seed)]
        if seed > UInt64(UInt32.max) { entropy.append(UInt32(truncatingIfNeeded: seed >> 32)) }
        var constant: UInt32 = 0x43B0_D7E5
        for i in 0..<4 {
            pool.append(
                Self.hashed(i < entropy.count ? entropy[i] : 0, &constant, step: 0x931E_8875))
        }
        for source in 0..<4 {
            for target in 0..<4 where target != source {
                let hash = Self.hashed(pool[source], &constant, step: 0x931E_8875)
                let mixed = 0xCA01_F9DD &* pool[target] &- 0x4973_F715 &* hash
                pool[target] = mixed ^ mixed >> 16
            }
        }
    }

    /// Output words, each from two of 32 bits, the low one first.
    func words64(_ count: Int) -> [UInt64] {
        var constant: UInt32 = 0x8B51_F9DD
        let words = (0..<2 * count).map { i in
            Self.hashed(pool[i % 4], &constant, step: 0x58F3_8DED)
        }
        return (0..<count).map { UInt64(words[2 * $0]) | UInt64(words[2 * $0 + 1]) << 32 }
    }

    /// One word hashed by a constant that moves on.
    private static func hashed(_ word: UInt32, _ constant: inout UInt32, step: UInt32) -> UInt32 {
        var value = word ^ constant
        constant = constant &* step
        value = value &* constant
        return value ^ value >> 16
    }
}
