import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// How the layout of a folder is told.
struct LayoutRecognitionTests {
    private let backend = ReferenceBackend()

    @Test(
        "Files of the same names are told apart by their tensors",
        arguments: [
            ("llamascopium/topk", "llamascopium"),
            (
                "Llama-Scope-R1-Distill/400M-Slimpajama-400M-OpenR1-Math-220k/L3R",
                "llama_scope_r1_distill"
            ),
        ])
    func byTensors(fixture: String, layout: String) throws {
        let folder = try TemporaryFolder()
        let source = "\(LayoutTests.folder)/\(fixture)"
        for file in ["sae_weights.safetensors", "config.json"] {
            try folder.copy("\(source)/\(file)", to: "sae/\(file)")
        }
        try folder.write(
            "hook: blocks.3.hook_resid_post\nnorm_scaling_factor: 2.5\n", to: "sae/sae.yaml")
        let reference = try #require(try findAutoencoders(under: "\(folder.path)/sae").first)
        #expect(reference.layout == layout)
        // A configuration of SAELens beside it says nothing about these tensors.
        try folder.copy("\(fixtures)/tiny-res/standard/cfg.json", to: "sae/cfg.json")
        let again = try #require(try findAutoencoders(under: "\(folder.path)/sae").first)
        #expect(again.layout == layout)
    }

    @Test("Tensors of no layout are listed before anything is asked of the owner")
    func neither() throws {
        let folder = try TemporaryFolder()
        let tensors = [("w1", Tensor(zeros: [2, 4])), ("w2", Tensor(zeros: [4, 2]))]
        for (name, configuration, weights) in [
            ("openmoss", "config.json", "sae_weights.safetensors"),
            ("saelens", "cfg.json", "sae_weights.safetensors"),
            ("sparsify", "cfg.json", "sae.safetensors"),
            ("llama", "hyperparams.json", "checkpoints/final.safetensors"),
        ] {
            let place = "\(folder.path)/\(name)"
            try folder.write("{}", to: "\(name)/\(configuration)")
            try makeFolder(parentFolder(of: "\(place)/\(weights)"))
            try writeSafetensors(tensors, to: "\(place)/\(weights)")
            #expect { try findAutoencoders(under: place) } throws: {
                "\($0)".contains("w1, w2, none of which") && "\($0)".contains("layout: custom")
            }
        }
    }

    @Test("A sae.yaml that names the wrong layout is told the one that the tensors are of")
    func wrongLayout() throws {
        let folder = try TemporaryFolder()
        for file in ["sae_weights.safetensors", "config.json"] {
            try folder.copy(
                "\(LayoutTests.folder)/llamascopium/topk/\(file)", to: "sae/\(file)")
        }
        try folder.write("layout: llama_scope_r1_distill\n", to: "sae/sae.yaml")
        #expect { try findAutoencoders(under: "\(folder.path)/sae") } throws: {
            "\($0)".contains("W_D, W_E") && "\($0)".contains("`layout: llamascopium`")
        }
    }

    @Test(
        "Checkpoints of OpenMOSS that are not read say how to save them",
        arguments: ["sae_weights.dcp/.metadata", "sae_weights.pt"])
    func otherCheckpoints(file: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("{}", to: "sae/config.json")
        try folder.write("x", to: "sae/\(file)")
        #expect { try findAutoencoders(under: folder.path) } throws: {
            "\($0)".contains(file.prefix(14)) && "\($0)".contains("save_pretrained")
        }
    }

    @Test("The last checkpoint of a training of OpenMOSS is read, and what was saved before it")
    func checkpoints() throws {
        let source = "\(LayoutTests.folder)/llamascopium/topk"
        let expected = try LayoutTable.signature(of: source)
        let other = "\(LayoutTests.folder)/llamascopium/relu/sae_weights.safetensors"
        let folder = try TemporaryFolder()
        try folder.copy("\(source)/config.json", to: "sae/config.json")
        try folder.copy(other, to: "sae/checkpoints/final.safetensors")
        for file in ["checkpoints/final", "checkpoints/pruned", "sae_weights"] {
            try folder.copy(
                "\(source)/sae_weights.safetensors", to: "sae/\(file).safetensors")
            let reference = try #require(try findAutoencoders(under: folder.path).first)
            #expect(reference.layout == "llamascopium" && reference.files[0].hasPrefix(file))
            #expect(try LayoutTable.signature(of: "\(folder.path)/sae") == expected)
        }
    }

    @Test("A file of OpenAI's is found by its tensors, whatever it is called")
    func openAI() throws {
        let folder = try TemporaryFolder()
        let source = "\(LayoutTests.folder)/resid_post_mlp_v5_32k/autoencoders"
        let file = try #require(try folderContents(source).first)
        try folder.copy("\(source)/\(file)", to: "mine/best one.pt")
        #expect { try findAutoencoders(under: folder.path) } throws: {
            "\($0)".contains("layout: openai") && "\($0)".contains("hook:")
        }
        try folder.write(
            "hook: blocks.3.hook_resid_post\nmodel: gpt2\n", to: "mine/sae.yaml")
        let reference = try #require(try findAutoencoders(under: folder.path).first)
        #expect(reference.layout == "openai")
        let x = Tensor((0..<16).map { Float($0 % 5) - 2 }, shape: [2, 8])
        let original = try load(source)
        let copy = try loadAutoencoder(reference)
        #expect(
            try dense(copy.encode(x, on: backend)) == dense(original.encode(x, on: backend)))
    }

    @Test("An average norm that is no number above 0 is refused with what to write instead")
    func wrongNorm() throws {
        for value in [Float(0), -.infinity, .nan] {
            let folder = try TemporaryFolder()
            let source = "\(LayoutTests.folder)/llamascopium/jumprelu"
            try folder.copy("\(source)/config.json", to: "sae/config.json")
            let file = try SafetensorsFile(path: "\(source)/sae_weights.safetensors")
            let tensors = try file.tensorNames.map { name in
                let isNorm = name.hasPrefix("dataset_average")
                return (
                    name: name, tensor: isNorm ? Tensor([value], shape: []) : try file.tensor(name)
                )
            }
            try writeSafetensors(tensors, to: "\(folder.path)/sae/sae_weights.safetensors")
            #expect { try findAutoencoders(under: "\(folder.path)/sae") } throws: {
                "\($0)".contains("dataset_average_activation_norm.blocks.3.hook_resid_post")
                    && "\($0)".contains("norm_scaling_factor:")
            }
            try folder.write("norm_scaling_factor: 0.5\n", to: "sae/sae.yaml")
            _ = try load("\(folder.path)/sae")
        }
    }
}
