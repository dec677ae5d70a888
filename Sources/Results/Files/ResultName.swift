import Basics

/// The name of an autoencoder's result file: `<release>_<id>_eval_results.json` with `_` for `/`, as
/// SAE Bench names it.
///
/// A name that is too long, or that holds control characters, is cut and cleaned, and a hash of
/// release and id keeps it apart from others; the file itself holds both in full.
package func resultFileName(release: String, id: String) -> String {
    let name = "\(release)_\(id)".unicodeScalars.map { $0 == "/" ? "_" : $0 }
    let isClean = name.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    let room = mostNameBytes - resultEnding.utf8.count
    guard text(name).utf8.count > room || !isClean else { return text(name) + resultEnding }
    let hash = ContentHash.of(parts: [("release", release), ("id", id)]).short
    let clean = name.map { $0.value >= 0x20 && $0.value != 0x7F ? $0 : "_" }
    return text(clean.prefix(bytes: room - 1 - hash.utf8.count)) + "_\(hash)" + resultEnding
}

/// How the name of every result file ends.
let resultEnding = "_eval_results.json"

/// What ``writeFile(_:to:)`` adds to the name of a file until it is complete, at most.
package let longestPartialEnding = ".4194304.partial"

/// Bytes that a file system leaves for the name of a file that ``writeFile(_:to:)`` writes.
private let mostNameBytes = 255 - longestPartialEnding.utf8.count

/// Some scalars as a text.
private func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
}

extension [Unicode.Scalar] {
    /// As many scalars from the start as take so many bytes of UTF-8 at most.
    fileprivate func prefix(bytes limit: Int) -> ArraySlice<Unicode.Scalar> {
        var bytes = 0
        return prefix {
            bytes += UTF8.width($0)
            return bytes <= limit
        }
    }
}
