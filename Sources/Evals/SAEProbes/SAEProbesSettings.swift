import EvalKit

/// What the evaluation can be told; names and defaults of SAE Bench 0.6.0.
public struct SAEProbesSettings: EvaluationSettings {
    /// Draws the split of every dataset, the folds of its searches and nothing else.
    public var randomSeed = 42
    /// Names of datasets; none means all that sae-probes has.
    public var datasetNames = saeProbesDatasets
    /// The penalty of probes of latents: `l1` or `l2`.
    public var regType = "l1"
    /// How classes are balanced; SAE Bench knows `normal` alone.
    public var setting = "normal"
    /// Numbers of latents that a probe may use.
    public var ks = [1, 2, 5]
    /// Whether a probe sees only which latents are not zero.
    public var binarize = false
    /// Where SAE Bench keeps files of sae-probes; written to the result and not used.
    public var resultsPath = "artifacts/sparse_probing_sae_probes"
    /// Where SAE Bench keeps activations; written to the result and not used.
    public var modelCachePath: String? =
        "artifacts/sparse_probing_sae_probes--model_acts_cache"
    /// Whether to probe the model's own activations too.
    public var includeLlmBaseline = true
    /// How the model's own activations are probed; `logreg` alone is known.
    public var baselineMethod = "logreg"

    public init() {}

    public func validate() throws(EvaluationError) {
        try check(
            "random_seed", "\(randomSeed)", (0...Int(UInt32.max)).contains(randomSeed),
            "0 to 4294967295")
        try check("reg_type", regType, ["l1", "l2"].contains(regType), "l1 or l2")
        try check("setting", setting, setting == "normal", "normal")
        try check("baseline_method", baselineMethod, baselineMethod == "logreg", "logreg")
        try check(
            "ks", "\(ks)", !ks.isEmpty && ks.allSatisfy { $0 > 0 } && Set(ks).count == ks.count,
            "one or more integers above 0, each once")
        if let name = datasetNames.first(where: { name in
            name.isEmpty || datasetNames.count { $0 == name } > 1
        }) {
            try check("dataset_names", "`\(name)`", false, "names that stand there once")
        }
    }

    private func check(
        _ key: String, _ value: String, _ isAllowed: Bool, _ allowed: String
    ) throws(EvaluationError) {
        guard !isAllowed else { return }
        throw EvaluationError(
            .outOfRange, "`sparse_probing_sae_probes.\(key)` is \(value)",
            advice: "give \(allowed)")
    }

    /// The datasets that are evaluated, in order.
    var datasets: [String] { datasetNames.isEmpty ? saeProbesDatasets : datasetNames }
}
