import Basics
import Testing

@testable import Autoencoders

struct AutoencoderFactsTests {
    /// A configuration of version 6.
    private let newer: JSON = .object([
        "d_in": .integer(8), "normalize_activations": .string("none"),
        "metadata": .object(["hook_name": .string("blocks.1.hook_resid_post")]),
    ])
    /// A configuration of version 5.
    private let older: JSON = .object([
        "d_in": .integer(8), "hook_point": .string("blocks.2.hook_resid_post"),
        "model_name": .null,
    ])

    @Test("Overrides replace keys, the factor is added, and nothing else changes")
    func overrides() throws {
        let facts = AutoencoderFacts(
            normScalingFactor: 2.5,
            overrides: .object(["normalize_activations": .string("layer_norm"), "k": .integer(3)]))
        let merged = facts.applied(to: newer)
        #expect(merged["normalize_activations"]?.text == "layer_norm")
        #expect(merged["k"]?.integer == 3)
        #expect(merged["norm_scaling_factor"]?.double == 2.5)
        let metadata = try #require(newer["metadata"]).text()
        #expect(merged["metadata"]?.text() == metadata)
        #expect(AutoencoderFacts.none.applied(to: newer).text() == newer.text())
    }

    @Test("Hook and model of the files stand, and are taken from the facts where there are none")
    func names() {
        let facts = AutoencoderFacts(hookName: "blocks.9.hook_mlp_out", modelName: "gpt2")
        #expect(facts.applied(to: newer)["hook_name"] == nil)
        #expect(facts.applied(to: newer)["model_name"]?.text == "gpt2")
        #expect(facts.applied(to: older)["hook_name"] == nil)
        #expect(facts.applied(to: older)["model_name"]?.text == "gpt2")
        #expect(
            facts.applied(to: .object(["d_in": .integer(8)]))["hook_name"]?.text
                == "blocks.9.hook_mlp_out")
    }

    @Test("What is no object stays as it is")
    func noObject() {
        let facts = AutoencoderFacts(hookName: "blocks.9.hook_mlp_out", normScalingFactor: 2)
        #expect(facts.applied(to: .array([])).text() == "[]")
    }

    @Test("Only what can change a number counts for content keys")
    func contentText() {
        #expect(AutoencoderFacts.none.contentText == nil)
        let labels = AutoencoderFacts(
            hookName: "h", modelName: "m",
            overrides: .object(["neuronpedia_id": .string("x"), "dataset_path": .string("y")]))
        #expect(labels.contentText == nil)
        #expect(AutoencoderFacts(normScalingFactor: 2).contentText != nil)
        #expect(AutoencoderFacts(overrides: .object(["k": .integer(2)])).contentText != nil)
    }
}
