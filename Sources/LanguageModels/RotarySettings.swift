import Basics
import Glibc

/// What a config says about rotary position embedding.
struct RotarySettings: Sendable, Equatable {
    /// Base of the geometric row of frequencies.
    var base: Double
    /// Share of each head that is rotated.
    var fraction: Double
    /// How frequencies are stretched for longer rows.
    var scaling: RotaryScaling
    /// Elements of a head.
    var headSize: Int
    /// Elements of a head that are rotated, an even number.
    var rotarySize: Int

    /// The kinds of layers that may have settings of their own.
    enum LayerType: String, CaseIterable {
        /// Attention over all positions before.
        case full = "full_attention"
        /// Attention over a window.
        case sliding = "sliding_attention"
    }

    /// Reads the spellings of transformers 4 and 5, which must agree where both stand.
    ///
    /// transformers 4: `rope_theta` or `rotary_emb_base`, `rotary_pct` or `partial_rotary_factor`,
    /// and `rope_scaling`; for sliding layers `rope_local_base_freq` and no scaling.
    /// transformers 5: `rope_parameters` with `rope_type`, `rope_theta`, `partial_rotary_factor`
    /// and what the type needs; one such object for each kind of layer where they differ.
    ///
    /// - Parameter layerType: the kind of layer where kinds have settings of their own, else nil.
    /// - Throws: ``LanguageModelError`` when two spellings disagree, the scaling is not known, or
    ///   the rotated share of a head is no even number of elements.
    init(
        _ config: ModelConfig, headSize: Int, base defaultBase: Double,
        fraction defaultFraction: Double = 1, layerType: LayerType? = nil
    ) throws(LanguageModelError) {
        let baseKeys =
            layerType == .sliding ? ["rope_local_base_freq"] : ["rope_theta", "rotary_emb_base"]
        var bases: [Double?] = []
        for key in baseKeys { bases.append(try config.positive(ifPresent: key)) }
        var fractions = [try config.positive(ifPresent: "rotary_pct")]
        fractions.append(try config.positive(ifPresent: "partial_rotary_factor"))
        var scalings: [RotaryScaling?] = []
        for object in try config.rotaryObjects(layerType) {
            bases.append(try object.positive(ifPresent: "rope_theta"))
            fractions.append(try object.positive(ifPresent: "partial_rotary_factor"))
            scalings.append(try RotaryScaling(object, in: config))
        }
        base = try Self.only(bases, baseKeys[0], config) ?? defaultBase
        fraction = try Self.only(fractions, "partial_rotary_factor", config) ?? defaultFraction
        scaling = try Self.only(scalings, "rope_scaling", config) ?? .none
        guard fraction <= 1 else {
            throw config.bad("partial_rotary_factor", .number(fraction), allowed: "at most 1")
        }
        (self.headSize, rotarySize) = (headSize, Int(Double(headSize) * fraction))
        guard rotarySize % 2 == 0, rotarySize > 0 else {
            throw LanguageModelError(
                .unsupported,
                "\(config.path): \(rotarySize) of \(headSize) elements of a head are rotated",
                advice: "a model where that number is even and above 0")
        }
    }

    /// `base^(-2 i / rotarySize)`, stretched, in `Float` throughout as transformers computes it.
    var frequencies: [Float] {
        (0..<rotarySize / 2).map { index in
            scaling.applied(
                to: 1 / powf(Float(base), Float(2 * index) / Float(rotarySize)))
        }
    }

    /// The one value among several spellings.
    private static func only<Value: Equatable>(
        _ values: [Value?], _ key: String, _ config: ModelConfig
    ) throws(LanguageModelError) -> Value? {
        let found = values.compactMap { $0 }
        guard let first = found.first(where: { $0 != found[0] }) else { return found.first }
        throw LanguageModelError(
            .badConfig, "\(config.path) gives two values of `\(key)`: \(found[0]) and \(first)",
            advice: "use the config.json that came with the weights")
    }
}

