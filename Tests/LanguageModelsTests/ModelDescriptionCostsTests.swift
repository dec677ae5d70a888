import Testing

@testable import LanguageModels

@Suite("Costs")
struct ModelDescriptionCostsTests {
    private let description = ModelDescription(
        architecture: "llama", layers: 4, modelSize: 8, vocabulary: 100, heads: 2, contextSize: 64,
        blockParameters: 1000, embeddingParameters: 800)

    @Test("A pass costs two operations for each weight and token, and the scores")
    func whole() {
        let cost = description.forwardOperations(tokens: 30, positions: 10)
        let block: Double = 2000 + 176  // 2 · 8 · 11 for scores
        #expect(cost == 30 * (4 * block + 1600))
        #expect(description.parameters == 4800)
    }

    @Test("Heads wider than the model count where they are held and multiplied")
    func wideHeads() {
        var wide = description
        (wide.heads, wide.headSize) = (4, 8)
        #expect(wide.size(at: HookPoint(layer: 0, site: .headOutputs)) == 32)
        #expect(wide.size(at: HookPoint(layer: 0, site: .attnOut)) == 8)
        let more = wide.forwardOperations(tokens: 30, positions: 10)
        #expect(more == 30 * (4 * (2000 + 704) + 1600))  // 2 · 32 · 11 for scores
        #expect(wide.widestActivationBytes(tokens: 3) == 3 * 32 * 4)
        #expect(wide.activationBytes(tokens: 3, at: HookPoint(layer: 1, site: .mlpIn)) == 96)
        #expect(wide.peakActivationBytes(tokens: 3, unembedding: false) == 12 * 8 * 32)
    }

    @Test("A prefix and a suffix cost as much as the whole")
    func parts() {
        let prefix = description.forwardOperations(
            tokens: 30, positions: 10, blocks: 0..<3, unembedding: false)
        let suffix = description.forwardOperations(tokens: 30, positions: 10, blocks: 3..<4)
        #expect(prefix + suffix == description.forwardOperations(tokens: 30, positions: 10))
    }

    @Test("Blocks beyond the model cost nothing")
    func beyond() {
        #expect(
            description.forwardOperations(
                tokens: 3, positions: 3, blocks: 9..<12, unembedding: false) == 0)
    }

    @Test("Bytes count four for each number")
    func bytes() {
        #expect(description.residualBytes(tokens: 3) == 96)
        #expect(description.logitsBytes(tokens: 3) == 1200)
        // Rows of 125 parameters, 32 of attention: three matrices of 31.
        #expect(description.peakActivationBytes(tokens: 3, unembedding: false) == 12 * (24 + 62))
        #expect(description.peakActivationBytes(tokens: 3) == 12 * (100 + 24))
        var plain = description
        plain.architecture = "gpt_neox"
        #expect(plain.peakActivationBytes(tokens: 3, unembedding: false) == 12 * (24 + 92))
    }
}
