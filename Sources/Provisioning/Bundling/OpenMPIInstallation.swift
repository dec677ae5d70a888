import Basics
import Glibc

/// The Open MPI of this machine beside the libraries that the program is linked to.
struct OpenMPIInstallation {
    /// Programs that start ranks, by their names in a bundle's `bin`.
    var tools: [(name: String, path: String)]
    /// Open MPI's plugins, those left out that no rank would use.
    var plugins: [String]
    /// Where Open MPI looks for them below its prefix, such as `lib/openmpi`.
    var pluginFolder: String
    /// Help texts and parameter sets, with their paths below the prefix.
    package var texts: [(target: String, path: String)]
    /// The file of parameters that the machine's administrator or distribution sets.
    var parameters: String?

    /// Looks for the Open MPI of this machine.
    ///
    /// - Throws: ``RunError`` when its programs are not there.
    init() throws {
        let tools = Self.toolNames.compactMap { name in
            ChildProgram(named: name).map { (name: name, path: realPath(of: $0.path)) }
        }
        guard let information = ChildProgram(named: "ompi_info"),
            tools.contains(where: { $0.name == "mpirun" })
        else {
            throw RunError(
                .missing,
                "Open MPI's programs `mpirun` and `ompi_info`, which a bundle is made of, are not in PATH",
                advice:
                    "install openmpi-bin, or load the module of the Open MPI that saeval was built with"
            )
        }
        let ending = try information.run(["--path", "all", "--parsable"], input: "")
        let folders = Self.folders(in: String(decoding: ending.output, as: UTF8.self))
        guard let prefix = folders["prefix"], let plugins = folders["pkglibdir"],
            let texts = folders["pkgdatadir"]
        else {
            throw RunError(
                .unsuitable,
                "\(information.path) does not tell where Open MPI is: \(ending.errors)",
                advice: "`ompi_info --path all --parsable` by hand")
        }
        self.tools = tools
        pluginFolder = try Self.path(of: plugins, below: prefix)
        self.plugins = try Self.plugins(in: plugins)
        self.texts = try Self.texts(in: texts, target: try Self.path(of: texts, below: prefix))
        let parameters = "\(folders["sysconfdir"] ?? "/etc")/openmpi-mca-params.conf"
        self.parameters = fileExists(parameters) ? parameters : nil
    }

    /// The programs of Open MPI 4, and those that replaced them in Open MPI 5.
    private static let toolNames = ["mpirun", "orted", "prterun", "prte", "prted"]

    /// Reads lines such as `path:pkglibdir:/usr/lib/openmpi`.
    static func folders(in text: String) -> [String: String] {
        var folders: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2)
            if parts.count == 3, parts[0] == "path" { folders[String(parts[1])] = String(parts[2]) }
        }
        return folders
    }

    /// A folder as Open MPI writes it after its prefix: that part moves with the prefix.
    private static func path(of folder: String, below prefix: String) throws -> String {
        guard folder.hasPrefix("\(prefix)/") else {
            throw RunError(
                .unsuitable,
                "Open MPI's folder \(folder) is not below its prefix \(prefix), so it cannot be moved",
                advice: "an Open MPI that was configured with --prefix alone")
        }
        return String(folder.dropFirst(prefix.utf8.count + 1))
    }

    /// The plugins in a folder, without those of OpenSHMEM.
    private static func plugins(in folder: String) throws -> [String] {
        guard folderExists(folder) else { return [] }  // Open MPI 5 has them in its library.
        return try folderContents(folder).filter { name in
            name.hasPrefix("mca_") && name.hasSuffix(".so")
                && !unusedFrameworks.contains { name.hasPrefix("mca_\($0)_") }
        }.map { "\(folder)/\($0)" }
    }

    /// Kinds of plugins that only OpenSHMEM loads.
    private static let unusedFrameworks = ["atomic", "memheap", "scoll", "spml", "sshmem"]

    /// The texts that `mpirun` shows, and the sets of parameters that it takes by name.
    private static func texts(in folder: String, target: String) throws -> [(String, String)] {
        guard folderExists(folder) else { return [] }
        var texts = try folderContents(folder).filter { $0.hasPrefix("help-") }
            .map { ("\(target)/\($0)", "\(folder)/\($0)") }
        let sets = "\(folder)/amca-param-sets"
        if folderExists(sets) {
            texts += try folderContents(sets).map {
                ("\(target)/amca-param-sets/\($0)", "\(sets)/\($0)")
            }
        }
        return texts.filter { fileExists($0.1) }
    }
}

/// What is installed beside the PMIx library that Open MPI's plugins are linked to.
struct PMIxInstallation {
    /// Its plugins.
    var plugins: [String] = []
    /// Its help texts, by their paths below a prefix.
    package var texts: [(target: String, path: String)] = []

    /// Looks around a library.
    init(library: String) throws {
        let folder = parentFolder(of: realPath(of: library))
        if folderExists("\(folder)/pmix") {
            plugins = try folderContents("\(folder)/pmix")
                .filter {
                    ($0.hasPrefix("pmix_mca_") || $0.hasPrefix("mca_")) && $0.hasSuffix(".so")
                }
                .map { "\(folder)/pmix/\($0)" }
        }
        let share = "\(parentFolder(of: folder))/share/pmix"
        if folderExists(share) {
            texts = try folderContents(share).filter { $0.hasPrefix("help-") }
                .map { ("share/pmix/\($0)", "\(share)/\($0)") }
        }
    }
}

/// A path without symbolic links; as given when it does not exist.
func realPath(of path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
}
