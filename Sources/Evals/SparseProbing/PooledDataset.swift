import Activations
import Basics
import Corpora
import EvalKit
import Probes

/// The texts of a dataset, one row of features each, and which rows belong to which class.
struct PooledDataset: Sendable {
    /// `[texts, features]`.
    let features: FeatureRows
    /// Names in the order of the dataset.
    let classes: [String]
    /// Rows of the training texts of each class.
    private let train: [[Int]]
    /// Rows of the test texts of each class.
    private let test: [[Int]]

    /// Pools the latents of an autoencoder, or without one the model's activations.
    ///
    /// - Throws: ``EvaluationError`` when there are fewer than two classes, or others in training
    ///   than in test texts.
    init(_ request: TextRequest, of subject: SubjectIndex?, in context: any EvaluationContext)
        throws
    {
        let rows = try context.texts(request)
        classes = rows.groups(.train).map(\.name)
        let testClasses = rows.groups(.test).map(\.name)
        guard classes.count > 1, classes == testClasses else {
            throw EvaluationError(
                .unsuitable,
                "`\(request.dataset)` has the classes \(classes) to train and \(testClasses) to "
                    + "test on",
                advice: "choose two classes or more that have enough texts of both")
        }
        train = rows.groups(.train).map(\.texts)
        test = rows.groups(.test).map(\.texts)
        features =
            if let subject { try context.pooledLatents(request, of: subject) } else {
                try context.pooledActivations(request)
            }
    }

    /// The texts of a class against as many of the others.
    func task(_ split: TextRows.Split, of classIndex: Int, using generator: inout TorchGenerator)
        -> ProbeTask
    {
        sampledTask(of: classIndex, among: split == .train ? train : test, using: &generator)
    }
}
