/// The random numbers of torch on the CPU, bit for bit.
///
/// Each call takes as many draws as torch does, so that a sequence of calls gives the numbers of the
/// same sequence in torch.
///
/// - Source: behaviour of torch 2.15, checked by `Tests/Fixtures/random`.
public struct TorchGenerator: Sendable {
    private var twister: MersenneTwister
    /// Records permutations when set.
    public var trace: PermutationTrace?

    /// As after `torch.manual_seed`, of which the low 32 bits count.
    public init(seed: UInt64) { twister = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed)) }

    /// A stream of its own for one purpose; streams with different names are independent.
    ///
    /// - Parameters:
    ///   - seed: The run's seed.
    ///   - stream: Name of the purpose, such as `tpp.ag_news.1.train`.
    public init(seed: Int, stream: String) {
        let hash = ContentHash.of(parts: [("seed", "\(seed)"), ("stream", stream)])
        // The hash consists of hexadecimal digits.
        self.init(seed: UInt64(hash.hex.prefix(8), radix: 16) ?? 0)
    }

    /// The next 32 bits.
    public mutating func next() -> UInt32 { twister.next() }

    /// The next 64 bits, the high half first.
    public mutating func next64() -> UInt64 {
        let high = UInt64(twister.next())
        return high << 32 | UInt64(twister.next())
    }

    /// `torch.randperm(count)`: the numbers below a count in random order.
    ///
    /// - Parameter count: Below 2³² / 20, where torch changes to another rule.
    /// - Cost: `count - 1` draws.
    public mutating func permutation(_ count: Int) -> [Int] {
        precondition((0..<214_748_364).contains(count), "permutation of \(count) numbers")
        var result = Array(0..<count)
        result.withUnsafeMutableBufferPointer { numbers in
            for i in 0..<max(0, count - 1) {
                let offset = Int(twister.next() % UInt32(truncatingIfNeeded: count - i))
                let other = numbers[i + offset]
                numbers[i + offset] = numbers[i]
                numbers[i] = other
            }
        }
        trace?.append(result)
        return result
    }

    /// `torch.randint(0, limit, (count,))`.
    ///
    /// - Parameter limit: In `1..<2²⁸`, beyond which builds of torch differ.
    public mutating func integers(_ count: Int, below limit: Int) -> [Int] {
        precondition((1..<1 << 28).contains(limit), "integers below \(limit)")
        return (0..<count).map { _ in Int(twister.next() % UInt32(limit)) }
    }

    /// `torch.empty((), dtype=torch.int64).random_()`: a number of 63 bits.
    public mutating func integer63() -> Int64 { Int64(next64() & UInt64(Int64.max)) }

    /// `torch.rand(count)`: numbers in `0..<1`, multiples of 2⁻²⁴.
    public mutating func uniforms(_ count: Int) -> [Float] {
        (0..<count).map { _ in unit() }
    }

    /// Numbers between two bounds, as `Tensor.uniform_` draws them.
    public mutating func uniforms(_ count: Int, from: Double, to: Double) -> [Float] {
        let (low, high) = (Float(from), Float(to))
        return (0..<count).map { _ in
            low.addingProduct(unit(), high - low)
        }
    }

    /// The initial weights and bias of `torch.nn.Linear(inputs, 1)`.
    ///
    /// - Source: He et al. 2015 as torch sets it up: uniform in ±√3 · gain / √inputs with a gain of
    ///   √(2 / (1 + √5²)) for weights, in torch's order of operations, and ±1 / √inputs for the bias.
    public mutating func linearLayer(inputs: Int) -> (weights: [Float], bias: Float) {
        precondition(inputs > 0, "a linear layer without inputs")
        let root = Double(inputs).squareRoot()
        let slope = 5.0.squareRoot()
        let bound = 3.0.squareRoot() * ((2 / (1 + slope * slope)).squareRoot() / root)
        let weights = uniforms(inputs, from: -bound, to: bound)
        return (weights, uniforms(1, from: -1 / root, to: 1 / root)[0])
    }

    /// A number in `0..<1` from one draw.
    private mutating func unit() -> Float { Float(twister.next() & 0xFF_FFFF) * 0x1p-24 }
}
