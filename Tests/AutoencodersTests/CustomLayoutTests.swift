import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// Files of tensors that a `sae.yaml` describes.
struct CustomLayoutTests {
    private let backend = ReferenceBackend()

    /// Lines that describe the tensors of ``write(_:_:to:)``.
    static let lines = """
        architecture: topk
        hook: blocks.3.hook_resid_post
        model: org/tiny
        k: 5
        apply_b_dec_to_input: true
        tensors:
          encoder: enc
          encoder_bias: enc_b
          decoder: dec
          decoder_bias: dec_b

        """

    /// The tensors of the fixture `topk`, its matrices transposed when asked for.
    private func tensors(encoder: Bool, decoder: Bool) throws -> [(name: String, tensor: Tensor)] {
        let file = try SafetensorsFile(path: "\(fixtures)/tiny-res/topk/sae_weights.safetensors")
        let (enc, dec) = (try file.tensor("W_enc"), try file.tensor("W_dec"))
        return [
            ("enc", encoder ? transposedCopy(of: enc) : enc),
            ("dec", decoder ? transposedCopy(of: dec) : dec),
            ("enc_b", try file.tensor("b_enc")), ("dec_b", try file.tensor("b_dec")),
        ]
    }

    /// Writes a description beside the tensors of the fixture `topk`.
    private func write(
        _ lines: String, in folder: TemporaryFolder, encoder: Bool = false, decoder: Bool = false,
        more: [(name: String, tensor: Tensor)] = []
    ) throws {
        try folder.write(lines, to: "mine/sae.yaml")
        try writeSafetensors(
            try tensors(encoder: encoder, decoder: decoder) + more,
            to: "\(folder.path)/mine/weights.safetensors")
    }

    @Test(
        "A description of ten lines gives what the same tensors give in the layout of SAELens",
        arguments: [false, true], [false, true])
    func sameFunction(encoder: Bool, decoder: Bool) throws {
        let folder = try TemporaryFolder()
        try write(Self.lines, in: folder, encoder: encoder, decoder: decoder)
        let autoencoder = try load("\(folder.path)/mine", folding: true)
        #expect(autoencoder.encoder.isTransposed == encoder)
        #expect(autoencoder.description.architecture == "topk")
        #expect(autoencoder.description.k == 5)
        #expect(autoencoder.description.modelName == "org/tiny")
        let expected = try SafetensorsFile(path: "\(fixtures)/expected/topk.safetensors")
        let x = try expected.tensor("x")
        let codes = try autoencoder.encode(x, on: backend)
        expectClose(dense(codes), try expected.tensor("encode").values, "encode")
        expectClose(
            try autoencoder.decode(codes, of: x, on: backend).values,
            try expected.tensor("decode").values, "decode")
    }

