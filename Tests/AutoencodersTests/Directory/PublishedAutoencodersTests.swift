import Basics
import Testing

@testable import Autoencoders

/// What SAELens and SAE Bench make of the directory.
private let expectations: JSON = {
    let folder = parentFolder(of: fixtures) + "/directory"
    return (try? JSON(file: "\(folder)/expectations.json")) ?? .null
}()

/// Regular expressions and what they select.
private struct Selection: CustomTestStringConvertible, Sendable {
    let release: String
    let id: String
    let count: Int
    let hash: String

    var testDescription: String { "\(release) \(id)" }

    /// Those of the fixture.
    static let all: [Selection] = (expectations["selections"]?.elements ?? []).map { entry in
        Selection(
            release: entry["release"]?.text ?? "", id: entry["id"]?.text ?? "",
            count: entry["count"]?.integer ?? -1, hash: entry["hash"]?.text ?? "")
    }
}

/// FNV-1a of 64 bits over lines, as hexadecimal digits.
private func hash(_ lines: some Sequence<String>) -> String {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for line in lines {
        for byte in line.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        value = (value ^ 0x0A) &* 0x100_0000_01B3
    }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

struct PublishedAutoencodersTests {
    @Test("The models are those of all entries")
    func models() {
        let ofEntries = PublishedAutoencoders.all.flatMap {
            [$0.model] + ($0.facts.modelName.map { [$0] } ?? [])
        }
        #expect(PublishedAutoencoders.models == Set(ofEntries.filter { !$0.isEmpty }))
    }

    @Test("The directory has the releases and entries of SAELens, loader by loader")
    func totals() {
        let all = PublishedAutoencoders.all
        #expect(all.count == expectations["entries"]?.integer)
        #expect(all.count == 13_857)
        #expect(PublishedAutoencoders.releases.count == expectations["releases"]?.integer)
        #expect(PublishedAutoencoders.releases.count == 170)
        #expect(PublishedAutoencoders.version == expectations["sae_lens"]?.text)
        for layout in PublishedLayout.allCases {
            let entries = all.filter { $0.layout == layout }
            let counts = [Set(entries.map(\.release)).count, entries.count]
            #expect(
                counts == expectations["loaders"]?[layout.rawValue]?.elements?.map(\.integer),
                "\(layout.rawValue)")
        }
    }

    @Test("Every entry has the names, place, loader, model and numbers that SAELens gives it")
    func places() {
        let lines = PublishedAutoencoders.all.map { entry in
            [
                entry.release, entry.id, entry.repository, entry.path, entry.layout.rawValue,
                entry.model, "\(entry.l0 ?? 0)",
                entry.facts.normScalingFactor.map { "\($0)" } ?? "",
                entry.facts.overrides["neuronpedia_id"]?.text ?? "",
            ].joined(separator: "\t")
        }
        #expect(hash(lines) == expectations["places"]?.text)
    }

    @Test(
        "Hook, model and latents are those that the loaders of SAELens conclude from names",
        arguments: [
            "deepseek_r1", "gemma_2", "gemma_2_transcoder", "gemma_3", "goodfire", "qwen_scope",
        ])
    func facts(layout: String) {
        let lines = PublishedAutoencoders.all.filter { $0.layout.rawValue == layout }.map { entry in
            let latents = entry.latents.map { "\($0)" } ?? ""
            return [
                entry.release, entry.id, entry.hookName ?? "", entry.facts.modelName ?? "",
                layout == "gemma_3" ? "" : latents,
            ].joined(separator: "\t")
        }
        #expect(lines.count > 0 && hash(lines) == expectations["facts"]?[layout]?.text)
    }

    @Test("Releases carry the overrides of SAELens, and others none")
    func overrides() {
        var seen: [String: String] = [:]
        for entry in PublishedAutoencoders.all {
            let members = entry.facts.overrides.members ?? []
            let own = members.filter { $0.key != "neuronpedia_id" }
            seen[entry.release] =
                own.isEmpty ? nil : JSON.object(own.sorted { $0.key < $1.key }).text()
        }
        let expected = (expectations["overrides"]?.members ?? []).map { ($0.key, $0.value.text()) }
        #expect(expected.count == 15)
        #expect(seen == Dictionary(uniqueKeysWithValues: expected))
    }

    @Test(
        "Regular expressions select what SAE Bench selects, in its order", arguments: Selection.all)
    fileprivate func selection(_ selection: Selection) throws {
        if selection.count == 0 {
            #expect(throws: AutoencoderError.self) {
                try PublishedAutoencoders.matching(release: selection.release, id: selection.id)
            }
            return
        }
        let found = try PublishedAutoencoders.matching(
            release: selection.release, id: selection.id)
        #expect(found.count == selection.count)
        #expect(hash(found.map { "\($0.release)\t\($0.id)" }) == selection.hash)
    }

    @Test("The fixture holds the selection of the documentation and many others")
    func selections() {
        #expect(Selection.all.count >= 20)
        #expect(Selection.all.first?.release == "gemma-scope-2b-pt-res.*")
        #expect(Selection.all.first?.id == "layer_(5|12|19)/width_16k/.*")
        #expect(Selection.all.first?.count == 18)
    }

    @Test("Irregular entries of the directory are read like any other")
    func irregular() throws {
        let nested = try publishedEntry("gpt2-small-res_scefr-ajt", "blocks.10.hook_resid_pre")
        #expect(nested.path == "10-res_scefr-ajt" && nested.layer == 10)
        let suffixed = try publishedEntry(
            "gpt2-small-resid-post-v5-32k", "blocks.0.hook_resid_post")
        #expect(suffixed.files.first == "v5_32k_layer_0.pt/cfg.json")
        let numbered = try publishedEntry("mntss-gemma-2-2b-2.5m-clt-as-per-layer", "layer_7")
        #expect(numbered.path == "7" && numbered.layer == 7 && numbered.hookName == nil)
        #expect(numbered.files.last == "W_dec_7.safetensors")
        let embedding = try publishedEntry(
            "gemma-scope-2b-pt-res", "embedding/width_4k/average_l0_6")
        #expect(embedding.hookName == "hook_embed" && embedding.layer == 0)
        #expect(embedding.latents == 4096 && embedding.l0 == nil)
    }

    @Test(
        "What matches nothing or is no expression is an error with a remedy",
        arguments: [
            ("gemma-scope-2b-pt-rez", ".*", "gemma-scope-2b-pt-rez", "`gemma-scope-2b-pt-res`"),
            ("gemma-scop-2b-pt-res.*", ".*", "gemma-scop-2b", "`gemma-scope-2b-pt-res`"),
            ("gpt2-small-res-jb", "blocks.12.*", "blocks.12.*", "`blocks.0.hook_resid_pre`"),
            ("(", ".*", "expected ')'", "literally"),
            (".*", "a(?<=x)b", "lookbehind", "literally"),
        ])
    func wrong(release: String, id: String, says: String, advises: String) throws {
        let error = try #require(
            #expect(throws: AutoencoderError.self) {
                try PublishedAutoencoders.matching(release: release, id: id)
            })
        #expect(error.message.contains(says), "\(error)")
        #expect(error.advice?.contains(advises) == true, "\(error)")
    }
}
