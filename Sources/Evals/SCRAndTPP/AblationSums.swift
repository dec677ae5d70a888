import Probes

/// What ablations take from the logits of probes, for several choices of latents.
struct AblationSums {
    private let probes: Int
    private let texts: Int
    /// `[choices][probes][texts]`.
    private var values: [Double]
    /// `[choices][probes]`, for one masked position to each stored one.
    private var leaks: [Double]

    /// - Parameters:
    ///   - products: `[latents][probes]`.
    ///   - texts: rows of the latents for which sums are wanted.
    /// - Cost: one look at each stored value of the texts, and one product for each probe and choice
    ///   that takes a latent.
    init(
        choices: [[Int]], latents: FeatureRows, products: [Double],
        leak: [(latent: Int, value: Double)], texts: [Int]
    ) {
        (probes, self.texts) = (products.count / latents.columns, latents.count)
        // One bit for each choice that takes a latent; 32 choices at a time.
        values = [Double](repeating: 0, count: choices.count * probes * latents.count)
        leaks = [Double](repeating: 0, count: choices.count * probes)
        for first in stride(from: 0, to: choices.count, by: UInt32.bitWidth) {
            var takers = [UInt32](repeating: 0, count: latents.columns)
            for (bit, choice) in choices.dropFirst(first).prefix(UInt32.bitWidth).enumerated() {
                for latent in choice { takers[latent] |= 1 << UInt32(bit) }
            }
            for (latent, value) in leak {
                Self.add(
                    value, latent, takers[latent], products, probes, to: &leaks,
                    at: first * probes)
            }
            add(latents, takers: takers, products: products, texts: texts, first: first)
        }
    }

    /// Adds up what each text's latents give.
    private mutating func add(
        _ latents: FeatureRows, takers: [UInt32], products: [Double], texts: [Int], first: Int
    ) {
        let choices = min(UInt32.bitWidth, leaks.count / max(1, probes) - first)
        var sums = [Double](repeating: 0, count: choices * probes)
        for text in texts {
            for slot in sums.indices { sums[slot] = 0 }
            latents.indices.withUnsafeBufferPointer { indices in
                takers.withUnsafeBufferPointer { takers in
                    for entry in latents.starts[text]..<latents.starts[text + 1] {
                        let latent = Int(indices[entry])
                        if takers[latent] == 0 { continue }
                        Self.add(
                            Double(latents.values[entry]), latent, takers[latent], products,
                            probes, to: &sums, at: 0)
                    }
                }
            }
            for slot in sums.indices {
                values[(first * probes + slot) * self.texts + text] = sums[slot]
            }
        }
    }

    /// Adds the products of one latent to the sums of the choices that take it.
    private static func add(
        _ value: Double, _ latent: Int, _ takers: UInt32, _ products: [Double], _ probes: Int,
        to sums: inout [Double], at start: Int
    ) {
        var bits = takers
        while bits != 0 {
            let choice = bits.trailingZeroBitCount
            for probe in 0..<probes {
                sums[start + choice * probes + probe] += value * products[latent * probes + probe]
            }
            bits &= bits - 1
        }
    }

    /// What an ablation takes from a probe's logit of a text, masked positions left out.
    func value(_ choice: Int, probe: Int, text: Int) -> Double {
        values[(choice * probes + probe) * texts + text]
    }

    /// What it takes for one masked position to each stored one.
    func leak(_ choice: Int, probe: Int) -> Double { leaks[choice * probes + probe] }
}
