import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Autoencoders that cannot be evaluated beside one that can.
    @Suite("Wrong autoencoders")
    struct WrongAutoencoderTests {
        /// A whole autoencoder of the quickstart.
        static let whole =
            "configs/quickstart/saes/sae_lens/toyworld-res/blocks.1.hook_resid_post__relu"

        /// A way to spoil an autoencoder.
        struct Fault: Sendable, CustomTestStringConvertible {
            var testDescription: String
            /// What the failure's sentence contains besides the folder.
            var says: [String]
            /// Whether it shows only while units run, so that ranks must tell each other.
            var isFoundLate = false
            /// Spoils the autoencoder in a folder.
            var spoil: @Sendable (String) throws -> Void
        }

        static let faults = [
            Fault(
                testDescription: "of the wrong width",
                says: ["64 numbers", "has 128", "trained on"],
                spoil: { try edit($0, "\"d_in\": 128", "\"d_in\": 64") }),
            Fault(
                testDescription: "of a layer that the model lacks",
                says: ["blocks.9.hook_resid_post", "0 to 3", "trained on"],
                spoil: { try edit($0, "blocks.1.hook", "blocks.9.hook") }),
            Fault(
                testDescription: "at an unknown hook", says: ["blocks.1.hook_nowhere"],
                spoil: { try edit($0, "blocks.1.hook_resid_post", "blocks.1.hook_nowhere") }),
            Fault(
                testDescription: "that is a transcoder",
                says: ["transcoder", "blocks.1.hook_mlp_out", "what they read"],
                spoil: {
                    try edit(
                        $0, "\"architecture\": \"standard\"",
                        "\"architecture\": \"transcoder\", \"d_out\": 128")
                    try edit(
                        $0, "\"apply_b_dec_to_input\": true", "\"apply_b_dec_to_input\": false")
                    try edit(
                        $0, "\"hook_name\":",
                        "\"hook_name_out\": \"blocks.1.hook_mlp_out\", \"hook_name\":")
                }),
            Fault(
                testDescription: "at a site that parallel blocks lack",
                says: ["blocks.1.hook_resid_mid", "parallel", "blocks.1.hook_resid_pre"],
                spoil: { try edit($0, "blocks.1.hook_resid_post", "blocks.1.hook_resid_mid") }),
            Fault(
                testDescription: "with truncated weights",
                says: ["sae_weights.safetensors", "99712 bytes", "download"],
                isFoundLate: true,
                spoil: { try truncateFile($0 + "/sae_weights.safetensors", to: 100_000) }),
            Fault(
                testDescription: "with a weight that is not a number",
                says: ["sae_weights.safetensors", "nan", "damaged"],
                isFoundLate: true,
                spoil: { folder in
                    let path = folder + "/sae_weights.safetensors"
                    var bytes = try readFile(path)
                    bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
                    try writeFile(bytes, to: path)
                }),
            Fault(
                testDescription: "of an unknown architecture",
                says: ["cfg.json", "`quantum`", "standard"],
                spoil: {
                    try edit($0, "\"architecture\": \"standard\"", "\"architecture\": \"quantum\"")
                }),
            Fault(
                testDescription: "with a config that is no JSON",
                says: ["cfg.json", "not valid JSON"],
                spoil: { try writeFile(Array("{".utf8), to: $0 + "/cfg.json") }),
            Fault(
                testDescription: "without weights", says: ["sae_weights.safetensors"],
                spoil: { unlink($0 + "/sae_weights.safetensors") }),
        ]

        /// Replaces a text in an autoencoder's config.
        static func edit(_ folder: String, _ old: String, _ new: String) throws {
            let path = folder + "/cfg.json"
            let text = String(decoding: try readFile(path), as: UTF8.self)
            try #require(text.contains(old))
            unlink(path)
            try writeFile(Array(text.replacing(old, with: new).utf8), to: path)
        }

        @Test(
            "It fails alone, by name; after it is mended the same command finishes",
            arguments: faults)
        func failsAlone(_ fault: Fault) throws {
            let bench = try Workbench()
            try bench.copy(Self.whole, to: "saes/good")
            try bench.copy(Self.whole, to: "saes/spoilt")
            try fault.spoil(bench.file("saes/spoilt"))
            let run = bench.tiny(saes: bench.file("saes"))

            for ranks in fault.isFoundLate ? [nil, 3] : [nil] {
                let ending = try bench.saeval(run, ranks: ranks)
                #expect(ending.status == 1, "\(ending)")
                #expect(ending.output.contains("saes/good"), "\(ending)")
                let sentences = ending.errors.split(separator: "\n").filter {
                    $0.hasPrefix("saeval: not evaluated: ")
                }
                #expect(sentences.count == 1, "\(ending)")
                for part in ["saes/spoilt"] + fault.says {
                    #expect(
                        sentences.first?.contains(part) == true, "does not say “\(part)”: \(ending)"
                    )
                }
                #expect(
                    try bench.results().texts.keys.sorted() == [
                        "eval_results/core/saes_good_eval_results.json", "results.csv",
                    ])
            }
            let status = try bench.saeval(["status", bench.output])
            #expect(status.status == 1)
            #expect(status.output.contains("spoilt"), "\(status)")
            let check = try bench.saeval(["check"] + run.dropFirst())
            #expect(check.status == 1)
            #expect(check.errors.contains("cannot be evaluated: "), "\(check)")

            try bench.remove("saes/spoilt")
            try bench.copy(Self.whole, to: "saes/spoilt")
            let mended = try bench.saeval(run, ranks: fault.isFoundLate ? 2 : nil)
            #expect(mended.status == 0, "\(mended)")
            #expect(try bench.results().texts.count == 3)
            let done = try bench.saeval(["status", bench.output])
            #expect(done.status == 0, "\(done)")
            #expect(done.output.contains(": done"), "\(done)")
        }

        @Test("When none can be evaluated, that is an error of the config", arguments: faults[..<4])
        func noneLeft(_ fault: Fault) throws {
            let bench = try Workbench()
            try bench.copy(Self.whole, to: "saes/spoilt")
            try fault.spoil(bench.file("saes/spoilt"))
            let ending = try bench.saeval(bench.tiny(saes: bench.file("saes")))
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("spoilt"), "\(ending)")
            for part in fault.says { #expect(ending.errors.contains(part), "\(ending)") }
            bench.expectNoResults()
        }

        @Test(
            "A folder without autoencoders, or no folder, is named",
            arguments: [("empty", "holds no autoencoder"), ("missing", "does not exist")])
        func nothing(name: String, says: String) throws {
            let bench = try Workbench()
            try makeFolder(bench.file("empty"))
            let ending = try bench.saeval(bench.tiny(saes: bench.file(name)))
            #expect(ending.status == 64, "\(ending)")
            #expect(
                ending.errors.contains(bench.file(name)) && ending.errors.contains(says),
                "\(ending)")
            bench.expectNothingHalfWritten()
        }
    }
}

extension Workbench {
    /// Checks that no result is there.
    func expectNoResults() {
        #expect(files(below: output).filter { $0.contains("results") } == [])
    }
}
