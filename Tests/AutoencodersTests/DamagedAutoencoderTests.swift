import Basics
import Formats
import Tensors
import Testing

@testable import Autoencoders

/// Files that must be refused, each with its name, the value at fault and the remedy.
struct DamagedAutoencoderTests {
    /// A fixture in a folder of its own, with its configuration and tensors open to change.
    private struct Specimen {
        let folder: TemporaryFolder
        var json: JSON
        var tensors: [(name: String, tensor: Tensor)]

        init(_ name: String = "jumprelu") throws {
            folder = try TemporaryFolder()
            try folder.copyFixture(name, to: "rel/sae")
            json = try JSON(file: "\(fixtures)/tiny-res/\(name)/cfg.json")
            let file = try SafetensorsFile(
                path: "\(fixtures)/tiny-res/\(name)/sae_weights.safetensors")
            tensors = try file.tensorNames.map { ($0, try file.tensor($0)) }
        }

        /// Replaces a tensor's values.
        mutating func change(_ name: String, _ body: (inout [Float]) -> Void) {
            for index in tensors.indices where tensors[index].name == name {
                var values = tensors[index].tensor.values
                body(&values)
                tensors[index].tensor = Tensor(values, shape: tensors[index].tensor.shape)
            }
        }

        /// Writes both files and loads them.
        func load() throws -> any Autoencoder {
            try folder.write(json.text(), to: "rel/sae/cfg.json")
            try writeSafetensors(tensors, to: "\(folder.path)/rel/sae/sae_weights.safetensors")
            let reference = try #require(try findAutoencoders(under: folder.path).first)
            return try loadAutoencoder(reference)
        }
    }

