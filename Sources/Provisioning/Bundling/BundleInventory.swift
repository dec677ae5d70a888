import Basics
import Glibc

/// All files that a program needs to run on a machine that has glibc and nothing else of it.
struct BundleInventory {
    /// The files, each with its path in the bundle.
    private(set) var pieces: [BundlePiece] = []
    /// Plugins that are left out, with the reason.
    private(set) var omissions: [String] = []
    /// What the loader said.
    private var libraries = SharedLibraries()

    /// The path of the executable itself; what users start are launchers.
    static let programPath = "libexec/saeval"
    /// The folder of libraries that Open MPI's programs and plugins need.
    static let commonFolder = "lib"
    /// The folder of libraries that only the program needs. They are apart because `mpirun` starts
    /// programs of the machine, such as ssh, which must not find another OpenSSL than theirs.
    static let ownFolder = "lib/saeval"

    /// Finds everything.
    ///
    /// - Throws: ``RunError`` when a part is missing on this machine.
    init(of program: String, extras: [String]) throws {
        let openMPI = try OpenMPIInstallation()
        add(.program, program, at: Self.programPath)
        for tool in openMPI.tools { add(.tool, tool.path, at: "bin/\(tool.name)") }
        let needed = [program] + openMPI.tools.map(\.path)
        try libraries.ask(about: needed + openMPI.plugins)
        for file in needed { try checkComplete(file) }
        var plugins = addPlugins(openMPI.plugins, to: openMPI.pluginFolder)
        for (target, path) in openMPI.texts { add(.text, path, at: target) }
        if let path = openMPI.parameters { add(.text, path, at: Self.parameterPath) }
        if let library = libraryPath("libpmix.so.2", of: plugins + needed) {
            let pmix = try PMIxInstallation(library: library)
            try libraries.ask(about: pmix.plugins)
            plugins += addPlugins(pmix.plugins, to: "lib/pmix")
            for (target, path) in pmix.texts { add(.text, path, at: target) }
        }
        addLibraries(program: program, common: openMPI.tools.map(\.path) + plugins)
        try addResources(beside: program)
        for path in extras {
            for piece in try BundlePiece.extras(at: path) where !has(piece.target) {
                pieces.append(piece)
            }
        }
    }

    /// The path of Open MPI's parameters, which the launchers name to it.
    static let parameterPath = "etc/openmpi-mca-params.conf"

    /// Libraries of network hardware. They must fit the drivers of the machine that they run on, and
    /// Debian's Open MPI does not use them unless it is told to; ranks talk by TCP and shared memory.
    static let fabricLibraries: Set<String> = [
        "libibverbs", "librdmacm", "libfabric", "libpsm2", "libpsm_infinipath", "libinfinipath",
        "libefa", "libucp", "libuct", "libucs", "libucm", "liboshmem",
    ]

    // MARK: - Parts

    /// Adds a file.
    private mutating func add(_ kind: BundlePiece.Kind, _ source: String, at target: String) {
        pieces.append(BundlePiece(kind: kind, source: source, target: target))
    }

    /// Whether a path is taken.
    private func has(_ target: String) -> Bool { pieces.contains { $0.target == target } }

    /// Refuses a program whose libraries are not all there.
    private func checkComplete(_ file: String) throws {
        let needs = libraries.needs[file] ?? SharedLibraries.Needs()
        if let name = needs.missing.first {
            throw RunError(
                .missing, "\(file) needs \(name), which the loader does not find",
                advice: "load the modules or set the LD_LIBRARY_PATH with which it runs here")
        }
        if let path = needs.fixed.first {
            throw RunError(
                .unsuitable, "\(file) is linked to \(path) by its full path and cannot be moved",
                advice: "link it to the name alone")
        }
    }

    /// Adds plugins that can be used anywhere.
    ///
    /// - Returns: those that were added.
    private mutating func addPlugins(_ plugins: [String], to target: String) -> [String] {
        var added: [String] = []
        for plugin in plugins {
            let needs = libraries.needs[plugin] ?? SharedLibraries.Needs()
            let name = lastComponent(of: plugin)
            let fabric = needs.found.keys.filter {
                Self.fabricLibraries.contains(String($0.prefix { $0 != "." }))
            }.min()
            if let fabric {
                omissions.append(
                    "\(name): needs \(fabric), which must fit a machine's own hardware")
            } else if let lack = (needs.missing + needs.fixed).first {
                omissions.append("\(name): needs \(lack), which is not on the machine of the build")
            } else {
                add(.plugin, plugin, at: "\(target)/\(name)")
                added.append(plugin)
            }
        }
        return added
    }

    /// The path of a library that one of some files needs.
    private func libraryPath(_ name: String, of files: [String]) -> String? {
        files.lazy.compactMap { libraries.needs[$0]?.found[name] }.first
    }

    /// Adds libraries: what tools and plugins need for all, the rest for the program.
    private mutating func addLibraries(program: String, common: [String]) {
        var own = libraries.needs[program]?.found ?? [:]
        var shared: [String: String] = [:]
        // Where both need a library, the program's is right: it is the one that works with it here.
        for file in common {
            for (name, path) in libraries.needs[file]?.found ?? [:] where shared[name] == nil {
                shared[name] = own[name] ?? path
            }
        }
        for name in shared.keys { own[name] = nil }
        for (folder, list) in [(Self.commonFolder, shared), (Self.ownFolder, own)] {
            for (name, path) in list.sorted(by: { $0.key < $1.key }) {
                add(.library, path, at: "\(folder)/\(name)")
            }
        }
    }

    /// Adds the resource folders of the package's targets, which the program looks for beside itself.
    private mutating func addResources(beside program: String) throws {
        let folder = parentFolder(of: program)
        for name in try folderContents(folder)
        where name.hasPrefix("saeval_") && name.hasSuffix(".resources")
            && !name.hasSuffix("Tests.resources")
        {
            let target = "\(parentFolder(of: Self.programPath))/\(name)"
            for piece in try BundlePiece.extras(at: "\(folder)/\(name)") {
                let rest = piece.target.dropFirst(name.utf8.count)
                add(.text, piece.source, at: target + rest)
            }
        }
    }
}
