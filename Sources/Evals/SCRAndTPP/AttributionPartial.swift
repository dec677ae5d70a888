import EvalKit

/// What one unit of SCR or TPP covers.
public enum AttributionUnit: Codable, Sendable, Hashable {
    /// The probes of a dataset or pair and their accuracies on the model's own activations.
    case probes(AttributionRun)
    /// The effects of some latents of one autoencoder on those probes; for wide autoencoders alone.
    case effects(AttributionRun, latents: Range<Int>)
    /// Ablations of one autoencoder's latents on a dataset or pair, and the effects that say which,
    /// unless units of their own have found them.
    case ablations(AttributionRun)
    /// Everything for one autoencoder, with one generator in SAE Bench's order.
    case upstream

    /// The names in journals. Journals in which units of probes did not keep the probes called them
    /// `probes`.
    enum CodingKeys: String, CodingKey {
        case probes = "trained_probes"
        case effects, ablations, upstream
    }
}

/// A dataset, or for SCR a pair of its classes.
public struct AttributionRun: Codable, Sendable, Hashable {
    /// The dataset's id in the config.
    public var dataset: String
    /// The two classes of the pair; nil for TPP.
    public var pair: [String]?

    init(dataset: String, pair: [String]? = nil) {
        (self.dataset, self.pair) = (dataset, pair)
    }

    /// The name as SAE Bench makes it.
    var name: String {
        guard let pair else { return "\(dataset)_tpp" }
        return (["\(dataset)_scr"] + pair).joined(separator: "_")
    }
}

/// What one unit yields for one autoencoder.
public struct AttributionPartial: Codable, Sendable, Equatable {
    /// Accuracies on the model's own activations; empty where another unit gives them.
    public var probes: [ProbeAccuracies]
    /// Accuracies after ablations; empty where another unit gives them.
    public var ablations: [AblationAccuracies]
    /// The probes themselves, for the units that depend on them.
    public var trained: TrainedProbes?
    /// The largest effects among some latents.
    public var effects: RankedEffects?

    init(
        probes: [ProbeAccuracies] = [], ablations: [AblationAccuracies] = [],
        trained: TrainedProbes? = nil, effects: RankedEffects? = nil
    ) {
        (self.probes, self.ablations) = (probes, ablations)
        (self.trained, self.effects) = (trained, effects)
    }
}

/// The probes of a run as ablations take them, to the bit.
public struct TrainedProbes: Codable, Sendable, Equatable {
    /// What they were trained on.
    public var run: AttributionRun
    /// `[probes, model]`, one row for each name that is ablated.
    public var weights: PackedFloats
    /// `[probes]`.
    public var biases: PackedFloats
    /// Logits of the test texts, in ascending order, on the model's own activations:
    /// `[probes, test texts]`.
    public var logits: PackedFloats
}

/// Accuracies of a run's probes on the model's own activations.
public struct ProbeAccuracies: Codable, Sendable, Equatable {
    /// What the probes were trained on.
    public var run: AttributionRun
    /// Names of the evaluations as SAE Bench makes them: a class for its own probe on its own data,
    /// `A probe on B data` for that of another.
    public var evaluations: [String]
    /// One for each evaluation.
    public var accuracies: [Double]

    init(run: AttributionRun, evaluations: [String], accuracies: [Double]) {
        (self.run, self.evaluations, self.accuracies) = (run, evaluations, accuracies)
    }
}

/// Accuracies of a run's probes after ablations of an autoencoder's latents.
public struct AblationAccuracies: Codable, Sendable, Equatable {
    /// What the probes were trained on.
    public var run: AttributionRun
    /// The classes whose latents are ablated, in SAE Bench's order.
    public var ablated: [AblatedClass]

    init(run: AttributionRun, ablated: [AblatedClass]) {
        (self.run, self.ablated) = (run, ablated)
    }
}

/// Ablations of the latents with the largest effects on one class's probe.
public struct AblatedClass: Codable, Sendable, Equatable {
    /// The class as SAE Bench names it in results.
    public var name: String
    /// One for each of the settings' numbers of latents.
    public var levels: [AblationLevel]

    init(name: String, levels: [AblationLevel]) { (self.name, self.levels) = (name, levels) }
}

/// One ablation.
public struct AblationLevel: Codable, Sendable, Equatable {
    /// How many latents were asked for.
    public var n: Int
    /// How many were ablated: no more than have an effect.
    public var latents: Int
    /// For each evaluation the accuracy by SAE Bench's rules: other negatives each time, and what
    /// latents make of masked positions counted.
    public var accuracies: [Double]
    /// The same on the negatives of the clean accuracies and without masked positions.
    public var pairedAccuracies: [Double]

    init(n: Int, latents: Int, accuracies: [Double], pairedAccuracies: [Double]) {
        (self.n, self.latents) = (n, latents)
        (self.accuracies, self.pairedAccuracies) = (accuracies, pairedAccuracies)
    }
}
