import ArgumentParser
import Basics
import Plans
import Runs

/// The config and the flags that change it; every key of the config is a flag too.
struct ConfigurationOptions: ParsableArguments {
    @Argument(
        help:
            "A YAML config, such as configs/quickstart.yaml. May be left out when flags say everything."
    )
    var config: String?

    @Option(help: "The model: a folder, or a hub id found in the Hugging Face cache.")
    var model: String?

    @Option(help: "How activations are stored: float32, bfloat16 or float16.")
    var dtype: String?

    @Option(help: "Where to compute: auto, cpu or cuda.")
    var device: String?

    @Option(help: "A folder of autoencoders; may be repeated.")
    var saes: [String] = []

    @OptionGroup var published: PublishedOptions

    @Option(
        help:
            "A hub repository of autoencoders, such as org/name or org/name@revision; may be repeated."
    )
    var repo: [String] = []

    @Option(
        help:
            "Keep autoencoders, of flags or else of the config, whose <release>/<id> this regular expression matches as a whole."
    )
    var match: String?

    @Option(help: "Keep these layers, such as 1,2,3, of flags or else of the config.")
    var layers: String?

    @Option(help: "Evaluations to run, such as core.")
    var evals: String?

    @Option(name: .customLong("datasets"), help: "The path of a dataset: ID=PATH; may be repeated.")
    var datasets: [String] = []

    @Option(help: "The run's folder.")
    var output: String?

    @Option(help: "The folder of artifacts shared between runs.")
    var artifacts: String?

    @Option(help: "The seed of all random streams.")
    var seed: Int?

    @Option(
        help: "Random streams: independent, or upstream for SAE Bench's order with a cold cache.")
    var streams: String?

    @Option(help: "Threads of one rank; otherwise a node's cores are shared among its ranks.")
    var threads: Int?

    @Option(
        name: .customLong("memory-gib"), help: "Memory that the ranks of one node may use together."
    )
    var memoryGiB: Double?

    @Option(help: "What becomes of activations: auto, store or recompute.")
    var activations: String?

    @Option(
        name: .customLong("disk-gib"),
        help: "Disk that the activations of a run may take at a time; otherwise what is free.")
    var diskGiB: Double?

    @Flag(help: "Evaluate autoencoders that were trained on another model too.")
    var allowModelMismatch = false

    @Option(
        name: .customLong("set"), help: "Set any key: --set core.context_size=64; may be repeated.")
    var assignments: [String] = []

    /// The config file with the flags.
    var source: ConfigurationSource {
        get throws {
            let names: [(String, String?)] = [
                ("model", model), ("dtype", dtype), ("device", device), ("output", output),
                ("artifacts", artifacts), ("streams", streams),
                ("activations", activations),
            ]
            var flags = names.compactMap { name, value in
                value.map { (keys: [name], value: JSON.string($0)) }
            }
            if let seed { flags.append((["seed"], .integer(seed))) }
            if let threads { flags.append((["threads"], .integer(threads))) }
            if let memoryGiB { flags.append((["memory_gib"], .number(memoryGiB))) }
            if allowModelMismatch { flags.append((["allow_model_mismatch"], .bool(true))) }
            if let diskGiB { flags.append((["disk_gib"], .number(diskGiB))) }
            let selections = try selections()
            if !selections.isEmpty { flags.append((["saes"], .array(selections))) }
            // Without flags that name some, they narrow what the config names.
            if selections.isEmpty {
                if let match { flags.append((["match"], .string(match))) }
                if let numbers = try layerNumbers() { flags.append((["layers"], .array(numbers))) }
            }
            for entry in datasets {
                guard let equals = entry.firstIndex(of: "=") else {
                    throw ValidationError(
                        "--datasets \(entry) has no `=`; write --datasets ID=FILE")
                }
                let id = String(entry[..<equals])
                flags.append(
                    (["datasets", id], .string(String(entry[entry.index(after: equals)...]))))
            }
            let chosen = evals.map { $0.split(separator: ",").map(String.init) } ?? []
            return ConfigurationSource(
                path: config, flags: flags, assignments: assignments, evaluations: chosen,
                fetchCommand: fetchCommand)
        }
    }

    /// The command that downloads what config and flags name on the hub.
    private var fetchCommand: String {
        let named: [(String, [String])] = [
            ("--model", model.map { [$0] } ?? []), ("--saes", saes), ("--repo", repo),
            ("--release", published.releases), ("--id", published.ids),
            ("--match", match.map { [$0] } ?? []), ("--layers", layers.map { [$0] } ?? []),
            ("--evals", evals.map { [$0] } ?? []), ("--datasets", datasets),
            ("--output", output.map { [$0] } ?? []), ("--set", assignments),
        ]
        let flags = named.flatMap { name, values in values.flatMap { [name, quoted($0)] } }
        return (["saeval", "fetch"] + (config.map { [quoted($0)] } ?? []) + flags)
            .joined(separator: " ")
    }

    /// A word as a shell takes it.
    private func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                byte > 0x7F || (0x30...0x39).contains(byte) || (0x40...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || "/._-=:,+%".utf8.contains(byte)
            }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }

    /// The numbers of `--layers`.
    private func layerNumbers() throws -> [JSON]? {
        try layers.map { text in
            try text.split(separator: ",").map { part in
                guard let layer = Int(part) else {
                    throw ValidationError("--layers \(text) is not a list such as 1,2,3")
                }
                return JSON.integer(layer)
            }
        }
    }

    /// The entries of `saes` that flags make.
    private func selections() throws -> [JSON] {
        let numbers = try layerNumbers()
        let sources: [[(String, String)]] =
            saes.map { [("path", $0)] } + repo.map { [("repo", $0)] }
            + (try published.pairs).map { [("release", $0.release), ("id", $0.id)] }
        return sources.map { source in
            var members = source.map { JSONMember(key: $0.0, value: .string($0.1)) }
            if let match { members.append(JSONMember(key: "match", value: .string(match))) }
            if let numbers { members.append(JSONMember(key: "layers", value: .array(numbers))) }
            return .object(members)
        }
    }
}
