import Basics
import Corpora
import LanguageModels
import Tensors
import Tokenizers

/// Keys of everything that is kept: a hash of all settings that can change a number and of the
/// files behind it.
package enum ContentKeys {
    /// Raised when arithmetic or a stored form changes.
    package static let version = "1"

    /// A model: its config and weights.
    package static func model(folder: String, files: [String]) throws -> ContentHash {
        var parts = [
            ("version", version), ("config", try ContentHash.of(file: "\(folder)/config.json").hex),
        ]
        for file in files {
            parts.append((lastComponent(of: file), try ContentHash.of(file: file).hex))
        }
        return ContentHash.of(parts: parts)
    }

    /// Rows of tokens: dataset, tokenizer and shape.
    package static func rows(
        dataset path: String, tokenizer folder: String, request: (size: Int, rows: Int, bos: Bool)
    ) throws -> ContentHash {
        var parts = [("version", version), ("dataset", try ContentHash.of(file: path).hex)]
        for file in tokenizerFiles(folder) {
            parts.append((lastComponent(of: file), try ContentHash.of(file: file).hex))
        }
        parts += [
            ("context", "\(request.size)"), ("rows", "\(request.rows)"), ("bos", "\(request.bos)"),
        ]
        return ContentHash.of(parts: parts)
    }

    /// Labelled texts: dataset, tokenizer and how they are chosen.
    package static func texts(files: [ContentHash], tokenizer: ContentHash, request: JSON)
        -> ContentHash
    {
        let datasets = files.map { ("dataset", $0.hex) }
        return ContentHash.of(
            parts: [("version", version)] + datasets + [
                ("tokenizer", tokenizer.hex), ("request", request.text()),
            ])
    }

    /// The files that decide how a model's texts become tokens.
    static func tokenizerFiles(_ folder: String) -> [String] {
        Tokenizer.fileNames.map { "\(folder)/\($0)" }.filter(fileExists)
    }

    /// Activations at a hook.
    package static func activations(
        model: ContentHash, rows: ContentHash, hook: HookPoint, type: ElementType, backend: String
    ) -> ContentHash {
        ContentHash.of(parts: [
            ("version", version), ("model", model.hex), ("rows", rows.hex),
            ("hook", hook.description),
            ("type", type.rawValue), ("backend", backend),
        ])
    }
}
