import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// What changed in SAELens up to version 6.54, layout by layout.
struct SAELensChangesTests {
    private let backend = ReferenceBackend()

    @Test("The affine skip connection of Gemma Scope 2 is stored as input by output")
    func affineSkip() throws {
        let folder = try TemporaryFolder()
        let place = "gemma-scope-2-270m-pt/transcoder/layer_3_width_16k_l0_small_affine"
        let (input, output, latents) = (3, 2, 4)
        let skip = Tensor((0..<6).map { Float($0) + 1 }, shape: [input, output])
        try makeFolder("\(folder.path)/\(place)")
        try writeSafetensors(
            [
                ("affine_skip_connection", skip), ("b_dec", Tensor(zeros: [output])),
                ("b_enc", Tensor([Float](repeating: -9, count: latents), shape: [latents])),
                ("threshold", Tensor([Float](repeating: 1, count: latents), shape: [latents])),
                ("w_dec", Tensor([Float](repeating: 1, count: 8), shape: [latents, output])),
                ("w_enc", Tensor(zeros: [input, latents])),
            ], to: "\(folder.path)/\(place)/params.safetensors")
        let autoencoder = try load("\(folder.path)/\(place)", folding: true)
        let x = Tensor([1, 10, 100], shape: [1, 3])
        let codes = try autoencoder.encode(x, on: backend)
        #expect(codes.values.isEmpty)
        // x times the matrix as it is stored: 1 + 30 + 500 and 2 + 40 + 600.
        #expect(try autoencoder.decode(codes, of: x, on: backend).values == [531, 642])
    }

    /// The published vectors of a class of dictionary_learning, by its folder and by a name of the
    /// directory.
    private func dictionaries(_ name: String) throws -> [LinearAutoencoder] {
        let fixture = "layouts/vectors/\(name)"
        let hub = try FakeHub()
        let entry = try publishedEntry(
            "sae_bench_pythia70m_sweep_topk_ctx128_0730", "blocks.3.hook_resid_post__trainer_0")
        try hub.add(entry, from: fixture)
        let published = try loadAutoencoder(entry.reference(in: hub.cache))
        return [try load("\(fixtures)/\(fixture)"), try #require(published as? LinearAutoencoder)]
    }

    @Test("`JumpReluAutoEncoder` does not subtract the decoder's bias, by either way")
    func jumpReLU() throws {
        for autoencoder in try dictionaries("JumpReluAutoEncoder") {
            #expect(autoencoder.encoder.inputBias == nil)
            let text = autoencoder.description.configuration["apply_b_dec_to_input"]
            #expect(text?.truth != true)
        }
        // Others do.
        for autoencoder in try dictionaries("AutoEncoderTopK") {
            #expect(autoencoder.encoder.inputBias != nil)
        }
    }

    @Test("The threshold that an `AutoEncoderTopK` holds is not used, by either way")
    func topKThreshold() throws {
        let path = "\(fixtures)/layouts/vectors/AutoEncoderTopK/ae.pt"
        #expect(try TorchFile(path: path).tensor("threshold").value(at: 0) == 0.9)
        let x = Tensor([0.5, -1, 2, 0.25], shape: [1, 4])
        for autoencoder in try dictionaries("AutoEncoderTopK") {
            let codes = try autoencoder.encode(x, on: backend)
            // Two latents, one of them below the threshold.
            #expect(codes.values.count == 2)
            #expect(codes.values.contains { $0 < 0.9 })
        }
    }

    /// A reference to a jumprelu autoencoder, its configuration changed.
    private func reference(
        _ metadata: [JSONMember], runner: JSON? = nil
    ) throws -> AutoencoderReference {
        let folder = try TemporaryFolder()
        try folder.copyFixture("jumprelu", to: "sae")
        let path = "\(folder.path)/sae/cfg.json"
        let json = try JSON(file: path)
        let changed = metadata.reduce(json["metadata"] ?? .object([])) {
            $0.setting($1.key, to: $1.value)
        }
        try writeFile(Array(json.setting("metadata", to: changed).text().utf8), to: path)
        if let runner { try folder.write(runner.text(), to: "sae/runner_cfg.json") }
        return try #require(try findAutoencoders(under: "\(folder.path)/sae").first)
    }

    @Test("The k of batch top-k is told by the configuration, the trainer or the runner")
    func trackedK() throws {
        let details = JSONMember(
            key: "training_architecture_details", value: .object(["k": .number(32)]))
        let name = JSONMember(key: "training_architecture", value: .string("batchtopk"))
        let runner: JSON = .object([
            "sae": .object(["architecture": .string("matryoshka_batchtopk"), "k": .integer(7)])
        ])
        #expect(try reference([name, details]).trackedK == 32)
        #expect(try reference([details]).trackedK == nil)
        #expect(try reference([], runner: runner).trackedK == 7)
        #expect(try reference([]).trackedK == nil)
        let layouts = "\(fixtures)/layouts/vectors"
        let kinds = ["BatchTopKSAE": 2, "MatryoshkaBatchTopKSAE": 2, "AutoEncoderTopK": nil]
        for (kind, k) in kinds {
            #expect(try findAutoencoders(under: "\(layouts)/\(kind)").first?.trackedK == k)
        }
    }

    @Test(
        "A threshold of batch top-k that is off is told by L0 against k",
        arguments: [
            (32.0, false), (40, false), (25, false), (60, true), (12, true), (0, true),
            (.nan, false),
        ])
    func thresholdNote(l0: Double, isSaid: Bool) throws {
        var reference = try reference([])
        #expect(reference.thresholdNote(l0: l0) == nil)
        reference.trackedK = 32
        let note = reference.thresholdNote(l0: l0)
        #expect((note != nil) == isSaid)
        if let note {
            #expect(note.contains("to keep 32") && note.contains("6.54") && note.hasSuffix("."))
        }
    }
}