    /// Expects an error with a code and some words.
    private func expectRefusal(
        _ specimen: Specimen, _ code: AutoencoderDomain.Code, _ words: [String],
        location: Testing.SourceLocation = #_sourceLocation
    ) {
        #expect(sourceLocation: location) {
            try specimen.load()
        } throws: { error in
            (error as? AutoencoderError)?.code == code && words.allSatisfy("\(error)".contains)
                && (error as? AutoencoderError)?.advice != nil
        }
    }

    @Test(
        "A missing tensor is named", arguments: ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"])
    func missingTensor(name: String) throws {
        var specimen = try Specimen()
        specimen.tensors.removeAll { $0.name == name }
        expectRefusal(specimen, .missing, ["sae_weights.safetensors", "`\(name)`"])
    }

    @Test(
        "A tensor of other axes is named with what was expected",
        arguments: [
            ("W_enc", [24, 8]), ("W_dec", [8, 24]), ("b_enc", [23]), ("b_dec", [8, 1]),
            ("threshold", []),
        ])
    func wrongShape(name: String, shape: [Int]) throws {
        var specimen = try Specimen()
        for index in specimen.tensors.indices where specimen.tensors[index].name == name {
            specimen.tensors[index].tensor = Tensor(zeros: shape)
        }
        expectRefusal(specimen, .shape, ["`\(name)`", "\(shape)", "expected"])
    }

    @Test(
        "A value that is not finite is named with its place",
        arguments: [
            ("W_enc", 30, "[1, 6]"), ("W_dec", 30, "[3, 6]"), ("b_enc", 5, "[5]"),
            ("b_dec", 7, "[7]"),
            ("threshold", 0, "[0]"),
        ], [Float.nan, .infinity, -.infinity])
    func notFinite(place: (String, Int, String), value: Float) throws {
        var specimen = try Specimen()
        specimen.change(place.0) { $0[place.1] = value }
        expectRefusal(specimen, .notFinite, ["`\(place.0)`", "\(value)", place.2])
    }

    @Test(
        "A value that is not finite is found in 16-bit matrices",
        arguments: ["standard-bf16", "topk-f16"])
    func notFinite16(name: String) throws {
        var specimen = try Specimen(name)
        for index in specimen.tensors.indices where specimen.tensors[index].name == "W_dec" {
            let original = specimen.tensors[index].tensor
            let copy = Tensor(uninitialized: original.shape, type: original.type)
            copy.bytes.copyMemory(from: original.bytes, byteCount: original.byteCount)
            copy.bytes.storeBytes(of: 0x7FFF, toByteOffset: 2 * (11 * 8 + 3), as: UInt16.self)
            specimen.tensors[index].tensor = copy
        }
        expectRefusal(specimen, .notFinite, ["`W_dec`", "nan", "[11, 3]"])
    }

    @Test("A logarithm whose exponential is infinite is refused")
    func infiniteExponential() throws {
        var specimen = try Specimen("gated")
        specimen.change("r_mag") { $0[3] = 89 }
        expectRefusal(specimen, .notFinite, ["`r_mag`", "89.0", "[3]"])
    }

    @Test("A decoder of zeros is refused, one row of zeros is not")
    func zeroDecoder() throws {
        var specimen = try Specimen()
        specimen.change("W_dec") {
            $0.replaceSubrange(0..<8, with: [Float](repeating: 0, count: 8))
        }
        let scale = try #require(try specimen.load().latentScale)
        #expect(scale[0] == 1e-8)
        specimen.change("W_dec") { $0 = [Float](repeating: 0, count: $0.count) }
        expectRefusal(specimen, .malformed, ["W_dec", "zero"])
    }

    @Test("A tensor that the architecture does not have is named")
    func unknownTensor() throws {
        var specimen = try Specimen()
        specimen.tensors.append(("W_skip", Tensor(zeros: [8, 8])))
        expectRefusal(specimen, .unknownTensor, ["`W_skip`"])
    }

    @Test("A scaling factor of ones is dropped; any other needs the configuration's word")
    func scalingFactor() throws {
        var specimen = try Specimen()
        specimen.tensors.append(
            ("scaling_factor", Tensor([Float](repeating: 1, count: 24), shape: [24])))
        #expect(try specimen.load().description.latents == 24)
        specimen.change("scaling_factor") { $0[4] = 1.5 }
        expectRefusal(specimen, .malformed, ["scaling_factor", "finetuning_scaling_factor: true"])
        specimen = try Specimen("finetuned")
        specimen.tensors.removeAll { $0.name == "scaling_factor" }
        expectRefusal(specimen, .missing, ["scaling_factor"])
    }

    @Test("A transcoder without its output's length or hook is refused, and so is an input bias")
    func transcoders() throws {
        var specimen = try Specimen("transcoder")
        let json = specimen.json
        specimen.json = json.setting("d_out", to: .null)
        expectRefusal(specimen, .missing, ["d_out"])
        specimen.json = json.setting("d_out", to: .integer(8))
        expectRefusal(specimen, .shape, ["W_dec", "[latents, output] = [24, 8]"])
        specimen.json = json.setting("apply_b_dec_to_input", to: .bool(true))
        expectRefusal(specimen, .malformed, ["apply_b_dec_to_input", "transcoder"])
        let metadata = try #require(json["metadata"])
        specimen.json = json.setting("metadata", to: metadata.setting("hook_name_out", to: .null))
        expectRefusal(specimen, .missing, ["hook_name_out"])
    }

    @Test("Heads side by side are read as they lie, single heads are refused")
    func heads() throws {
        var specimen = try Specimen()
        specimen.json = specimen.json.setting("reshape_activations", to: .string("hook_z"))
        #expect(try specimen.load().description.latents == 24)
        let metadata = try #require(specimen.json["metadata"])
        specimen.json = specimen.json.setting(
            "metadata", to: metadata.setting("hook_head_index", to: .integer(3)))
        expectRefusal(specimen, .unsupported, ["hook_head_index", "3"])
    }

    @Test("Weights stored as integers are refused")
    func integerWeights() throws {
        var specimen = try Specimen()
        for index in specimen.tensors.indices where specimen.tensors[index].name == "b_enc" {
            specimen.tensors[index].tensor = Tensor(uninitialized: [24], type: .int32)
        }
        expectRefusal(specimen, .malformed, ["`b_enc`", "int32"])
    }

    @Test(
        "A truncated weight file is refused, wherever it ends", arguments: [0, 7, 100, 900, 2095])
    func truncated(length: Int) throws {
        let folder = try TemporaryFolder()
        try folder.copyFixture("jumprelu", to: "rel/sae")
        let path = "\(folder.path)/rel/sae/sae_weights.safetensors"
        try writeFile(Array(try readFile(path).prefix(length)), to: path)
        let reference = try #require(try findAutoencoders(under: folder.path).first)
        #expect { try loadAutoencoder(reference) } throws: {
            $0 is FormatError && "\($0)".contains("sae_weights.safetensors")
        }
    }

    @Test("A changed byte anywhere is refused or read, and nothing traps", arguments: 0..<8)
    func changedBytes(part: Int) throws {
        let folder = try TemporaryFolder()
        let name = part % 2 == 0 ? "gated" : "v4-topk"
        try folder.copyFixture(name, to: "rel/sae")
        var (refused, read) = (0, 0)
        for file in ["cfg.json", "sae_weights.safetensors"] {
            let path = "\(folder.path)/rel/sae/\(file)"
            let original = try readFile(path)
            // All of the configuration and of the header, a sample of the values.
            for position in stride(from: part / 2, to: min(original.count, 700), by: 4) {
                var bytes = original
                bytes[position] ^= UInt8(1 << (position % 8))
                try writeFile(bytes, to: path)
                let found = (try? findAutoencoders(under: folder.path)) ?? []
                let loaded = found.compactMap { try? loadAutoencoder($0) }
                if loaded.isEmpty { refused += 1 } else { read += 1 }
            }
            try writeFile(original, to: path)
        }
        #expect(refused > 0 && read > 0, "\(refused) refused, \(read) read")
    }

    /// A setting that must be refused.
    struct Setting: Sendable, CustomTestStringConvertible {
        var key: String
        var value: JSON
        var code: AutoencoderDomain.Code
        var words: [String]
        var testDescription: String { "\(key) = \(value.text())" }
    }

    static let settings = [
        Setting(
            key: "architecture", value: .string("topkk"), code: .unsupported,
            words: ["`topkk` is unknown", "`topk`", "gated"]),
        Setting(
            key: "architecture", value: .string("temporal"), code: .unsupported,
            words: ["`temporal` is not computed yet"]),
        Setting(
            key: "architecture", value: .string("abstopk"), code: .unsupported,
            words: ["`abstopk` is not computed yet"]),
        Setting(key: "architecture", value: .integer(3), code: .malformed, words: ["architecture"]),
        Setting(key: "d_in", value: .integer(9), code: .shape, words: ["W_enc", "[9, 24]"]),
        Setting(key: "d_sae", value: .integer(25), code: .shape, words: ["W_enc", "[8, 25]"]),
        Setting(key: "d_sae", value: .integer(0), code: .malformed, words: ["d_sae", "0"]),
        Setting(key: "d_sae", value: .integer(-24), code: .malformed, words: ["d_sae", "-24"]),
        Setting(key: "d_in", value: .integer(.max), code: .malformed, words: ["d_in"]),
        Setting(key: "d_in", value: .string("8"), code: .malformed, words: ["d_in", "\"8\""]),
        Setting(key: "d_in", value: .null, code: .missing, words: ["d_in"]),
        Setting(
            key: "normalize_activations", value: .string("expected_average_only_in"),
            code: .missing, words: ["expected_average_only_in", "norm_scaling_factor"]),
        Setting(
            key: "reshape_activations", value: .string("hook_q"), code: .unsupported,
            words: ["`hook_q` is unknown"]),
        Setting(
            key: "normalize_activations", value: .string("covariance_whitening"),
            code: .unsupported, words: ["covariance_whitening", "matrix"]),
        Setting(
            key: "normalize_activations", value: .string("layernorm"), code: .unsupported,
            words: ["`layernorm` is unknown", "`layer_norm`"]),
        Setting(
            key: "apply_b_dec_to_input", value: .string("yes"), code: .malformed,
            words: ["apply_b_dec_to_input", "\"yes\""]),
        Setting(
            key: "metadata", value: .object(["sae_lens_version": .string("6.0.0")]),
            code: .missing, words: ["hook"]),
        Setting(
            key: "metadata", value: .object(["sae_lens_version": .string("six")]),
            code: .malformed, words: ["`six`"]),
    ]

    @Test("A setting that is not computed is refused by name", arguments: settings)
    func setting(_ setting: Setting) throws {
        var specimen = try Specimen()
        specimen.json = specimen.json.setting(setting.key, to: setting.value)
        expectRefusal(
            specimen, setting.code,
            ["cfg.json"].filter { _ in setting.code != .shape } + setting.words)
    }

    @Test("A k outside the latents is refused", arguments: [0, -1, 25])
    func wrongK(k: Int) throws {
        var specimen = try Specimen("topk")
        specimen.json = specimen.json.setting("k", to: .integer(k))
        expectRefusal(specimen, .malformed, ["`k` is \(k)", "1 to 24"])
    }

    @Test(
        "Old activation functions and normalisations that are not computed are refused",
        arguments: [
            ("activation_fn_str", JSON.string("tanh-relu"), "tanh-relu"),
            ("activation_fn_str", .string("topk"), "activation_fn_kwargs.k"),
            ("normalize_activations", .bool(true), "expected_average_only_in"),
            ("hook_point_head_index", .integer(2), "hook_head_index"),
        ])
    func oldSettings(key: String, value: JSON, word: String) throws {
        var specimen = try Specimen("v3")
        specimen.json = specimen.json.setting(key, to: value)
        #expect { try specimen.load() } throws: {
            "\($0)".contains(word) && "\($0)".contains("cfg.json")
        }
    }
}
