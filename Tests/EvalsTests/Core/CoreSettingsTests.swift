import Basics
import EvalKit
import Testing

@testable import Evals

/// Settings from JSON text.
private func read(_ text: String) throws -> CoreSettings {
    try CoreSettings(
        config: try JSON(parsing: Array(text.utf8), source: "a config"), owner: "evals.core")
}

/// The error of reading settings.
private func readingError(_ text: String) throws -> EvaluationError {
    try #require(throws: EvaluationError.self) { _ = try read(text) }
}

struct CoreSettingsTests {
    @Test("Defaults are those of SAE Bench", arguments: ["null", "{}"])
    func defaults(text: String) throws {
        #expect(
            try read(text).json.text()
                == #"{"batch_size_prompts": 16, "context_size": 128, "#
                + #""dataset": "Skylion007/openwebtext", "#
                + #""exclude_special_tokens_from_reconstruction": false, "#
                + #""n_eval_reconstruction_batches": 10, "#
                + #""n_eval_sparsity_variance_batches": 1}"#)
    }

    @Test("Given keys replace defaults and survive a second reading")
    func given() throws {
        let settings = try read(
            #"{"context_size": 64, "dataset": "a/b", "#
                + #""exclude_special_tokens_from_reconstruction": true}"#
        )
        #expect(settings.contextSize == 64)
        #expect(settings.dataset == "a/b")
        #expect(settings.excludeSpecialTokensFromReconstruction)
        #expect(settings.batchSizePrompts == 16)
        #expect(try read(settings.json.text()).json.text() == settings.json.text())
    }

    @Test(
        "An unknown key is named with the nearest known one",
        arguments: [
            ("contextsize", "context_size"), ("batch_size", "batch_size_prompts"),
            ("contextSize", "context_size"),
            ("n_eval_reconstruction_batch", "n_eval_reconstruction_batches"),
        ])
    func unknownKey(key: String, nearest: String) throws {
        let error = try readingError("{\"\(key)\": 1}")
        #expect(error.code == .unknownKey)
        #expect(error.message.contains("`\(key)` of `evals.core`"))
        #expect(error.advice?.hasPrefix("`\(nearest)`") == true)
    }

    @Test(
        "A value of another type is named with its key and an example",
        arguments: [
            ("context_size", "\"128\"", "128"), ("context_size", "12.5", "128"),
            ("context_size", "null", "128"),
            ("context_size", "[128]", "128"), ("context_size", "true", "128"),
            ("context_size", "Infinity", "128"),
            ("context_size", "NaN", "128"), ("context_size", "1e30", "128"),
            ("dataset", "5", "\"Skylion007"),
            ("dataset", "{\"a\": 1}", "\"Skylion007"),
            ("exclude_special_tokens_from_reconstruction", "1", "false"),
            ("exclude_special_tokens_from_reconstruction", "\"yes\"", "false"),
        ])
    func wrongType(key: String, value: String, example: String) throws {
        let error = try readingError("{\"\(key)\": \(value)}")
        #expect(error.code == .wrongType)
        #expect(error.message.contains("`evals.core.\(key)`"))
        #expect(error.advice?.contains(example) == true)
    }

    @Test(
        "Settings that are no keys at all are refused", arguments: ["5", "[]", "\"core\"", "true"])
    func noKeys(text: String) throws {
        #expect(try readingError(text).code == .wrongType)
    }

    @Test(
        "A value out of range is named with what is allowed",
        arguments: [
            ("context_size", 1, "2"), ("context_size", -128, "2"), ("batch_size_prompts", 0, "1"),
            ("n_eval_reconstruction_batches", 0, "1"),
            ("n_eval_sparsity_variance_batches", -1, "1"),
            ("context_size", 4_000_000_000, "2"),
        ])
    func outOfRange(key: String, value: Int, least: String) throws {
        let error = try readingError("{\"\(key)\": \(value)}")
        #expect(error.code == .outOfRange)
        #expect(error.message == "`core.\(key)` is \(value)")
        #expect(error.advice?.contains(least) == true)
    }

    @Test("Sizes whose product overflows are refused")
    func overflow() throws {
        let large = "100000000"
        let error = try readingError(
            "{\"n_eval_reconstruction_batches\": \(large), \"batch_size_prompts\": \(large), "
                + "\"context_size\": \(large)}"
        )
        #expect(error.code == .outOfRange)
    }

    @Test("The catalogue makes evaluations from settings")
    func catalogue() throws {
        let entry = try #require(evaluationCatalogue.first { $0.identifier == "core" })
        #expect(entry.defaults.text() == (try CoreSettings().json.text()))
        #expect(
            try entry.make(.object(["context_size": .integer(32)])).settings["context_size"]?
                .integer == 32)
        #expect(throws: EvaluationError.self) { try entry.make(.object(["context": .integer(32)])) }
        #expect(Set(evaluationCatalogue.map(\.identifier)).count == evaluationCatalogue.count)
    }
}
