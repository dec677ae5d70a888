import Basics
import Glibc
import Kernels
import Synchronization
import Tensors

/// What a config says about rotary position embedding.
struct RotarySettings: Sendable, Equatable {
    /// Base of the geometric row of frequencies.
    var base: Double
    /// Share of each head that is rotated.
    var fraction: Double
    /// Elements of a head.
    var headSize: Int
    /// Elements of a head that are rotated, an even number.
    var rotarySize: Int

    /// Reads the spellings of transformers 4 and 5; the newer wins where both stand and agree.
    ///
    /// transformers 4: `rope_theta` or `rotary_emb_base`, `rotary_pct` or `partial_rotary_factor`,
    /// and
    /// `rope_scaling`. transformers 5: `rope_parameters` with `rope_type`, `rope_theta` and
    /// `partial_rotary_factor`.
    ///
    /// - Throws: ``LanguageModelError`` when two spellings disagree, the embedding is scaled, or
    ///   the rotated share of a head is no even number of elements.
    init(
        _ config: ModelConfig, headSize: Int, base defaultBase: Double,
        fraction defaultFraction: Double
    ) throws(LanguageModelError) {
        var bases = [try config.positive(ifPresent: "rope_theta")]
        bases.append(try config.positive(ifPresent: "rotary_emb_base"))
        var fractions = [try config.positive(ifPresent: "rotary_pct")]
        fractions.append(try config.positive(ifPresent: "partial_rotary_factor"))
        for key in ["rope_parameters", "rope_scaling"] {
            guard let value = config[key] else { continue }
            let nested = try Self.defaultParameters(value, key: key, config)
            bases.append(try nested.positive(ifPresent: "rope_theta"))
            fractions.append(try nested.positive(ifPresent: "partial_rotary_factor"))
        }
        base = try Self.only(bases, "rope_theta", config) ?? defaultBase
        fraction = try Self.only(fractions, "partial_rotary_factor", config) ?? defaultFraction
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

    /// The nested object, provided that it describes the plain embedding.
    private static func defaultParameters(
        _ value: JSON, key: String, _ config: ModelConfig
    ) throws(LanguageModelError) -> ModelConfig {
        guard let members = value.members else {
            throw config.bad(key, value, allowed: "an object")
        }
        let harmless = ["rope_theta", "partial_rotary_factor", "rope_type", "type"]
        for member in members where !member.value.isNull {
            let isType = member.key == "rope_type" || member.key == "type"
            if isType ? member.value.text != "default" : !harmless.contains(member.key) {
                throw config.unsupported(
                    "\(key).\(member.key)", member.value, allowed: isType ? "`default`" : "absent")
            }
        }
        return try ModelConfig(path: config.path, json: value)
    }

    /// The one value among several spellings.
    private static func only(
        _ values: [Double?], _ key: String, _ config: ModelConfig
    ) throws(LanguageModelError) -> Double? {
        let found = values.compactMap { $0 }
        guard let first = found.first(where: { $0 != found[0] }) else { return found.first }
        throw LanguageModelError(
            .badConfig, "\(config.path) gives two values of `\(key)`: \(found[0]) and \(first)",
            advice: "use the config.json that came with the weights")
    }
}

/// Tables of cosines and sines, made once for as many positions as were ever asked for.
final class RotaryPositions: Sendable {
    /// Base and extent.
    private let settings: RotarySettings
    /// The longest table made so far.
    private let table: Mutex<RotaryTable>

    /// Starts with a table of no positions.
    init(_ settings: RotarySettings) {
        self.settings = settings
        table = Mutex(Self.table(settings, positions: 0))
    }

    /// A table of at least `positions` rows; a row does not depend on how many there are.
    func table(positions: Int) -> RotaryTable {
        table.withLock { table in
            if table.cosines.rows < positions {
                let rows = max(positions, min(2 * table.cosines.rows, 1 << 16))
                table = Self.table(settings, positions: rows)
            }
            return table
        }
    }

    /// `cos` and `sin` of `position · base^(-2 i / rotarySize)`, in `Float` throughout as
    /// transformers computes them.
    private static func table(_ settings: RotarySettings, positions: Int) -> RotaryTable {
        let half = settings.rotarySize / 2
        let frequencies = (0..<half).map { index in
            1 / powf(Float(settings.base), Float(2 * index) / Float(settings.rotarySize))
        }
        let cosines = Tensor(uninitialized: [positions, half])
        let sines = Tensor(uninitialized: [positions, half])
        for position in 0..<positions {
            for index in 0..<half {
                let angle = Float(position) * frequencies[index]
                cosines.floats[position * half + index] = cosf(angle)
                sines.floats[position * half + index] = sinf(angle)
            }
        }
        return RotaryTable(
            rotarySize: settings.rotarySize, headSize: settings.headSize, cosines: cosines,
            sines: sines)
    }
}
