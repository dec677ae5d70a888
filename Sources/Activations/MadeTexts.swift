import Basics
import Corpora
import Synchronization
import Tokenizers

/// Labelled texts that planning made, so that they are not made again to be kept.
///
/// Also keeps what many inputs need: hashes of files and the tokenizer.
package final class MadeTexts: Sendable {
    /// Nothing yet.
    package init() {}

    private let rows = Mutex<[ContentHash: TextRows]>([:])
    private let hashes = Mutex<[String: ContentHash]>([:])
    private let tokenizer = Mutex<Tokenizer?>(nil)

    /// The hash of a file, computed when first asked for.
    package func hash(of file: String) throws -> ContentHash {
        if let known = hashes.withLock({ $0[file] }) { return known }
        let new = try ContentHash.of(file: file)
        hashes.withLock { $0[file] = new }
        return new
    }

    /// The hash of a model's tokenizer.
    package func tokenizerKey(_ folder: String) throws -> ContentHash {
        ContentHash.of(
            parts: try ContentKeys.tokenizerFiles(folder).map {
                (lastComponent(of: $0), try hash(of: $0).hex)
            })
    }

    /// The tokenizer of the model, loaded when first asked for.
    package func tokenizer(_ folder: String) throws -> Tokenizer {
        try tokenizer.withLock { kept in
            if let kept { return kept }
            let new = try Tokenizer(folder: folder)
            kept = new
            return new
        }
    }

    /// The texts of a key, made when first asked for.
    package func texts(_ key: ContentHash, _ make: () throws -> TextRows) throws -> TextRows {
        if let known = rows.withLock({ $0[key] }) { return known }
        let new = try make()
        rows.withLock { $0[key] = new }
        return new
    }

    /// The texts of a key, which stay.
    package func look(at key: ContentHash) -> TextRows? { rows.withLock { $0[key] } }

    /// The texts of a key, which are released.
    package func take(_ key: ContentHash) -> TextRows? {
        rows.withLock { $0.removeValue(forKey: key) }
    }
}
