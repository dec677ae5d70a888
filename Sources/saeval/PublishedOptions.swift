import ArgumentParser
import Autoencoders

/// Choosing from the directory of published autoencoders, in the words of SAE Bench too.
struct PublishedOptions: ParsableArguments {
    @Option(
        name: [
            .customLong("release"), .customLong("sae_regex_pattern"),
            .customLong("sae-regex-pattern"),
        ],
        help: ArgumentHelp(
            "Published autoencoders whose release this regular expression matches as a whole; may be repeated.",
            valueName: "regex"))
    var releases: [String] = []

    @Option(
        name: [
            .customLong("id"), .customLong("sae_block_pattern"), .customLong("sae-block-pattern"),
        ],
        help: ArgumentHelp(
            "Keep of that release the ids that this one matches as a whole; one for each --release.",
            valueName: "regex"))
    var ids: [String] = []

    /// Whether anything is chosen.
    var isEmpty: Bool { releases.isEmpty && ids.isEmpty }

    /// Expressions for release and id, in the order given.
    var pairs: [(release: String, id: String)] {
        get throws {
            if releases.isEmpty, !ids.isEmpty {
                throw ValidationError("--id keeps ids of --release; name one, such as '.*'")
            }
            guard ids.isEmpty || ids.count == releases.count else {
                throw ValidationError(
                    "\(releases.count) times --release and \(ids.count) times --id; give one --id for "
                        + "each --release, or none")
            }
            return releases.enumerated().map { index, release in
                (release, ids.isEmpty ? ".*" : ids[index])
            }
        }
    }

    /// Checks expressions before anything is read.
    func validate() throws {
        for (flag, pattern) in releases.map({ ("--release", $0) }) + ids.map({ ("--id", $0) }) {
            do { _ = try NamePattern(pattern) } catch { throw ValidationError("\(flag): \(error)") }
        }
        _ = try pairs
    }
}
