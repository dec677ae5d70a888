import Autoencoders
import Basics
import Formats
import Hub
import Testing

@testable import Plans
@testable import Provisioning

/// A config with entries of `saes`.
private func read(_ saes: String) throws -> RunConfiguration {
    try configuration("model: m\noutput: o\nevals: [core]\nsaes: \(saes)")
}

/// The error of a config with entries of `saes`.
private func readError(_ saes: String) throws -> RunError {
    try configurationError("model: m\noutput: o\nevals: [core]\nsaes: \(saes)")
}

struct PublishedSelectionTests {
    @Test(
        "Release and id are read, the id may be left out, and writing them gives them back",
        arguments: [
            (
                "{release: 'gemma-scope-2b-pt-res.*', id: 'layer_(5|12|19)/width_16k/.*'}",
                "gemma-scope-2b-pt-res.*", "layer_(5|12|19)/width_16k/.*"
            ),
            ("{release: gpt2-small-res-jb}", "gpt2-small-res-jb", ".*"),
            ("{release: gpt2-small-res-jb, id: ~}", "gpt2-small-res-jb", ".*"),
            ("{release: x, id: 7}", "x", "7"),
        ])
    func forms(entry: String, release: String, id: String) throws {
        let selection = RunConfiguration.Selection.Source.published(release: release, id: id)
        for saes in ["[\(entry)]", entry] {
            let configuration = try read(saes)
            #expect(configuration.saes.map(\.source) == [selection])
            #expect(
                try Plans.RunConfiguration(
                    tree: configuration.tree, source: "again", origins: []
                ).saes.map(\.source) == [selection])
        }
    }

    @Test("Layers and an expression keep entries by what the directory knows of them")
    func kept() throws {
        let selection = try #require(
            try read(
                "[{release: 'gemma-scope-2b-pt-res.*', match: '.*canonical', layers: [5, 12]}]"
            )
            .saes.first)
        let all = try PublishedAutoencoders.matching(release: "gemma-scope-2b-pt-res.*")
        let kept = try selection.kept(of: all, in: HubCache())
        #expect(Set(kept.compactMap(\.layer)) == [5, 12])
        #expect(kept.allSatisfy { $0.id.hasSuffix("/canonical") } && kept.count > 2)
    }

    @Test(
        "An entry that names no source, or two, is refused with the forms there are",
        arguments: [
            "[{release: a, path: f}]", "[{release: a, repo: org/name}]", "[{id: a}]",
            "[{path: f, id: a}]", "[{release: a, folder: b}]", "[{layers: [1]}]",
        ])
    func sources(saes: String) throws {
        let error = try readError(saes)
        #expect(error.code == .badConfig)
        #expect(error.advice?.contains("`release:`") == true, "\(error)")
        #expect(error.advice?.contains("`path: FOLDER`") == true, "\(error)")
    }

    @Test(
        "What is no regular expression is refused with key and reason",
        arguments: [
            ("[{release: '('}]", "saes.release", "expected ')'"),
            ("[{release: a, id: '[b'}]", "saes.id", "`[b`"),
            ("[{release: a, id: '(?<=b)c'}]", "saes.id", "lookbehind"),
            ("[{release: [a]}]", "saes.release", "[\"a\"]"),
        ])
    func expressions(saes: String, key: String, reason: String) throws {
        let error = try readError(saes)
        #expect(error.code == .badConfig && error.advice != nil)
        #expect(error.message.contains(key) && error.message.contains(reason), "\(error)")
    }

    @Test("The files that a selection needs of the hub come by repository, once for each")
    func needs() throws {
        let configuration = try read(
            "[{release: 'gemma-scope-2b-pt-res.*', id: 'layer_12/width_16k/(average_l0_82|canonical)'},"
                + " {release: gpt2-small-res-jb, layers: [11]}]")
        let needs = try configuration.hubNeeds().filter { $0.purpose == "autoencoders" }
        #expect(
            needs.map(\.id.repository)
                == ["google/gemma-scope-2b-pt-res", "jbloom/GPT2-Small-SAEs-Reformatted"])
        let files = needs.map { need -> [String] in
            guard case .published(let entries) = need.content else { return [] }
            return entries.flatMap { $0.files }
        }
        #expect(
            files == [
                [String](
                    repeating: "layer_12/width_16k/average_l0_82/params.npz", count: 2),
                [
                    "blocks.11.hook_resid_pre/cfg.json",
                    "blocks.11.hook_resid_pre/sae_weights.safetensors",
                    "blocks.11.hook_resid_post/cfg.json",
                    "blocks.11.hook_resid_post/sae_weights.safetensors",
                ],
            ])
    }

    @Test(
        "Of a repository's files those of the entries are taken, optional ones where there are any")
    func files() throws {
        let need = try #require(
            try read("[{release: gpt2-small-res-jb, layers: [11]}]").hubNeeds().last)
        let paths = [
            "blocks.10.hook_resid_pre/cfg.json", "blocks.11.hook_resid_post/cfg.json",
            "blocks.11.hook_resid_post/sae_weights.safetensors",
            "blocks.11.hook_resid_post/sparsity.safetensors", "blocks.11.hook_resid_pre/cfg.json",
            "blocks.11.hook_resid_pre/sae_weights.safetensors", "README.md",
        ]
        func listing(_ paths: [String]) -> HubListing {
            HubListing(
                kind: .model, id: need.id, commit: String(repeating: "a", count: 40),
                files: paths.map { HubFile(path: $0, byteCount: 1, digest: .gitBlob("b")) })
        }
        let files = try need.files(of: listing(paths)) { _ in [] }
        #expect(files.map(\.path).sorted() == Array(paths[1..<6]))
        let error = try #require(throws: RunError.self) {
            _ = try need.files(of: listing(Array(paths.dropLast(2)))) { _ in [] }
        }
        #expect(
            error.message.contains("no blocks.11.hook_resid_pre/sae_weights.safetensors"),
            "\(error)")
        #expect(error.message.contains("gpt2-small-res-jb/blocks.11.hook_resid_pre"), "\(error)")
    }

    @Test("What the directory does not have is told before anything is looked up")
    func nothing() throws {
        for saes in [
            "[{release: gemma-scope-2b}]", "[{release: gpt2-small-res-jb, id: x}]",
            "[{release: gpt2-small-res-jb, layers: [77]}]",
        ] {
            let configuration = try read(saes)
            #expect(throws: (any Error).self) { try configuration.hubNeeds() }
        }
    }
}
