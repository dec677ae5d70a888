import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// Every layout against what SAE Bench, sae-lens or its own program computed.
struct LayoutTests {
    private let backend = ReferenceBackend()

    /// One autoencoder in another layout.
    struct Specimen: Sendable, CustomTestStringConvertible {
        /// The name of its expectations.
        var testDescription: String
        /// Release and id.
        var place: String
        /// `sae_cfg_dict`, where SAE Bench reads the layout.
        var configuration: JSON?
    }

    /// Where the autoencoders lie.
    static let folder = "\(fixtures)/layouts"

    /// All of them.
    static let specimens: [Specimen] = ((try? folderContents("\(fixtures)/layouts-expected")) ?? [])
        .filter { $0.hasSuffix(".json") }.compactMap { file in
            guard let json = try? JSON(file: "\(fixtures)/layouts-expected/\(file)"),
                let place = json["folder"]?.text
            else { return nil }
            return Specimen(
                testDescription: String(file.dropLast(5)), place: place,
                configuration: json["sae_cfg_dict"].flatMap { $0.isNull ? nil : $0 })
        }

    /// The reference to one of them, found from the folder above all.
    static func reference(_ specimen: Specimen) throws -> AutoencoderReference {
        let survey = try surveyAutoencoders(under: folder)
        let name = specimen.place.contains("/") ? specimen.place : "layouts/\(specimen.place)"
        return try #require(
            survey.found.first { "\($0.release)/\($0.id)" == name },
            "\(survey.unread.map(\.reason))")
    }

    @Test("Every fixture is found and none is left over")
    func found() throws {
        let survey = try surveyAutoencoders(under: Self.folder)
        #expect(survey.unread.isEmpty, "\(survey.unread.map(\.reason))")
        #expect(survey.found.count == Self.specimens.count + 7)
        let layouts = Set(survey.found.map(\.layout))
        #expect(
            layouts
                == Set(autoencoderLayouts.map(\.name)).subtracting(["sae_lens", "custom"]))
    }

    @Test(
        "Gemma Scope 2 without a configuration is read by the names of its folders",
        arguments: [
            "resid_post/layer_3_width_16k_l0_small", "transcoder/layer_3_width_16k_l0_small_affine",
        ])
    func withoutConfiguration(place: String) throws {
        let whole = "\(Self.folder)/gemma-scope-2-270m-pt/\(place)"
        let temporary = try TemporaryFolder()
        let folder = "\(temporary.path)/models--google--gemma-scope-2-270m-pt/\(place)"
        try makeFolder(folder)
        try writeFile(
            readFile("\(whole)/params.safetensors"), to: "\(folder)/params.safetensors")
        let (first, second) = (try load(whole), try load(folder))
        #expect(second.description.hookName == first.description.hookName)
        #expect(second.description.outputHookName == first.description.outputHookName)
        #expect(second.description.modelName == first.description.modelName)
        let names = [first, second].map {
            $0.description.configuration["metadata"]?["hf_hook_name"]?.text
        }
        #expect(names[0] != nil && names[0] == names[1])
        let x = Tensor((0..<16).map { Float($0 % 5) - 2 }, shape: [2, 8])
        let codes = try second.encode(x, on: backend)
        #expect(dense(codes) == dense(try first.encode(x, on: backend)))
        #expect(
            try second.decode(codes, of: x, on: backend).values
                == first.decode(codes, of: x, on: backend).values)
    }

    @Test(
        "An autoencoder of Gemma Scope names the model that its repository's name does",
        arguments: [("2b-pt", "gemma-2-2b"), ("9b-it", "gemma-2-9b-it")])
    func gemmaScopeModel(repository: String, model: String) throws {
        let place = "snapshots/0/layer_3/width_16k/average_l0_5"
        let folder = try TemporaryFolder()
        let copy = "models--google--gemma-scope-\(repository)-res/\(place)"
        try folder.copy(
            "\(Self.folder)/models--google--gemma-scope-2b-pt-res/\(place)/params.npz",
            to: "\(copy)/params.npz")
        #expect(try load("\(folder.path)/\(copy)").description.modelName == model)
    }

    @Test("Codes and reconstructions are those of the programs", arguments: specimens)
    func codesAndReconstructions(_ specimen: Specimen) throws {
        let expected = try SafetensorsFile(
            path: "\(fixtures)/layouts-expected/\(specimen.testDescription).safetensors")
        let autoencoder = try loadAutoencoder(Self.reference(specimen))
        let x = try expected.tensor("x")
        let codes = try autoencoder.encode(x, on: backend)
        #expect(!codes.values.isEmpty)
        expectClose(dense(codes), try expected.tensor("encode").values, "encode")
        let decoded = try autoencoder.decode(codes, of: x, on: backend)
        expectClose(decoded.values, try expected.tensor("decode").values, "decode")
    }

    @Test("The reference and the loaded autoencoder agree", arguments: specimens)
    func descriptions(_ specimen: Specimen) throws {
        let reference = try Self.reference(specimen)
        let description = try loadAutoencoder(reference).description
        #expect(description.hookName == reference.hookName)
        #expect(description.outputHookName == reference.outputHookName)
        #expect(description.modelName == reference.modelName)
        #expect(description.architecture == reference.architecture)
        #expect(description.configuration.text() == reference.configuration.text())
        #expect(reference.storedBytes > 0 || reference.layout == "identity")
    }

    @Test(
        "The configuration in results is the one SAE Bench writes",
        arguments: specimens.filter { $0.configuration != nil })
    func resultConfiguration(_ specimen: Specimen) throws {
        let written = try Self.reference(specimen).configuration(type: "float32")
        #expect(sorted(written).text() == specimen.configuration.map { sorted($0).text() })
    }

    @Test(
        "Files that dictionary_learning wrote give the published vectors",
        arguments: [
            ("AutoEncoder", "AutoEncoder"), ("AutoEncoderNew", "AutoEncoderNew"),
            ("GatedAutoEncoder", "Gated"), ("JumpReluAutoEncoder", "JumpReLU"),
            ("AutoEncoderTopK", "TopK"), ("BatchTopKSAE", "BatchTopK"),
            ("MatryoshkaBatchTopKSAE", "BatchTopK"),
        ])
    func publishedVectors(dictionaryClass: String, vector: String) throws {
        let vector = try #require(
            SpecificationVectorTests.vectors.first { $0.testDescription == vector })
        let autoencoder = try load("\(Self.folder)/vectors/\(dictionaryClass)", folding: true)
        let x = Tensor([0.5, -1, 2, 0.25, 1.5, 0.2, -0.3, -0.7], shape: [2, 4])
        let codes = try autoencoder.encode(x, on: backend)
        for (value, expected) in zip(dense(codes), vector.latents) {
            #expect(abs(value - expected) <= 2e-5)
        }
        let decoded = try autoencoder.decode(codes, of: x, on: backend).values
        for (value, expected) in zip(decoded, vector.decoded) {
            #expect(abs(value - expected) <= 2e-5)
        }
    }

    @Test("Encoders that lie transposed are not copied")
    func transposedEncoder() throws {
        let autoencoder = try load("\(Self.folder)/sae-tiny-8x/layers.3", folding: true)
        #expect(autoencoder.encoder.isTransposed)
        let file = try SafetensorsFile(
            path: "\(Self.folder)/sae-tiny-8x/layers.3/sae.safetensors")
        let stored = try file.tensor("encoder.weight")
        #expect(autoencoder.encoder.matrix.shape == stored.shape)
        #expect(autoencoder.encoderMatrix?.isTransposed == false)
    }

    @Test("Components of a corrected PCA are the latents")
    func correctedPCA() throws {
        let place = "gemma-2-2b_pca_saes/pca_tiny_blocks.3.hook_resid_post.pt"
        let folder = try TemporaryFolder()
        try folder.copy("\(Self.folder)/\(place)", to: "pca/components.pt")
        try folder.write(
            "layout: pca\nweights: components.pt\nform: corrected\n"
                + "hook: blocks.3.hook_resid_post\nmodel: tiny\n", to: "pca/sae.yaml")
        let reference = try #require(try findAutoencoders(under: "\(folder.path)/pca").first)
        #expect(reference.path.hasSuffix("pca/components.pt"))
        let autoencoder = try loadAutoencoder(reference)
        let file = try TorchFile(path: "\(Self.folder)/\(place)")
        let mean = try file.tensor("mean").values
        let components = try file.tensor("W_enc").values
        // The mean plus twice the component of latent 5 has that latent alone.
        let x = Tensor((0..<8).map { mean[$0] + 2 * components[5 * 8 + $0] }, shape: [1, 8])
        let codes = dense(try autoencoder.encode(x, on: backend))
        expectClose(codes, [0, 0, 0, 0, 0, 2, 0, 0], "codes")
        expectClose(
            try autoencoder.decode(autoencoder.encode(x, on: backend), of: x, on: backend).values,
            x.values, "reconstruction")
    }
}

/// A tree whose keys are sorted; the loaders of sae-lens each have an order of their own.
private func sorted(_ json: JSON) -> JSON {
    guard let members = json.members else { return json }
    return .object(
        members.map { JSONMember(key: $0.key, value: sorted($0.value)) }.sorted { $0.key < $1.key })
}

extension TemporaryFolder {
    /// Copies a file into it.
    func copy(_ source: String, to name: String) throws {
        try makeFolder(parentFolder(of: "\(path)/\(name)"))
        try writeFile(try readFile(source), to: "\(path)/\(name)")
    }
}
