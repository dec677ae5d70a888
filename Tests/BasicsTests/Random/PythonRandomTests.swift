import Basics
import Testing

struct PythonRandomTests {
    @Test("A sequence of calls gives Python's numbers of the same sequence")
    func sequence() {
        var generator = PythonRandom(seed: 42)
        #expect(
            generator.sample(Array(0..<1000), 10) == [
                654, 114, 25, 759, 281, 250, 228, 142, 754, 104,
            ])
        var items = Array(0..<10)
        generator.shuffle(&items)
        #expect(items == [3, 2, 4, 9, 5, 7, 0, 6, 1, 8])
        #expect((0..<5).map { _ in generator.choice(Array(0..<100)) } == [71, 25, 91, 83, 89])
        #expect(
            (0..<3).map { _ in generator.random() } == [
                0.5449414806032167, 0.2204406220406967, 0.5892656838759087,
            ])
        #expect(
            (0..<3).map { _ in generator.bits(32) } == [3_476_477_323, 3_733_616_459, 27_911_967])
    }

    @Test("Lists are shuffled as in Python, one after the other")
    func shuffles() {
        var generator = PythonRandom(seed: 42)
        var (first, second) = (Array(0..<10), Array(0..<10))
        generator.shuffle(&first)
        generator.shuffle(&second)
        #expect(first == [7, 3, 2, 8, 5, 6, 9, 4, 0, 1])
        #expect(second == [3, 5, 2, 4, 1, 8, 7, 0, 6, 9])
    }

    @Test("A negative seed above 32 bits gives Python's numbers")
    func bigSeed() {
        var generator = PythonRandom(seed: -(1 << 40 + 5))
        #expect(generator.bits(50) == 582_000_299_675_940)
        #expect(generator.bits(32) == 1_153_647_273)
        #expect(generator.bits(5) == 21)
    }

    @Test("Samples follow the rule that Python chooses by size")
    func samples() {
        var generator = PythonRandom(seed: 0)
        #expect(generator.random() == 0.8444218515250481)
        // A range of a thousand million numbers in Python; the same draws.
        #expect(
            (0..<3).map { _ in generator.integer(below: 1_000_000_000) } == [
                813_847_339, 955_892_128, 451_585_301,
            ])
        #expect(generator.sample(Array(0..<30), 6) == [1, 8, 16, 15, 12, 9])
        #expect(generator.sample(Array(0..<86), 6) == [61, 45, 74, 27, 64, 17])
        #expect(generator.sample(Array(0..<85), 6) == [36, 17, 12, 79, 32, 68])
    }
}
