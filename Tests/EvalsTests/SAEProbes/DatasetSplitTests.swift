import EvalKit
import Testing

@testable import Evals

struct DatasetSplitTests {
    @Test("The small split of the specification comes out")
    func small() throws {
        let split = try DatasetSplit(
            labels: (0..<20).map { $0 % 2 == 1 }, training: 8, test: 6, seed: 42, dataset: "small")
        #expect(split.training == [10, 11, 16, 17, 1, 0, 2, 3])
        #expect(split.test == [5, 18, 14, 8, 9, 19])
    }

    @Test("The large split of the specification comes out")
    func large() throws {
        let labels = (0..<1228).map { $0 >= 614 }
        let split = try DatasetSplit(labels: labels, seed: 42, dataset: "large")
        #expect(split.training.count == 1024 && split.test.count == 203)
        #expect(split.training.starts(with: [1148, 441, 756, 982, 1037, 115]))
        #expect(split.test.starts(with: [22, 634, 716, 373, 1150, 1020]))
    }

    @Test("No text is in both sets, and each holds half of either class", arguments: 0..<20)
    func disjoint(seed: UInt32) throws {
        let labels = (0..<301 + Int(seed)).map { $0 % 2 == 0 }
        let split = try DatasetSplit(labels: labels, seed: seed, dataset: "even")
        #expect(Set(split.training).isDisjoint(with: split.test))
        #expect(Set(split.training + split.test).count == labels.count - 1)
        for set in [split.training, split.test] {
            #expect(set.count { labels[$0] } == (set.count + 1) / 2)
        }
    }

    @Test("A dataset that is too small is an error that names it", arguments: [0, 1, 100, 103])
    func tooSmall(count: Int) throws {
        let error = try #require(throws: EvaluationError.self) {
            try DatasetSplit(
                labels: (0..<count).map { $0 % 2 == 0 }, seed: 0, dataset: "9_tiny")
        }
        #expect(error.message.contains("`9_tiny` has \(count) texts"))
        #expect(error.message.contains("104"))
    }

    @Test("A class with too few texts is an error with both numbers", arguments: [true, false])
    func unbalanced(majority: Bool) throws {
        let labels = (0..<400).map { $0 < 60 ? !majority : majority }
        let error = try #require(throws: EvaluationError.self) {
            try DatasetSplit(labels: labels, seed: 0, dataset: "9_skewed")
        }
        #expect(error.code == .unsuitable)
        #expect(error.message.contains("`9_skewed` has 60 of its 400 texts"))
        #expect(error.message.contains(majority ? "first class" : "second class"))
    }
}