/// How rotary frequencies are stretched so that a model reads longer rows than it was first trained
/// on.
enum RotaryScaling: Sendable, Equatable {
    /// Not at all.
    case none
    /// All frequencies are divided by a factor.
    case linear(factor: Double)
    /// As in Llama 3.1: frequencies that turn less than `low` times within `context` positions are
    /// divided by the factor, those that turn more than `high` times stay, between them both mix.
    case llama3(factor: Double, low: Double, high: Double, context: Double)

    /// The types and the keys that each needs beside `rope_theta`.
    private static let keys = [
        "default": [], "linear": ["factor"],
        "llama3": [
            "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings",
        ],
    ]

    /// Reads an object of the config; no key is overlooked.
    ///
    /// - Throws: ``LanguageModelError`` for another type, a key that the type does not have, or a
    ///   missing one.
    init(_ object: ModelConfig, in config: ModelConfig) throws(LanguageModelError) {
        let types = [object["rope_type"], object["type"]].compactMap { $0 }
        let type = types.first?.text ?? (types.isEmpty ? "default" : "")
        for other in types where other.text.map({ Self.keys[$0] == nil || $0 != type }) ?? true {
            let key = object["rope_type"] == nil ? "type" : "rope_type"
            throw object.unsupported(key, other, allowed: "default, linear or llama3")
        }
        let known = ["rope_type", "type", "rope_theta", "partial_rotary_factor"]
        for member in object.json.members ?? []
        where !member.value.isNull && !(known + (Self.keys[type] ?? [])).contains(member.key) {
            throw object.unsupported(member.key, member.value, allowed: "absent")
        }
        switch type {
        case "linear": self = .linear(factor: try object.number("factor"))
        case "llama3":
            let context = "original_max_position_embeddings"
            let low = try object.number("low_freq_factor")
            let high = try object.number("high_freq_factor")
            guard high > low else {
                throw object.bad("high_freq_factor", .number(high), allowed: "above \(low)")
            }
            var fallback = try config.positive(ifPresent: context)
            if fallback == nil {
                fallback = try config.positive(ifPresent: "max_position_embeddings")
            }
            let own = try object.positive(ifPresent: context)
            guard let length = own ?? fallback else {
                throw config.bad(context, .null, allowed: "a number above 0")
            }
            let factor = try object.number("factor")
            self = .llama3(factor: factor, low: low, high: high, context: length)
        default: self = .none
        }
    }

    /// A frequency after stretching.
    func applied(to frequency: Float) -> Float {
        switch self {
        case .none: return frequency
        case .linear(let factor): return frequency / Float(factor)
        case .llama3(let factor, let low, let high, let context):
            let wavelength = Float(2 * Double.pi) / frequency
            if wavelength < Float(context / high) { return frequency }
            if wavelength > Float(context / low) { return frequency / Float(factor) }
            let share = (Float(context) / wavelength - Float(low)) / Float(high - low)
            return (1 - share) * frequency / Float(factor) + share * frequency
        }
    }
}

// MARK: - Reading

extension ModelConfig {
    /// The objects that speak of rotary embedding in one kind of layer.
    fileprivate func rotaryObjects(_ layerType: RotarySettings.LayerType?)
        throws(LanguageModelError) -> [ModelConfig]
    {
        var objects: [ModelConfig] = []
        if let parameters = try object(ifPresent: "rope_parameters") {
            if let layerType {
                let known = RotarySettings.LayerType.allCases.map(\.rawValue)
                for member in parameters.json.members ?? [] where !known.contains(member.key) {
                    throw parameters.unsupported(
                        member.key, member.value, allowed: "absent beside \(known[0])")
                }
                if let own = try parameters.object(ifPresent: layerType.rawValue) {
                    objects.append(own)
                }
            } else {
                objects.append(parameters)
            }
        }
        if layerType != .sliding, let scaling = try object(ifPresent: "rope_scaling") {
            objects.append(scaling)
        }
        return objects
    }
}