    @Test("Weights may lie elsewhere, and a folder of several files needs their name")
    func weightsElsewhere() throws {
        let folder = try TemporaryFolder()
        try write(Self.lines, in: folder)
        try folder.copy("\(folder.path)/mine/weights.safetensors", to: "mine/second.safetensors")
        #expect { try findAutoencoders(under: "\(folder.path)/mine") } throws: {
            ($0 as? AutoencoderError)?.code == .ambiguous && "\($0)".contains("weights: ")
        }
        try folder.write(
            Self.lines + "weights: ../mine/second.safetensors\n", to: "other/sae.yaml")
        let reference = try #require(try findAutoencoders(under: "\(folder.path)/other").first)
        #expect(reference.storedBytes > 0)
        _ = try loadAutoencoder(reference)
        let hash = try reference.contentHash()
        var bytes = try readFile("\(folder.path)/mine/second.safetensors")
        bytes[bytes.count - 1] ^= 1
        try writeFile(bytes, to: "\(folder.path)/mine/second.safetensors")
        #expect(try reference.contentHash() != hash)
    }

    @Test("The description counts for the content hash")
    func hashOfDescription() throws {
        let folder = try TemporaryFolder()
        try write(Self.lines, in: folder)
        let first = try #require(try findAutoencoders(under: "\(folder.path)/mine").first)
        let hash = try first.contentHash()
        try folder.write(Self.lines.replacing("k: 5", with: "k: 6"), to: "mine/sae.yaml")
        let second = try #require(try findAutoencoders(under: "\(folder.path)/mine").first)
        #expect(try second.contentHash() != hash)
    }

    @Test(
        "A description that is wrong or leaves something open is refused with the remedy",
        arguments: [
            ("architecture: topk", "architecture: topq", "`topk`"),
            ("architecture: topk", "", "no `architecture`"),
            ("hook: blocks.3.hook_resid_post", "", "hook: blocks.12.hook_resid_post"),
            ("model: org/tiny", "", "model: google/gemma-2-2b"),
            ("k: 5", "", "no `k`"), ("k: 5", "k: 25", "1 to 24"), ("k: 5", "k: five", "an integer"),
            ("apply_b_dec_to_input: true", "", "apply_b_dec_to_input: false"),
            ("encoder: enc\n", "encoder: end\n", "`enc`"),
            ("  encoder: enc\n", "", "names no tensor for `encoder`"),
            ("encoder_bias", "encoder_bais", "`encoder_bias`"),
            ("k: 5", "k: 5\nkk: 5", "key `kk` is unknown"),
            ("k: 5", "k: 5\nd_in: 7", "lead"), ("k: 5", "k: [", "not valid YAML"),
            ("k: 5", "k: 5\nlayout: custum", "`custom`"),
            ("k: 5", "k: 5\nweights: none.safetensors", "none.safetensors"),
            ("k: 5", "k: 5\nweights: sae.yaml", ".safetensors, .npz"),
            ("k: 5", "k: 5\naxes: {encoder: [latents, model]}", "lead"),
            ("k: 5", "k: 5\naxes: {encoder: [latents]}", "[latents, model] or [model, latents]"),
            ("k: 5", "k: 5\naxes: {bias: [latents, model]}", "cannot be stated"),
            ("k: 5", "k: 5\nnormalize_activations: layernorm", "`layer_norm`"),
        ])
    func refused(line: String, instead: String, words: String) throws {
        let folder = try TemporaryFolder()
        try write(Self.lines.replacing(line, with: instead), in: folder)
        #expect {
            let found = try findAutoencoders(under: "\(folder.path)/mine")
            _ = try loadAutoencoder(try #require(found.first))
        } throws: { "\($0)".contains(words) }
    }

    @Test("A tensor that the description does not name is refused unless it is ignored")
    func unnamedTensor() throws {
        let folder = try TemporaryFolder()
        let more = [(name: "frequencies", tensor: Tensor(zeros: [24]))]
        try write(Self.lines, in: folder, more: more)
        #expect { try load("\(folder.path)/mine") } throws: {
            ($0 as? AutoencoderError)?.code == .unknownTensor && "\($0)".contains("`frequencies`")
        }
        try write(Self.lines + "ignore: [frequencies]\n", in: folder, more: more)
        _ = try load("\(folder.path)/mine")
    }

    @Test("Square matrices need their axes, and stating them decides")
    func squareMatrices() throws {
        let folder = try TemporaryFolder()
        let square = Tensor([1, 2, 3, 4], shape: [2, 2])
        let lines = """
            architecture: standard
            hook: blocks.0.hook_resid_post
            model: tiny
            tensors: {encoder: e, decoder: d}

            """
        try writeSafetensors(
            [("e", square), ("d", square)], to: "\(folder.path)/mine.safetensors")
        func value(_ more: String) throws -> [Float] {
            try folder.write(lines + more, to: "mine/sae.yaml")
            try folder.copy("\(folder.path)/mine.safetensors", to: "mine/weights.safetensors")
            let x = Tensor([1, 0], shape: [1, 2])
            return dense(try load("\(folder.path)/mine").encode(x, on: backend))
        }
        for more in ["d_in: 2\n", "d_in: 2\naxes: {encoder: [model, latents]}\n", ""] {
            #expect { try value(more) } throws: {
                ($0 as? AutoencoderError)?.code == .ambiguous
            }
        }
        let decoder = "decoder: [latents, model]}\n"
        #expect(try value("axes: {encoder: [model, latents], \(decoder)") == [1, 2])
        #expect(try value("axes: {encoder: [latents, model], \(decoder)") == [1, 3])
    }

    @Test("One threshold serves all latents, and missing biases are zeros")
    func oneThreshold() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            """
            architecture: batchtopk
            hook: blocks.0.hook_resid_post
            model: tiny
            d_in: 2
            tensors: {encoder: e, decoder: d, threshold: t}

            """, to: "mine/sae.yaml")
        try writeSafetensors(
            [
                ("e", Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])),
                ("d", Tensor([1, 0, 0, 1, 1, 1], shape: [3, 2])), ("t", Tensor([1.5], shape: [])),
            ], to: "\(folder.path)/mine/weights.safetensors")
        let autoencoder = try load("\(folder.path)/mine")
        #expect(autoencoder.description.architecture == "batchtopk")
        let x = Tensor([1, 0], shape: [1, 2])
        let codes = try autoencoder.encode(x, on: backend)
        #expect(dense(codes) == [0, 2, 3])
        #expect(try autoencoder.decode(codes, of: x, on: backend).values == [3, 5])
    }

    @Test(
        "Facts of another layout's function are left to its files",
        arguments: ["k: 5", "architecture: topk", "tensors: {encoder: x}"])
    func otherLayouts(line: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("x", to: "scope/params.npz")
        try folder.write("layout: gemma_scope\n\(line)\n", to: "scope/sae.yaml")
        #expect { try findAutoencoders(under: "\(folder.path)/scope") } throws: {
            "\($0)".contains("belongs to `layout: custom`")
        }
    }
}
