import Basics
import Testing

struct TorchGeneratorTests {
    @Test("A sequence of calls gives torch's numbers of the same sequence")
    func sequence() {
        var generator = TorchGenerator(seed: 42)
        #expect(generator.permutation(10) == [2, 6, 1, 8, 4, 5, 0, 9, 3, 7])
        #expect(
            Array(generator.permutation(1000).prefix(16)) == [
                113, 41, 514, 864, 478, 696, 92, 105, 751, 479, 536, 83, 624, 860, 985, 314,
            ])
        #expect(generator.integers(8, below: 777) == [408, 142, 38, 671, 18, 275, 196, 343])
        let layer = generator.linearLayer(inputs: 8)
        #expect(
            layer.weights == [
                -0.24835143983364105, 0.11285316199064255, 0.20095612108707428,
                0.19631411135196686,
                -0.3293072283267975, -0.1349174529314041, -0.3039023280143738, -0.2237326204776764,
            ])
        #expect(layer.bias == 0.1969231814146042)
        #expect(generator.integer63() == 6_948_178_042_539_105_521)
        #expect(
            generator.uniforms(4) == [
                0.20649683475494385, 0.5759799480438232, 0.1975710391998291, 0.7499459981918335,
            ])
    }

    @Test("Two long permutations are torch's")
    func longPermutations() {
        var generator = TorchGenerator(seed: 42)
        #expect(
            Array(generator.permutation(2000).prefix(8)) == [
                1542, 1486, 252, 1959, 410, 190, 1488, 1520,
            ])
        #expect(
            Array(generator.permutation(4000).prefix(8)) == [
                1328, 2721, 2335, 1742, 3639, 2275, 3856, 3120,
            ])
    }

    @Test("A layer's weights and bias take one draw each")
    func layer() {
        var generator = TorchGenerator(seed: 42)
        let layer = generator.linearLayer(inputs: 4)
        #expect(
            layer.weights == [
                0.3822692632675171, 0.4150039553642273, -0.11713624000549316, 0.45930564403533936,
            ])
        #expect(layer.bias == -0.10955178737640381)
        #expect(generator.permutation(5) == [0, 1, 4, 3, 2])
    }

    @Test("Layers of other widths are torch's to the last bit")
    func widths() {
        var generator = TorchGenerator(seed: 7)
        let layer = generator.linearLayer(inputs: 67)
        #expect(
            Array(layer.weights.prefix(3)) == [
                0.008532934822142124, -0.0735940933227539, 0.03890160843729973,
            ])
        #expect(
            Array(layer.weights.suffix(2)) == [0.004783370532095432, -0.06971100717782974])
        #expect(layer.bias == -0.053355589509010315)
        let wide = generator.linearLayer(inputs: 512)
        let sum = wide.weights.reduce(0) { $0 + Double($1) }
        #expect(abs(sum + 0.1937539100763388) < 1e-12)
        #expect(wide.bias == -0.026376303285360336)
        #expect(
            generator.integers(3, below: 268_435_455) == [129_577_925, 155_477_836, 228_338_775])
    }

    @Test("Permutations of nothing and of one number take no draw", arguments: [0, 1])
    func small(count: Int) {
        var generator = TorchGenerator(seed: 1)
        var other = generator
        #expect(generator.permutation(count) == Array(0..<count))
        #expect(generator.next() == other.next())
    }

    @Test("Streams differ by name and seed and are repeatable")
    func streams() {
        var first = TorchGenerator(seed: 42, stream: "train")
        var same = TorchGenerator(seed: 42, stream: "train")
        var other = TorchGenerator(seed: 42, stream: "test")
        var seeded = TorchGenerator(seed: 43, stream: "train")
        let draw = first.next64()
        #expect(draw == same.next64())
        #expect(draw != other.next64())
        #expect(draw != seeded.next64())
        var fixed = TorchGenerator(seed: 0, stream: "tpp.ag_news.1.train")
        #expect(fixed.permutation(8) == Self.namedPermutation)
    }

    /// What the stream of ``streams()`` gave when it was made; results on disk rest on it.
    private static let namedPermutation = [0, 2, 1, 7, 4, 5, 6, 3]

    @Test("Only the low 32 bits of a seed count, as in torch")
    func largeSeed() {
        var small = TorchGenerator(seed: 5)
        var large = TorchGenerator(seed: 5 + 1 << 32)
        #expect(small.next() == large.next())
    }

    @Test("A trace holds the permutations of a generator and its copies in order")
    func trace() {
        let trace = PermutationTrace()
        var generator = TorchGenerator(seed: 42)
        generator.trace = trace
        _ = generator.permutation(10)
        var copy = generator
        _ = copy.permutation(1)
        #expect(trace.permutations == [[2, 6, 1, 8, 4, 5, 0, 9, 3, 7], [0]])
    }
}
