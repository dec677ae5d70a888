import Basics

extension AutoencoderReference {
    /// A note when the measured L0 tells that the threshold of batch top-k is not the one that
    /// training tracked; nil when it agrees, or when the file holds no such threshold.
    ///
    /// The threshold keeps k latents for each token on average. Versions of SAELens before 6.54
    /// left it as it was when they folded the factor on the activations into the weights, so that
    /// in files of theirs it is off by that factor.
    ///
    /// - Source: `BatchTopKTrainingSAE.fold_activation_norm_scaling_factor` of SAELens 6.54.12 and
    ///   issue 763 of SAELens.
    /// - Parameter l0: the mean number of active latents for each token.
    public func thresholdNote(l0: Double) -> String? {
        guard let k = specification.trackedK, k > 0, l0.isFinite else { return nil }
        let ratio = l0 / Double(k)
        guard ratio > Self.largestRatio || ratio < 1 / Self.largestRatio else { return nil }
        return
            "The mean L0 is \(rounded(l0)), and batch top-k was trained to keep \(k): its threshold "
            + "may be off by the factor that activations were scaled by in training, as in files "
            + "of SAELens before 6.54."
    }

    /// By how much L0 and k may differ; other texts than those of training move L0 by a few tenths.
    private static let largestRatio = 1.5

    /// A number with two decimals.
    private func rounded(_ value: Double) -> String {
        JSON.number((value * 100).rounded() / 100).text()
    }
}
