import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// The `dtype` of a configuration of SAELens.
struct RoundingTests {
    private let backend = ReferenceBackend()

    /// A copy of a fixture whose configuration names another type, and one whose weights are rounded
    /// to that type beforehand.
    private func copies(
        of name: String, type: ElementType, spelling: String
    ) throws -> (folder: TemporaryFolder, stated: String, rounded: String) {
        let folder = try TemporaryFolder()
        for copy in ["set/stated", "set/rounded"] { try folder.copyFixture(name, to: copy) }
        let path = "\(folder.path)/set/stated/cfg.json"
        let json = try JSON(file: path).setting("dtype", to: .string(spelling))
        try writeFile(Array(json.text().utf8), to: path)
        let weights = "\(folder.path)/set/rounded/sae_weights.safetensors"
        let file = try SafetensorsFile(path: weights)
        let tensors = try file.tensorNames.map { name in
            let narrow = try backend.convert(backend.widen(file.tensor(name)), to: type)
            return (name: name, tensor: Tensor(narrow.values, shape: narrow.shape))
        }
        try writeSafetensors(tensors, to: weights)
        return (folder, "\(folder.path)/set/stated", "\(folder.path)/set/rounded")
    }

    /// Codes and reconstructions of some rows.
    private func numbers(_ autoencoder: any Autoencoder) throws -> [Float] {
        let x = Tensor((0..<64).map { Float(($0 * 5) % 13) / 4 - 1.3 }, shape: [8, 8])
        let codes = try autoencoder.encode(x, on: backend)
        return dense(codes) + (try autoencoder.decode(codes, of: x, on: backend).values)
    }

    @Test(
        "Weights are rounded to the type that the configuration names, as `load_from_disk` does",
        arguments: ["standard", "gated", "jumprelu", "topk", "batchtopk-training"],
        [("bfloat16", ElementType.bfloat16), ("torch.float16", .float16)])
    func rounded(name: String, type: (spelling: String, type: ElementType)) throws {
        let copies = try copies(of: name, type: type.type, spelling: type.spelling)
        let (stated, rounded) = (try load(copies.stated), try load(copies.rounded))
        let plain = try fixture(name, folding: false)
        #expect(try numbers(stated) == numbers(rounded))
        #expect(try numbers(stated) != numbers(plain))
        #expect(stated.description.storedType == type.type)
        #expect(stated.description.configuration["dtype"]?.text == "float32")
    }

    @Test("Rounding is said and is part of the content key; float32 is neither")
    func keys() throws {
        let copies = try copies(of: "standard", type: .bfloat16, spelling: "bfloat16")
        var reference = try #require(try findAutoencoders(under: copies.stated).first)
        #expect(reference.roundingType == .bfloat16)
        #expect(reference.notes.count == 1 && reference.notes[0].contains("rounded to bfloat16"))
        #expect(try load(copies.stated).description.notes == reference.notes)
        let key = try reference.contentHash()
        reference.readAsPublished()
        #expect(reference.roundingType == nil && reference.notes.isEmpty)
        #expect(try reference.contentHash() != key)
        let loaded = try loadAutoencoder(reference, foldingDecoderNorms: false)
        #expect(try numbers(loaded) == numbers(fixture("standard", folding: false)))
        let plain = try #require(try findAutoencoders(under: copies.rounded).first)
        #expect(plain.roundingType == nil && plain.notes.isEmpty)
    }

    @Test("By a name of the directory weights are float32, whatever the configuration names")
    func published() throws {
        let copies = try copies(of: "standard", type: .bfloat16, spelling: "bfloat16")
        let hub = try FakeHub()
        let entry = try publishedEntry("gpt2-small-res-jb", "blocks.8.hook_resid_pre")
        try hub.add(entry, from: "tiny-res/standard")
        let path = "\(hub.folder.path)/\(hub.snapshot(entry.repository))/\(entry.path)/cfg.json"
        try writeFile(readFile("\(copies.stated)/cfg.json"), to: path)
        let reference = try entry.reference(in: hub.cache)
        #expect(reference.roundingType == nil && reference.notes.isEmpty)
        let loaded = try loadAutoencoder(reference, foldingDecoderNorms: false)
        #expect(try numbers(loaded) == numbers(fixture("standard", folding: false)))
    }

    @Test("Names that are no type of weights are refused with the nearest")
    func unknown() throws {
        let copies = try copies(of: "standard", type: .bfloat16, spelling: "bfloat17")
        #expect { try load(copies.stated) } throws: {
            "\($0)".contains("`dtype` is \"bfloat17\"") && "\($0)".contains("`bfloat16`")
        }
    }

    @Test("A weight beyond the range of float16 is refused by its tensor")
    func range() throws {
        let folder = try TemporaryFolder()
        let shapes: [(String, [Int])] = [
            ("W_enc", [2, 3]), ("W_dec", [3, 2]), ("b_enc", [3]), ("b_dec", [2]),
        ]
        let tensors = shapes.map { name, shape in
            let count = shape.reduce(1, *)
            return (
                name: name,
                tensor: Tensor(
                    [Float](repeating: name == "b_enc" ? 70_000 : 1, count: count), shape: shape)
            )
        }
        let json = configuration("standard", modelSize: 2, latents: 3)
            .setting("dtype", to: .string("float16"))
        try folder.write(json.text(), to: "sae/cfg.json")
        try writeSafetensors(tensors, to: "\(folder.path)/sae/sae_weights.safetensors")
        #expect { try load("\(folder.path)/sae") } throws: {
            "\($0)".contains("`b_enc` holds 70000.0") && "\($0)".contains("set `dtype` to float32")
        }
    }
}
