import Basics

/// A batch script: the template of `slurm/` with machines, time, site and config filled in.
public struct BatchScript: Sendable {
    /// The script.
    public private(set) var text: String

    /// Fills in the template.
    ///
    /// - Parameters:
    ///   - arguments: the config, if any, and flags of `saeval run`.
    ///   - program: the program, unless the site names one.
    ///   - log: the file for the job's output, such as `runs/a/slurm-%j.out`.
    ///   - command: what wrote the script, for its first lines.
    /// - Throws: ``RunError`` when the request does not fit together.
    public init(
        _ request: BatchRequest, site: BatchSite, arguments: [String], program: String,
        log: String, command: String
    ) throws(RunError) {
        var request = request
        request.complete(from: site)
        if request.gpusPerNode != nil {
            request.ranksPerNode = request.ranksPerNode ?? request.gpusPerNode
        }
        try request.validate()
        text = request.gpusPerNode == nil ? BatchTemplate.cpu : BatchTemplate.gpu
        describe(command)
        set("nodes", "\(request.nodes)")
        set("time", request.time)
        if let ranks = request.ranksPerNode { set("ntasks-per-node", "\(ranks)") }
        if let cores = request.coresPerRank { set("cpus-per-task", "\(cores)") }
        set("signal", "USR1@\(request.signalLead)")
        replace("At least 120 seconds", with: "At least \(request.signalLead) seconds")
        set("output", log)
        replace(
            """
            # What the program says, in the folder where sbatch was called; a requeued job writes on in the
            # same file.
            """, with: "# What the program says; a requeued job writes on in the same file.")
        for option in site.options { set(option.name, option.value) }
        replaceLine("requeues=5", with: "requeues=\(request.requeues)")
        replaceLine("stop_within=90", with: "stop_within=\(request.stopWithin)")
        replaceLine(
            "program=${SAEVAL:-.build/release/saeval}",
            with: "program=\(shellWord(site.program ?? program))")
        setArguments(arguments)
        setSite(site)
    }

    // MARK: - Parts

    /// Replaces the lines before the first empty one.
    private mutating func describe(_ command: String) {
        guard let rest = text.ranges(of: "\n\n").first else { return }
        text.replaceSubrange(
            text.startIndex..<rest.lowerBound,
            with: """
                #!/bin/bash
                # Runs a config, and goes on by itself where a time limit stopped it. Written by
                #   \(command)
                # It can be submitted again at any time: sbatch and the name of this file.
                """)
    }

    /// Sets an option of sbatch: in its line, or in a new one below the last.
    private mutating func set(_ name: String, _ value: String?) {
        let line = "#SBATCH --\(name)" + (value.map { "=\(Self.optionWord($0))" } ?? "")
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let old = lines.firstIndex {
            $0 == "#SBATCH --\(name)" || $0.hasPrefix("#SBATCH --\(name)=")
        }
        if let old {
            lines[old] = line
        } else if let last = lines.lastIndex(where: { $0.hasPrefix("#SBATCH ") }) {
            let heading = "# What the site or the command line asks for besides."
            let added = lines.contains(heading) ? [line] : [heading, line]
            lines.insert(contentsOf: added, at: last + 1)
        }
        text = lines.joined(separator: "\n")
    }

    /// A value as sbatch takes it in a line of a script.
    private static func optionWord(_ value: String) -> String {
        value.contains(where: { $0 == " " || $0 == "\t" || $0 == "'" }) ? "\"\(value)\"" : value
    }

    /// Puts the config and flags in the place of the script's arguments.
    private mutating func setArguments(_ arguments: [String]) {
        replace(
            """
            # The config, and flags of `saeval run` after it.
            config=${1:?"name a config, such as configs/quickstart.yaml"}
            shift
            """,
            with: """
                # The config, and flags of `saeval run`.
                set -- \(arguments.map(shellWord).joined(separator: " "))
                """)
        replace("run \"$config\" --threads", with: "run --threads")
    }

    /// Adds modules and variables, and the launcher.
    private mutating func setSite(_ site: BatchSite) {
        var lines: [String] = []
        if !site.modules.isEmpty {
            // Scripts of modules often read variables that are not set.
            lines += [
                "set +u", "module load " + site.modules.map(shellWord).joined(separator: " "),
                "set -u",
            ]
        }
        lines += site.environment.map { "export \($0.name)=\(shellWord($0.value))" }
        let heading =
            "# What a site needs before the program can start goes here, such as `module load openmpi`."
        replace(
            heading,
            with: lines.isEmpty
                ? heading : (["# What the site needs."] + lines).joined(separator: "\n"))
        if let launcher = site.launcher {
            replace("srun --mpi=pmix \"$program\"", with: "\(launcher) \"$program\"")
        }
    }

    // MARK: - Editing

    /// Replaces a text of the template, which must be there.
    private mutating func replace(_ old: String, with new: String) {
        guard let range = text.ranges(of: old).first else {
            preconditionFailure("the template lacks: \(old)")
        }
        text.replaceSubrange(range, with: new)
    }

    /// Replaces a whole line.
    private mutating func replaceLine(_ old: String, with new: String) {
        replace("\n\(old)\n", with: "\n\(new)\n")
    }
}

// MARK: - Submitting

extension BatchScript {
    /// Writes the script to a file and hands it to sbatch.
    ///
    /// - Returns: the job's number.
    /// - Throws: ``RunError`` when there is no sbatch or it refuses the job.
    public func submit(writingTo path: String) throws -> String {
        guard let sbatch = ChildProgram(named: "sbatch") else {
            throw RunError(
                .missing, "There is no sbatch in PATH",
                advice: "a machine from which jobs are submitted, or --dry-run to see the script")
        }
        try makeFolder(parentFolder(of: path))
        try writeFile(Array(text.utf8), to: path)
        let ending = try sbatch.run(["--parsable", path], input: "")
        let answer = String(decoding: ending.output, as: UTF8.self)
        // NUMBER or NUMBER;CLUSTER.
        let number = answer.prefix { $0.isNumber }
        guard ending.status == 0, !number.isEmpty else {
            let reason = ending.errors.split(separator: "\n").joined(separator: "; ")
            throw RunError(
                .unsuitable, "sbatch refuses \(path): \(reason)",
                advice: "other options, or a --site file with what this cluster wants")
        }
        return String(number)
    }
}
