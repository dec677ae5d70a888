import Basics
import Foundation
import Kernels

/// How a probe is trained by AdamW.
public struct AdamWSettings: Sendable, Equatable {
    /// Factor on the step, as torch's `lr`.
    public var learningRate: Double
    /// Examples of one step; the last step of an epoch takes what is left.
    public var batchSize: Int
    /// The most epochs.
    public var epochs: Int
    /// Epochs in a row without a better test accuracy that end the training.
    public var patience: Int
    /// Weight in the loss of the absolute weights, without the bias; nil for none.
    public var l1Penalty: Double?
    /// Decoupled decay of weights and bias: torch's default.
    static let weightDecay = 0.01

    /// How to train; without `l1Penalty` the loss is the cross-entropy alone.
    public init(
        learningRate: Double, batchSize: Int, epochs: Int, patience: Int, l1Penalty: Double? = nil
    ) {
        (self.learningRate, self.batchSize, self.epochs) = (learningRate, batchSize, epochs)
        (self.patience, self.l1Penalty) = (patience, l1Penalty)
    }

    /// For probes on all channels or latents: sparse probing of SAE Bench 0.6.0.
    public static let allFeatures = AdamWSettings(
        learningRate: 1e-2, batchSize: 250, epochs: 100, patience: 10)

    /// For spurious-correlation removal and targeted probe perturbation of SAE Bench 0.6.0; the
    /// patience cannot run out.
    public static let attribution = AdamWSettings(
        learningRate: 1e-3, batchSize: 16, epochs: 20, patience: 20, l1Penalty: 1e-3)
}

/// A trained probe and how it fared.
public struct AdamWResult: Sendable {
    /// The probe of the epoch with the best test accuracy, the first of equals.
    public var probe: LinearProbe
    /// Its test accuracy, a mean in `float32`. As the test rows chose the epoch, it is too high on
    /// average.
    public var accuracy: Double
    /// The test accuracy after the last epoch, which no choice has touched.
    public var lastAccuracy: Double
    /// Epochs trained.
    public var epochs: Int
}

/// Trains a linear probe with AdamW on the mean binary cross entropy of batches.
///
/// After each epoch the accuracy on the test rows decides whether the probe is kept; see
/// ``AdamWSettings/patience``. Weights and bias start as those of `torch.nn.Linear`, and each epoch
/// visits the examples in the order of one permutation.
///
/// - Shapes: `train` and `test` are `[rows, features]`; the weights are `[features]`.
/// - Source: behaviour of SAE Bench 0.6.0, `float32` in the roundings of torch's CPU loops as far as
///   they are defined: the order of sums in torch's matrix products is not.
/// - Cost: an epoch costs `4` FLOP a stored value of the training rows, `2` a stored value of the
///   test rows and about `15` a feature and batch. Each stored value is read once an epoch from
///   memory.
/// - Throws: ``ProbeError`` for rows that do not fit one another or for values that are not finite.
public func trainedProbe(
    _ train: FeatureRows, _ task: ProbeTask, test: FeatureRows, _ testTask: ProbeTask,
    settings: AdamWSettings, using generator: inout TorchGenerator
) throws -> AdamWResult {
    try check(train, task, test: test, testTask, settings)
    let initial = generator.linearLayer(inputs: train.columns)
    var optimizer = AdamWProbe(weights: initial.weights, bias: initial.bias, settings: settings)
    var best: (probe: LinearProbe, accuracy: Double)?
    var (first, last, waited, epoch) = (LinearProbe?.none, 0.0, 0, 0)
    while epoch < settings.epochs, waited < settings.patience {
        let order = generator.permutation(task.rows.count)
        optimizer.train(train, task, order: order)
        last = accuracy(of: optimizer.probe, on: test, testTask)
        epoch += 1
        if epoch == 1 { first = optimizer.probe }
        if last > best?.accuracy ?? 0 {
            best = (optimizer.probe, last)
            waited = 0
        } else {
            waited += 1
        }
    }
    guard optimizer.isFinite else {
        throw ProbeError(
            .notFinite, "A probe of \(train.columns) features did not stay finite in training",
            advice: "check the activations for values that are not finite")
    }
    // Without a single right answer in any epoch SAE Bench stops; the first epoch stands in.
    return AdamWResult(
        probe: best?.probe ?? first ?? optimizer.probe, accuracy: best?.accuracy ?? 0,
        lastAccuracy: last, epochs: epoch)
}

