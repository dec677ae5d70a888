/// NumPy's legacy generator `numpy.random.RandomState`, bit for bit; pandas samples with it.
public struct NumpyRandomState: Sendable {
    private var twister: MersenneTwister

    /// As `RandomState(seed)`.
    public init(seed: UInt32) { twister = MersenneTwister(seed: seed) }

    /// The next 32 bits.
    public mutating func next() -> UInt32 { twister.next() }

    /// `permutation(count)`.
    public mutating func permutation(_ count: Int) -> [Int] { permutation(of: Array(0..<count)) }

    /// `permutation(items)`: the items in random order.
    public mutating func permutation<Item>(of items: [Item]) -> [Item] {
        var result = items
        for i in stride(from: items.count - 1, to: 0, by: -1) {
            result.swapAt(i, Int(twister.masked(upTo: UInt32(i))))
        }
        return result
    }

    /// `choice(items, count, replace=False)`: the first items of a permutation.
    ///
    /// - Parameter count: At most the number of items.
    public mutating func choice<Item>(_ count: Int, of items: [Item]) -> [Item] {
        precondition(count <= items.count, "\(count) of \(items.count) items without replacement")
        return Array(permutation(of: items).prefix(count))
    }

    /// Rows of `DataFrame.sample(count, random_state=seed)` for a frame of some rows: each call of
    /// pandas builds a generator of its own.
    public static func sample(_ count: Int, ofRows rows: Int, seed: UInt32) -> [Int] {
        var generator = NumpyRandomState(seed: seed)
        return generator.choice(count, of: Array(0..<rows))
    }
}
