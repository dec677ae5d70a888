import Basics
import Kernels
import Tensors
import Testing

@testable import LanguageModels

@Suite("Rotary positions")
struct RotaryPositionsTests {
    /// An empty config.
    private func config(_ text: String = "{}") throws -> ModelConfig {
        try ModelConfig(
            path: "config.json", json: JSON(parsing: Array(text.utf8), source: "config.json"))
    }

    @Test("A row of the table does not depend on how long the table is")
    func growth() throws {
        let rotary = RotaryPositions(
            try RotarySettings(config(), headSize: 16, base: 10_000, fraction: 0.5))
        let short = rotary.table(positions: 5)
        let long = rotary.table(positions: 300)
        #expect(short.rotarySize == 8 && short.headSize == 16)
        #expect(long.cosines.rows >= 300)
        #expect(short.cosines.rows(0..<5).content == long.cosines.rows(0..<5).content)
        #expect(rotary.table(positions: 7).cosines.rows == long.cosines.rows)
    }

    @Test("Angles are position over base to the power of the share")
    func angles() throws {
        let settings = try RotarySettings(config(), headSize: 4, base: 100, fraction: 1)
        let table = RotaryPositions(settings).table(positions: 4)
        #expect(table.cosines.value(at: 0) == 1 && table.sines.value(at: 1) == 0)
        #expect(abs(table.sines.value(at: 3 * 2 + 1) - 0.295_520_2) < 1e-6)  // sin(3 / 10)
        #expect(abs(table.cosines.value(at: 3 * 2) - -0.989_992_5) < 1e-6)  // cos(3)
    }

    @Test("Frequencies of Llama 3 are kept, mixed or divided by how often they turn")
    func llama3() throws {
        let text = """
            {"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
             "high_freq_factor": 4, "original_max_position_embeddings": 64}}
            """
        let scaled = try RotarySettings(config(text), headSize: 16, base: 100)
        let plain = try RotarySettings(config(), headSize: 16, base: 100)
        let ratios = zip(scaled.frequencies, plain.frequencies).map { $0 / $1 }
        #expect(ratios[..<2] == [1, 1])  // wavelengths 6.3 and 11.2, below 64 / 4
        // 19.87: (64 / 19.87 - 1) / 3 = 0.7404, so 0.7404 + 0.2596 / 8
        #expect(abs(ratios[2] - 0.772_83) < 1e-4)
        #expect(ratios[2] > ratios[3] && ratios[3] > ratios[4])
        #expect(ratios[5...].allSatisfy { $0 == 0.125 })  // 111.7 and more, above 64
    }

    @Test("An odd number of rotated elements is refused")
    func odd() throws {
        let config = try config()
        #expect(throws: LanguageModelError.self) {
            _ = try RotarySettings(config, headSize: 12, base: 100, fraction: 0.25)
        }
    }

    @Test(
        "All spellings are read",
        arguments: [
            "{\"rope_theta\": 7, \"partial_rotary_factor\": 0.5}",
            "{\"rotary_emb_base\": 7, \"rotary_pct\": 0.5}",
            "{\"rope_parameters\": {\"rope_theta\": 7.0, \"partial_rotary_factor\": 0.5}}",
            "{\"rope_parameters\": {\"type\": \"default\", \"rope_theta\": 7}, \"rotary_pct\": 0.5}",
            "{\"rope_scaling\": {\"type\": \"default\"}, \"rope_theta\": 7, \"rotary_pct\": 0.5}",
        ])
    func spellings(text: String) throws {
        let settings = try RotarySettings(config(text), headSize: 8, base: 10_000, fraction: 0.25)
        #expect(settings.base == 7 && settings.fraction == 0.5)
    }
}
