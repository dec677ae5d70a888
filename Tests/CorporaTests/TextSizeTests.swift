import Testing

@testable import Corpora

struct TextSizeTests {
    /// A request for texts of 128 tokens.
    private func request(
        _ dataset: String, _ selection: TextSelection, stored: TextRequest.StoredTokens = .content
    ) -> TextRequest {
        TextRequest(dataset: dataset, selection: selection, contextLength: 128, stored: stored)
    }

    @Test("Texts of classes are half of both sets for each class, at full length")
    func classes() throws {
        let family = request(
            "LabHC/bias_in_bios_class_set1", .classes(train: 4000, test: 1000, seed: 42))
        #expect(try family.size() == TextSize(texts: 12_500, tokens: 1_600_000, isBound: true))
        let chosen = request(
            "LabHC/bias_in_bios_class_set1",
            .classes(train: 400, test: 200, seed: 42, classes: ["1", "2"]))
        #expect(try chosen.size().texts == 600)
    }

    @Test("Groups of a pair share texts")
    func pair() throws {
        let size = try request(
            "LabHC/bias_in_bios_class_set1",
            .pair(first: "professor", second: "nurse", train: 4000, test: 1000, seed: 42)
        ).size()
        #expect(size.texts == 7500 && size.isBound)
    }

    @Test("Binary datasets are known by number, and others count as full")
    func binary() throws {
        let known = try request("22_headline_isobama", .binary(limit: 5000), stored: .last).size()
        #expect(known.texts == 1656 && known.tokens == 1656 * 15 && !known.isBound)
        let long = try request("94_ai_gen", .binary(limit: 100)).size()
        #expect(long.texts == 100 && long.tokens == 100 * 128)
        let unknown = try request("mine", .binary(limit: 10)).size()
        #expect(unknown == TextSize(texts: 10, tokens: 1280, isBound: true))
    }

    @Test("Where the last token alone is stored there is one for each text")
    func stored() throws {
        let last = request("22_headline_isobama", .binary(limit: 5000), stored: .last)
        #expect(try last.size().storedTokens(of: last) == 1656)
        let content = request("22_headline_isobama", .binary(limit: 5000))
        #expect(try content.size().storedTokens(of: content) == 1656 * 15)
    }

    @Test("A family that nobody knows is refused by name")
    func unknown() throws {
        let error = try #require(throws: CorporaError.self) {
            _ = try request("org/none", .classes(train: 4, test: 4, seed: 1)).size()
        }
        #expect(error.code == .unknown)
    }

    @Test("A config may name a dataset by its id, by that of its source or as one of a folder")
    func names() throws {
        let part = request("LabHC/bias_in_bios_class_set2", .classes(train: 8, test: 8, seed: 1))
        #expect(try part.datasetNames == ["LabHC/bias_in_bios_class_set2", "LabHC/bias_in_bios"])
        #expect(try request("5_hist", .binary(limit: 8)).datasetNames == ["5_hist", "sae-probes"])
        #expect(throws: CorporaError.self) {
            try request("5_hist", .classes(train: 8, test: 8, seed: 1)).datasetNames
        }
    }
}
