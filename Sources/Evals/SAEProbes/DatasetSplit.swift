import Basics
import EvalKit

/// Texts of a dataset to train and to judge a probe by, both halves of both classes.
struct DatasetSplit: Sendable, Equatable {
    var training: [Int]
    var test: [Int]

    /// Most texts to train on.
    static let mostTraining = 1024
    /// Texts that are not trained on.
    static let leastTest = 100
    /// With fewer there is nothing to choose a penalty by.
    static let leastTraining = 4

    /// The split of a dataset by sae-probes' rule: all but 100 texts train, at most 1024, and all
    /// others but one test.
    ///
    /// - Throws: ``EvaluationError`` that names the dataset, what it holds and what is needed.
    init(labels: [Bool], seed: UInt32, dataset: String) throws(EvaluationError) {
        guard labels.count >= Self.leastTest + Self.leastTraining else {
            throw EvaluationError(
                .unsuitable,
                "Dataset `\(dataset)` has \(labels.count) texts, at least \(Self.leastTest + Self.leastTraining) are needed",
                advice: "add texts or take it off dataset_names")
        }
        let training = min(labels.count - Self.leastTest, Self.mostTraining)
        try self.init(
            labels: labels, training: training, test: labels.count - training - 1, seed: seed,
            dataset: dataset)
    }

    /// A split of given sizes.
    ///
    /// - Source: `get_train_test_indices` of sae-probes 0.4.2 with half of each set positive: four
    ///   draws without replacement, then one permutation of each set.
    init(
        labels: [Bool], training trainingSize: Int, test testSize: Int, seed: UInt32,
        dataset: String
    ) throws(EvaluationError) {
        let sizes = [(trainingSize + 1) / 2, trainingSize / 2, (testSize + 1) / 2, testSize / 2]
        let classes = [true, false].map { label in labels.indices.filter { labels[$0] == label } }
        for (index, name) in ["second", "first"].enumerated() {
            let needed = sizes[index] + sizes[index + 2]
            guard classes[index].count >= needed else {
                throw EvaluationError(
                    .unsuitable,
                    "Dataset `\(dataset)` has \(classes[index].count) of its \(labels.count) texts in the \(name) class, \(needed) are needed for \(trainingSize) training and \(testSize) test texts",
                    advice: "balance its classes or take it off dataset_names")
            }
        }
        var random = NumpyRandomState(seed: seed)
        var (chosen, rest): ([Int], [[Int]]) = ([], [])
        for (rows, size) in zip(classes, sizes) {
            let drawn = random.choice(size, of: rows)
            let taken = Set(drawn)
            chosen += drawn
            rest.append(rows.filter { !taken.contains($0) })
        }
        var judged: [Int] = []
        for (rows, size) in zip(rest, sizes[2...]) { judged += random.choice(size, of: rows) }
        training = random.permutation(of: chosen)
        test = random.permutation(of: judged)
    }
}
