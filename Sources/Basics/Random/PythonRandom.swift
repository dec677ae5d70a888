import Foundation

/// The generator of CPython's module `random`, bit for bit.
public struct PythonRandom: Sendable {
    private var twister: MersenneTwister

    /// As after `random.seed(seed)` with an integer, whose sign does not count.
    public init(seed: Int) {
        let size = seed.magnitude
        var key = [UInt32(truncatingIfNeeded: size)]
        if size > UInt(UInt32.max) { key.append(UInt32(truncatingIfNeeded: size >> 32)) }
        twister = MersenneTwister(key: key)
    }

    /// `random()`: a number in `0..<1` with 53 bits.
    public mutating func random() -> Double {
        let high = Double(twister.next() >> 5)
        return (high * 67_108_864 + Double(twister.next() >> 6)) / 9_007_199_254_740_992
    }

    /// `getrandbits(count)`.
    ///
    /// - Parameter count: At most 64.
    public mutating func bits(_ count: Int) -> UInt64 {
        precondition((0...64).contains(count), "\(count) random bits")
        guard count > 0 else { return 0 }
        guard count > 32 else { return UInt64(twister.next() >> UInt32(32 - count)) }
        let low = UInt64(twister.next())
        return UInt64(twister.next() >> UInt32(64 - count)) << 32 | low
    }

    /// A number below a limit: draws of as many bits as the limit has, until one is below it.
    public mutating func integer(below limit: Int) -> Int {
        precondition(limit > 0, "a random integer below \(limit)")
        let width = Int.bitWidth - limit.leadingZeroBitCount
        while true {
            let draw = bits(width)
            if draw < UInt64(limit) { return Int(draw) }
        }
    }

    /// `choice(items)`.
    public mutating func choice<Item>(_ items: [Item]) -> Item {
        items[integer(below: items.count)]
    }

    /// `shuffle(items)`.
    public mutating func shuffle<Item>(_ items: inout [Item]) {
        for i in stride(from: items.count - 1, to: 0, by: -1) {
            items.swapAt(i, integer(below: i + 1))
        }
    }

    /// `sample(items, count)`: some items in random order, without replacement.
    ///
    /// - Parameter count: At most the number of items.
    public mutating func sample<Item>(_ items: [Item], _ count: Int) -> [Item] {
        precondition(count <= items.count, "a sample of \(count) from \(items.count) items")
        // Python keeps a list of what is left, or a set of what is taken, whichever is smaller by
        // its own estimate; they consume draws differently.
        var setSize = 21.0
        if count > 5 { setSize += pow(4, (log(Double(count * 3)) / log(4.0)).rounded(.up)) }
        guard Double(items.count) > setSize else {
            var left = items
            return (0..<count).map { i in
                let index = integer(below: items.count - i)
                let item = left[index]
                left[index] = left[items.count - i - 1]
                return item
            }
        }
        var taken: Set<Int> = []
        return (0..<count).map { _ in
            var index = integer(below: items.count)
            while !taken.insert(index).inserted { index = integer(below: items.count) }
            return items[index]
        }
    }
}