/// Checks what ``trainedProbe(_:_:test:_:settings:using:)`` is given.
private func check(
    _ train: FeatureRows, _ task: ProbeTask, test: FeatureRows, _ testTask: ProbeTask,
    _ settings: AdamWSettings
) throws(ProbeError) {
    guard train.columns == test.columns else {
        throw ProbeError(
            .wrongShape,
            "Training rows have \(train.columns) features and test rows \(test.columns)")
    }
    guard !task.rows.isEmpty, !testTask.rows.isEmpty else {
        throw ProbeError(
            .outOfRange,
            "A probe has \(task.rows.count) training and \(testTask.rows.count) test examples",
            advice: "give at least one of each")
    }
    guard settings.batchSize > 0, settings.epochs > 0, settings.patience > 0 else {
        throw ProbeError(
            .outOfRange,
            "A probe is to be trained for \(settings.epochs) epochs of batches of "
                + "\(settings.batchSize) with a patience of \(settings.patience)",
            advice: "give numbers above 0")
    }
    try train.check(task)
    try test.check(testTask)
}

/// Parameters, moments and gradient of a probe in training.
private struct AdamWProbe {
    private let settings: AdamWSettings
    /// Weights, then the bias.
    private var parameters: [Float]
    private var gradient: [Float]
    private var first: [Float]
    private var second: [Float]
    private var steps = 0
    private let loops = ProbeLoops()

    init(weights: [Float], bias: Float, settings: AdamWSettings) {
        self.settings = settings
        parameters = weights + [bias]
        gradient = [Float](repeating: 0, count: parameters.count)
        (first, second) = (gradient, gradient)
    }

    /// The probe as it is now.
    var probe: LinearProbe {
        LinearProbe(weights: Array(parameters.dropLast()), bias: parameters[parameters.count - 1])
    }

    var isFinite: Bool { parameters.allSatisfy(\.isFinite) }

    /// One epoch.
    mutating func train(_ rows: FeatureRows, _ task: ProbeTask, order: [Int]) {
        rows.withRows { view in
            for start in stride(from: 0, to: order.count, by: settings.batchSize) {
                let batch = order[start..<min(start + settings.batchSize, order.count)]
                addGradient(of: batch, view, task)
                step(columns: view.columns)
            }
        }
    }

    /// Adds the gradient of the mean loss over a batch: `(σ(logit) - label) / batch` times the row.
    private mutating func addGradient(
        of batch: ArraySlice<Int>, _ view: FeatureRowsView, _ task: ProbeTask
    ) {
        let (columns, share) = (view.columns, Float(batch.count))
        var biasGradient = 0.0
        parameters.withUnsafeBufferPointer { parameters in
            gradient.withUnsafeMutableBufferPointer { gradient in
                guard let weights = parameters.baseAddress, let target = gradient.baseAddress else {
                    return
                }
                for example in batch {
                    let row = task.rows[example]
                    let logit = view.dot(row, weights) + weights[columns]
                    let probability = 1 / (1 + Float(exp(-Double(logit))))
                    let slope = (probability - (task.labels[example] ? 1 : 0)) / share
                    view.add(slope, row, to: target)
                    biasGradient += Double(slope)
                }
            }
        }
        gradient[columns] = Float(biasGradient)
    }

    /// One step with the gradient that has gathered, which becomes 0.
    private mutating func step(columns: Int) {
        steps += 1
        var step = AdamWStep(
            number: steps, learningRate: settings.learningRate,
            weightDecay: AdamWSettings.weightDecay, l1Penalty: settings.l1Penalty ?? 0)
        parameters.withUnsafeMutableBufferPointer { parameters in
            gradient.withUnsafeMutableBufferPointer { gradient in
                first.withUnsafeMutableBufferPointer { first in
                    second.withUnsafeMutableBufferPointer { second in
                        guard let x = parameters.baseAddress, let g = gradient.baseAddress,
                            let m = first.baseAddress, let v = second.baseAddress
                        else { return }
                        loops.adamW(
                            step, count: columns, parameters: x, gradient: g, first: m, second: v)
                        // The penalty leaves the bias out.
                        step.l1Penalty = 0
                        loops.adamW(
                            step, count: 1, parameters: x + columns, gradient: g + columns,
                            first: m + columns, second: v + columns)
                    }
                }
            }
        }
    }
}
