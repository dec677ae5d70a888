import Autoencoders
import Basics
import Corpora
import Formats
import LanguageModels
import Synchronization
import Tokenizers

/// Collects what planning finds missing.
final class OutlineRecord: Sendable {
    /// What was found.
    private struct State {
        /// In the order found.
        var missing: [MissingItem] = []
        /// Names of datasets that are among them.
        var datasets: Set<String> = []
        /// Autoencoders by the release whose width is not known.
        var unknownWidths: [(release: String, latents: Int, count: Int)] = []
        /// Repositories of which only the number is known.
        var stands: [String] = []
        /// Repositories of which nothing is known.
        var unknown: [String] = []
        /// Whether texts were counted at their full length.
        var countsFullTexts = false
    }

    /// What was found so far.
    private let state = Mutex(State())

    /// What is not on disk, in the order found.
    var missing: [MissingItem] { state.withLock { $0.missing } }

    /// Adds something that is not on disk.
    func add(_ kind: MissingItem.Kind, _ name: String, bytes: Int?) {
        state.withLock { state in
            if kind == .dataset, !state.datasets.insert(name).inserted { return }
            state.missing.append(MissingItem(kind: kind, name: name, bytes: bytes))
        }
    }

    /// Notes that the width of an autoencoder was guessed.
    func assumeWidth(_ latents: Int, of release: String) {
        state.withLock { state in
            if let index = state.unknownWidths.lastIndex(where: { $0.release == release }) {
                state.unknownWidths[index].count += 1
            } else {
                state.unknownWidths.append((release, latents, 1))
            }
        }
    }

    /// Notes that names of a repository are stand-ins.
    func assumeNames(of repository: String) {
        state.withLock { $0.stands.append(repository) }
    }

    /// Notes that autoencoders of a repository are not counted.
    func leaveOut(_ repository: String) { state.withLock { $0.unknown.append(repository) } }

    /// Notes that labelled texts were counted at their full length.
    func assumeFullTexts() { state.withLock { $0.countsFullTexts = true } }

    /// Sentences on sizes that are not known exactly.
    var assumptions: [String] {
        state.withLock { state in
            var sentences = state.unknownWidths.map {
                "\($0.count) autoencoders of \($0.release) do not say their width and count as \($0.latents) latents"
            }
            sentences += state.stands.map {
                "\($0) is counted by what is known of it; only its files have the names"
            }
            sentences += state.unknown.map {
                "nothing is known of the autoencoders of \($0), which are not counted"
            }
            if state.countsFullTexts {
                sentences.append(
                    "labelled texts that are not on disk count as if all had as many tokens as are kept, which is an upper bound"
                )
            }
            return sentences
        }
    }

    /// The key of an autoencoder that is not on disk; nil for one that is.
    static func key(of reference: AutoencoderReference) -> ContentHash? {
        guard reference.files.isEmpty, reference.layout != AutoencoderReference.ownLayout else {
            return nil
        }
        return ContentHash.of("outlined autoencoder \(reference.release) \(reference.id)")
    }
}

/// Whether an error says that something is not on disk.
func isMissing(_ error: any Error) -> Bool {
    switch error {
    case let error as RunError: error.code == .missing
    case let error as FormatError: error.code == .missing
    case let error as CorporaError: error.code == .missing
    case let error as AutoencoderError: error.code == .missing
    case let error as TokenizerError: error.code == .missing
    case let error as LanguageModelError: error.code == .missingFile
    default: false
    }
}
