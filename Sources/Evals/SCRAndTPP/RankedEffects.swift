import EvalKit
import Probes

/// The latents with the largest effects on each probe among some latents of an autoencoder, as many
/// as are ablated at most.
public struct RankedEffects: Codable, Sendable, Equatable {
    /// The largest effects on one probe.
    public struct Largest: Codable, Sendable, Equatable {
        /// How many of the latents have an effect.
        public var effective: Int
        /// Latents, ascending.
        public var latents: PackedCounts
        /// Their effects.
        public var values: PackedFloats

        /// The largest effects among those of some latents, at most a number of them.
        ///
        /// - Parameters:
        ///   - effects: one for each latent.
        ///   - first: the first of the latents.
        init(of effects: [Float], from first: Int, most: Int) {
            let largest = topFeatures(effects, count: most)
            effective = effects.count { $0 != 0 }
            latents = PackedCounts(largest.map { first + $0 })
            values = PackedFloats(largest.map { effects[$0] })
        }

        /// The union of effects of different latents, in the order of the latents.
        fileprivate init(_ parts: [Largest]) {
            effective = parts.reduce(0) { $0 + $1.effective }
            latents = PackedCounts(parts.flatMap(\.latents.counts))
            values = PackedFloats(parts.flatMap(\.values.values))
        }
    }

    /// What the probes were trained on.
    public var run: AttributionRun
    /// The latents whose effects were compared.
    public var latents: Range<Int>
    /// One for each probe.
    public var probes: [Largest]

    init(run: AttributionRun, latents: Range<Int>, probes: [Largest]) {
        (self.run, self.latents, self.probes) = (run, latents, probes)
    }

    /// The latents to ablate for each probe and each n: those with the largest effects, the lower
    /// latents first among equals, and no more than there are effects. As some effects may be below
    /// 0, latents without effect can be among them.
    ///
    /// What any n asks for is among the largest of some part, so parts and the whole give the same.
    ///
    /// - Parameters:
    ///   - parts: effects of latents that follow one another, in any order.
    ///   - latents: how many the autoencoder has.
    /// - Throws: ``EvaluationError`` when latents or probes are missing.
    static func choices(
        _ parts: [RankedEffects], nValues: [Int], latents: Int, probes: Int
    ) throws(EvaluationError) -> [[[Int]]] {
        let parts = parts.sorted { $0.latents.lowerBound < $1.latents.lowerBound }
        var end = 0
        for part in parts where part.latents.lowerBound == end && part.probes.count == probes {
            end = part.latents.upperBound
        }
        guard end == latents else {
            throw EvaluationError(
                .damagedPartial,
                "The effects of \(latents) latents on \(probes) probes end at latent \(end)",
                advice: "run again with another `output` folder")
        }
        return (0..<probes).map { probe in
            let largest = Largest(parts.map { $0.probes[probe] })
            let ranked = rankedFeatures(largest.values.values, count: largest.effective).map {
                largest.latents.counts[$0]
            }
            return nValues.map { Array(ranked.prefix($0)) }
        }
    }
}
