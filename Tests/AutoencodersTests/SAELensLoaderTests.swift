import Basics
import Formats
import Glibc
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// Every fixture against what sae-lens computed with it.
struct SAELensLoaderTests {
    private let backend = ReferenceBackend()

    /// What sae-lens computed.
    private func expectation(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: "\(fixtures)/expected/\(name).safetensors")
    }

    /// What sae-lens and SAE Bench say about a fixture.
    private func facts(_ name: String) throws -> JSON {
        try JSON(file: "\(fixtures)/expected/\(name).json")
    }

    @Test("There are fixtures of every architecture that is computed")
    func fixturesAreThere() throws {
        let names = try fixtureNames.map {
            try fixture($0, folding: false).description.architecture
        }
        #expect(Set(linearArchitectures.map { $0.name }).subtracting(names).isEmpty)
    }

    @Test(
        "Codes and reconstructions are those of sae-lens, folded or not", arguments: fixtureNames,
        [false, true])
    func codesAndReconstructions(name: String, folding: Bool) throws {
        let expected = try expectation(name)
        let autoencoder = try fixture(name, folding: folding)
        let suffix = autoencoder.description.isFolded ? "_folded" : ""
        let x = try expected.tensor("x")
        let codes = try autoencoder.encode(x, on: backend)
        expectClose(dense(codes), try expected.tensor("encode\(suffix)").values, "encode")
        let decoded = try autoencoder.decode(codes, of: x, on: backend)
        expectClose(decoded.values, try expected.tensor("decode\(suffix)").values, "decode")
    }

    @Test("Folding changes codes and leaves the reconstruction", arguments: fixtureNames)
    func foldingKeepsTheFunction(name: String) throws {
        let x = try expectation(name).tensor("x")
        let reconstructions = try [false, true].map { folding in
            let autoencoder = try fixture(name, folding: folding)
            return try autoencoder.decode(autoencoder.encode(x, on: backend), of: x, on: backend)
                .values
        }
        expectClose(reconstructions[1], reconstructions[0], "reconstruction")
    }

    @Test("Folding is refused where sae-lens refuses it, with a note", arguments: fixtureNames)
    func foldingIsRefused(name: String) throws {
        let description = try fixture(name, folding: true).description
        #expect(description.isFolded == (try facts(name)["folded"]?.truth))
        #expect(description.notes.contains { $0.contains("not folded") } != description.isFolded)
    }

    @Test("Statistics of the weights are those of the folded weights", arguments: fixtureNames)
    func weightStatistics(name: String) throws {
        let expected = try expectation(name)
        let autoencoder = try fixture(name, folding: true)
        let scale = autoencoder.latentScale ?? [Float](repeating: 1, count: 24)
        let encoder = try #require(autoencoder.encoderMatrix)
        let encoderNorms = zip(try backend.norms(of: encoder), scale).map(*)
        let decoderNorms = zip(try backend.norms(of: autoencoder.decoderMatrix), scale).map(/)
        expectClose(encoderNorms, try expected.tensor("encoder_norms").values, "encoder norms")
        expectClose(decoderNorms, try expected.tensor("decoder_norms").values, "decoder norms")
        expectClose(autoencoder.encoderBias, try expected.tensor("encoder_bias").values, "bias")
    }

    @Test("The configuration in results is the one SAE Bench writes", arguments: fixtureNames)
    func resultConfiguration(name: String) throws {
        let expected = try #require(try facts(name)["sae_cfg_dict"])
        let written = try fixture(name, folding: true).description.configuration
        #expect(written.text() == expected.text())
    }

    @Test(
        "Matrices stay in their stored type",
        arguments: [
            ("standard", ElementType.float32), ("standard-bf16", .bfloat16), ("topk-f16", .float16),
        ])
    func storedType(name: String, type: ElementType) throws {
        let autoencoder = try fixture(name, folding: true)
        #expect(autoencoder.description.storedType == type)
        #expect(autoencoder.encoder.matrix.type == type)
        #expect(autoencoder.decoder.matrix.type == type)
    }

    @Test("`log_threshold` is the logarithm of the threshold")
    func logThreshold() throws {
        let original = try fixture("jumprelu", folding: true)
        let folder = try TemporaryFolder()
        try folder.copyFixture("jumprelu", to: "sae")
        let path = "\(folder.path)/sae/sae_weights.safetensors"
        let file = try SafetensorsFile(path: path)
        let tensors = try file.tensorNames.map { name in
            let tensor = try file.tensor(name)
            if name != "threshold" { return (name: name, tensor: tensor) }
            return ("log_threshold", Tensor(tensor.values.map { logf($0) }, shape: tensor.shape))
        }
        try writeSafetensors(tensors, to: path)
        let x = try expectation("jumprelu").tensor("x")
        expectClose(
            dense(try load("\(folder.path)/sae", folding: true).encode(x, on: backend)),
            dense(try original.encode(x, on: backend)), "encode")
    }

    @Test(
        "A row of zeros stays finite under every normalisation",
        arguments: ["standard-constant-norm", "standard-layer-norm"])
    func zeros(name: String) throws {
        let autoencoder = try fixture(name, folding: true)
        let x = Tensor(zeros: [1, 8])
        let codes = try autoencoder.encode(x, on: backend)
        #expect(try autoencoder.decode(codes, of: x, on: backend).values.allSatisfy(\.isFinite))
    }

    @Test("A factor on the activations is folded in and said", arguments: ["standard", "gated"])
    func activationScale(name: String) throws {
        let description = try fixture("scaled-\(name)", folding: true).description
        #expect(description.notes.contains { $0.contains("multiplied by") })
        #expect(description.configuration["normalize_activations"]?.text == "none")
    }

    @Test("A transcoder names both hooks")
    func hooks() throws {
        let description = try fixture("skip-transcoder", folding: true).description
        #expect(description.hookName == "blocks.3.ln2.hook_normalized")
        #expect(description.outputHookName == "blocks.3.hook_mlp_out")
        #expect(try fixture("topk", folding: true).description.outputHookName == nil)
    }

    @Test("No rows give no rows", arguments: fixtureNames)
    func noRows(name: String) throws {
        let autoencoder = try fixture(name, folding: true)
        let x = Tensor(zeros: [0, 8])
        let codes = try autoencoder.encode(x, on: backend)
        #expect(codes.rows == 0)
        let output = autoencoder.decoderMatrix.columns
        #expect(try autoencoder.decode(codes, of: x, on: backend).shape == [0, output])
    }

    @Test(
        "Activations of another width, shape or type are refused",
        arguments: [
            Tensor(zeros: [2, 7]), Tensor(zeros: [16]),
            Tensor(uninitialized: [2, 8], type: .bfloat16),
        ])
    func wrongActivations(x: Tensor) throws {
        let autoencoder = try fixture("standard", folding: true)
        #expect { try autoencoder.encode(x, on: backend) } throws: {
            ($0 as? AutoencoderError)?.code == .shape && "\($0)".contains("\(x.shape)")
        }
    }

    @Test("Codes of another autoencoder or other rows are refused")
    func wrongCodes() throws {
        let autoencoder = try fixture("standard", folding: true)
        let x = Tensor(zeros: [1, 8])
        for codes in [SparseCodes(latents: 23, rowStarts: [0, 0]), SparseCodes(latents: 24)] {
            #expect(throws: AutoencoderError.self) {
                try autoencoder.decode(codes, of: x, on: backend)
            }
        }
    }
}
