/// The Mersenne twister MT19937: the source of numbers of torch on the CPU, of NumPy's legacy
/// generator and of Python's `random`.
///
/// - Source: Matsumoto and Nishimura 1998, with the seeding of their version of 2002.
public struct MersenneTwister: Sendable {
    private var state: [UInt32]
    private var position = Self.size

    private static let size = 624
    private static let middle = 397

    /// Seeded by one number, as torch and NumPy's legacy generator do: `init_genrand`.
    public init(seed: UInt32) {
        state = [UInt32](repeating: seed, count: Self.size)
        for i in 1..<Self.size {
            let previous = state[i - 1]
            state[i] = 1_812_433_253 &* (previous ^ previous >> 30) &+ UInt32(i)
        }
    }

    /// Seeded by several numbers, as Python's `random` does: `init_by_array`.
    ///
    /// - Parameter key: At least one number.
    public init(key: [UInt32]) {
        precondition(!key.isEmpty, "the key of a Mersenne twister is empty")
        self.init(seed: 19_650_218)
        var (i, j) = (1, 0)
        for _ in 0..<max(Self.size, key.count) {
            state[i] = (state[i] ^ mixed(i) &* 1_664_525) &+ key[j] &+ UInt32(j)
            (i, j) = (advanced(i), (j + 1) % key.count)
        }
        for _ in 0..<Self.size - 1 {
            state[i] = (state[i] ^ mixed(i) &* 1_566_083_941) &- UInt32(i)
            i = advanced(i)
        }
        state[0] = 0x8000_0000
    }

    /// The next 32 bits.
    public mutating func next() -> UInt32 {
        if position == Self.size { refill() }
        var word = state[position]
        position += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9D2C_5680
        word ^= word << 15 & 0xEFC6_0000
        return word ^ word >> 18
    }

    /// What the word before an index adds to it while seeding.
    private func mixed(_ i: Int) -> UInt32 { state[i - 1] ^ state[i - 1] >> 30 }

    /// The index after another while seeding; the last one carries over to the first.
    private mutating func advanced(_ i: Int) -> Int {
        guard i + 1 == Self.size else { return i + 1 }
        state[0] = state[Self.size - 1]
        return 1
    }

    /// Makes the next 624 words.
    private mutating func refill() {
        state.withUnsafeMutableBufferPointer { words in
            for i in 0..<Self.size {
                let next = words[i + 1 < Self.size ? i + 1 : 0]
                let joined = words[i] & 0x8000_0000 | next & 0x7FFF_FFFF
                let other = i + Self.middle
                let partner = words[other < Self.size ? other : other - Self.size]
                words[i] = partner ^ joined >> 1 ^ (joined & 1 == 0 ? 0 : 0x9908_B0DF)
            }
        }
        position = 0
    }

    /// A number in `0...limit`: the low bits of draws, until one is not above the limit.
    ///
    /// - Source: `random_interval` of NumPy, which its legacy shuffles use.
    mutating func masked(upTo limit: UInt32) -> UInt32 {
        guard limit > 0 else { return 0 }
        let mask = UInt32.max >> UInt32(limit.leadingZeroBitCount)
        while true {
            let draw = next() & mask
            if draw <= limit { return draw }
        }
    }
}
