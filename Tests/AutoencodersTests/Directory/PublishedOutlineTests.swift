import Testing

@testable import Autoencoders

struct PublishedOutlineTests {
    @Test(
        "Widths are told by names",
        arguments: [
            ("layer_5/width_16k/average_l0_18", 16_384), ("layer_12/width_65k/canonical", 65_536),
            ("layer_12/width_131k/x", 131_072), ("layer_12/width_262k/x", 262_144),
            ("layer_12/width_524k/x", 524_288), ("width_1m", 1_048_576), ("width_4k", 4096),
            ("sae_bench_gemma-2-2b_topk_width-2pow12_date-1109", 4096),
            ("width-2pow16", 65_536), ("width_25k", nil), ("width_", nil), ("width-2pow99", nil),
            ("trainer_3", nil), ("", nil),
        ] as [(String, Int?)])
    func widths(name: String, latents: Int?) {
        #expect(PublishedAutoencoder.width(in: name) == latents)
    }

    @Test(
        "Architectures are told by names",
        arguments: [
            ("sae_bench_gemma-2-2b_topk_width-2pow12_date-1109", "topk"),
            ("sae_bench_gemma-2-2b_vanilla_width-2pow12_date-1109", "standard"),
            ("sae_bench_pythia70m_sweep_panneal_ctx128_0730", "standard"),
            ("MatryoshkaBatchTopK/resid_post_layer_8/trainer_0", "matryoshka_batchtopk"),
            ("BatchTopK/x", "batchtopk"), ("GatedSAE/x", "gated"), ("JumpRelu", "jumprelu"),
            ("gpt2-small-res-jb", nil),
        ] as [(String, String?)])
    func architectures(name: String, architecture: String?) {
        #expect(PublishedAutoencoder.architecture(in: name) == architecture)
    }

    @Test("Every width that the directory and a name both tell is the same")
    func agreement() {
        var compared = 0
        for entry in PublishedAutoencoders.all {
            guard let latents = entry.latents,
                let named = PublishedAutoencoder.width(in: entry.id)
            else { continue }
            compared += 1
            #expect(named == latents, "\(entry.name)")
        }
        #expect(compared > 1000)
    }

    @Test("An outlined autoencoder has the bytes of its tensors and names no file")
    func bytes() throws {
        let entry = try #require(
            PublishedAutoencoders.matching(
                release: "gemma-scope-2b-pt-res", id: "layer_12/width_16k/average_l0_.*"
            ).first)
        let reference = try entry.outline(
            hookName: "blocks.12.hook_resid_post", modelSize: 2304, latents: 16_384)
        #expect(reference.storedBytes == 4 * (2 * 2304 * 16_384 + 2 * 16_384 + 2304))
        #expect(reference.files.isEmpty)
        #expect(reference.layout == "gemma_scope" && reference.architecture == "jumprelu")
        #expect(reference.hasIndependentLatents)
    }

    @Test("An entry of a layout that is not read cannot be outlined")
    func unread() throws {
        let entry = try #require(PublishedAutoencoders.all.first { $0.layout.readAs == nil })
        #expect(throws: AutoencoderError.self) {
            try entry.outline(hookName: "blocks.0.hook_mlp_out", modelSize: 8, latents: 16)
        }
    }

    @Test("A repository of the baseline suite has 42 autoencoders of one width")
    func suite() throws {
        let suite = try #require(
            PublishedSuite.of(
                repository: "adamkarvonen/saebench_pythia-160m-deduped_width-2pow14_date-0108"))
        #expect(suite.paths.count == 42 && Set(suite.paths).count == 42)
        #expect(suite.latents == 16_384)
        #expect(suite.hookName == "blocks.8.hook_resid_post")
        #expect(PublishedSuite.of(repository: "org/other") == nil)
    }
}
