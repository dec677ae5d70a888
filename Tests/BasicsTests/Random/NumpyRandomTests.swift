import Basics
import Testing

struct NumpyRandomTests {
    @Test("The legacy generator gives NumPy's words and permutations")
    func legacy() {
        var generator = NumpyRandomState(seed: 42)
        #expect(
            (0..<3).map { _ in generator.next() } == [
                1_608_637_542, 3_421_126_067, 4_083_286_876,
            ])
        var fresh = NumpyRandomState(seed: 42)
        #expect(fresh.permutation(10) == [8, 1, 5, 0, 7, 2, 9, 4, 3, 6])
    }

    @Test("A choice without replacement is the beginning of a permutation")
    func choice() {
        var generator = NumpyRandomState(seed: 5)
        #expect(
            generator.choice(6, of: Array(100..<120)) == [102, 105, 117, 119, 112, 101])
        #expect(generator.permutation(7) == [6, 0, 5, 2, 4, 1, 3])
    }

    @Test("Rows of a frame are sampled as pandas does")
    func frames() {
        #expect(NumpyRandomState.sample(4, ofRows: 10, seed: 42) == [8, 1, 5, 0])
        #expect(
            NumpyRandomState.sample(10, ofRows: 1000, seed: 42) == [
                521, 737, 740, 660, 411, 678, 626, 513, 859, 136,
            ])
        #expect(NumpyRandomState.sample(5, ofRows: 33, seed: 9) == [4, 19, 9, 13, 11])
    }

    @Test("The new generator gives NumPy's words for small and large seeds")
    func words() {
        var generator = NumpyGenerator(seed: 42)
        #expect(
            (0..<3).map { _ in generator.next() } == [
                14_276_969_152_011_380_360, 8_095_878_257_575_067_585, 15_838_336_090_824_644_132,
            ])
        var large = NumpyGenerator(seed: 1 << 40 + 5)
        #expect(
            (0..<2).map { _ in large.next() } == [
                87_427_594_128_977_387, 6_872_972_437_549_564_694,
            ])
    }

    @Test("Lists are shuffled as by the new generator, one after the other")
    func shuffles() {
        var generator = NumpyGenerator(seed: 42)
        var (first, second) = (Array(0..<12), Array(0..<12))
        generator.shuffle(&first)
        generator.shuffle(&second)
        #expect(first == [0, 7, 6, 9, 11, 3, 5, 2, 4, 10, 1, 8])
        #expect(second == [5, 11, 2, 4, 9, 7, 1, 8, 6, 10, 3, 0])
        var other = NumpyGenerator(seed: 3)
        var (one, many) = ([0], Array(0..<17))
        other.shuffle(&one)
        other.shuffle(&many)
        #expect(many == [10, 13, 3, 16, 11, 8, 12, 15, 1, 2, 14, 0, 9, 4, 7, 6, 5])
    }

    @Test("The order of a dataset's shards is that of a shuffled list")
    func shards() {
        var generator = NumpyGenerator(seed: 42)
        var order = Array(0..<21)
        generator.shuffle(&order)
        #expect(
            order == [
                16, 10, 15, 20, 12, 14, 7, 6, 9, 3, 0, 17, 5, 11, 19, 2, 4, 18, 1, 13, 8,
            ])
    }
}
