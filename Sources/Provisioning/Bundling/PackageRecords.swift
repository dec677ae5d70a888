import Basics

/// Which packages of the machine files came from, where it keeps such records.
struct PackageRecords {
    /// A package.
    struct Package: Equatable {
        /// Its name without the architecture.
        var name: String
        /// Its version, such as `4.1.4-3+b1`.
        package var version: String
    }

    /// By the path of a file.
    private(set) var packages: [String: Package] = [:]

    /// Asks Debian's records about files; without them nothing is known, which is no error.
    init(of files: [String]) {
        guard let query = ChildProgram(named: "dpkg-query"), !files.isEmpty else { return }
        // Records name a file as the package does: by its real path, above or below /usr.
        var asked: [String: [String]] = [:]
        for file in files {
            for path in [file, realPath(of: file)] {
                let other = path.hasPrefix("/usr/") ? String(path.dropFirst(4)) : "/usr\(path)"
                for name in [path, other] { asked[name, default: []].append(file) }
            }
        }
        guard let owners = try? query.run(["-S"] + asked.keys.sorted(), input: ""),
            let versions = try? query.run(["-W", "-f", Self.format], input: "")
        else { return }
        let known = Self.versions(in: String(decoding: versions.output, as: UTF8.self))
        for (path, owner) in Self.owners(in: String(decoding: owners.output, as: UTF8.self)) {
            let name = String(owner.prefix { $0 != ":" })
            for file in asked[path] ?? [] {
                packages[file] = Package(name: name, version: known[owner] ?? known[name] ?? "")
            }
        }
    }

    /// How versions are written.
    private static let format = "${binary:Package}\t${Version}\n"

    /// Reads lines such as `libmpi3:amd64, libmpi4:amd64: /usr/lib/libmpi.so`.
    static func owners(in text: String) -> [(path: String, owner: String)] {
        text.split(separator: "\n").compactMap { line in
            guard !line.hasPrefix("diversion "), let end = line.firstRange(of: ": /") else {
                return nil
            }
            let owner = line[..<end.lowerBound].prefix { $0 != "," }
            return (String(line[line.index(end.lowerBound, offsetBy: 2)...]), String(owner))
        }
    }

    /// Reads a table of names and versions; later lines of a name count.
    private static func versions(in text: String) -> [String: String] {
        var versions: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t")
            if parts.count == 2 { versions[String(parts[0])] = String(parts[1]) }
        }
        return versions
    }
}

// MARK: - Licences

/// The licence texts of what a bundle holds.
enum Licences {
    /// Texts that are on this machine, with their paths in a bundle.
    ///
    /// - Parameters:
    ///   - packages: names of Debian packages.
    ///   - program: the executable, beside whose build the sources of its dependencies are.
    ///   - runtime: a library of the Swift runtime; nil when it is linked into the program.
    package static func texts(packages: Set<String>, program: String, runtime: String?)
        -> [BundlePiece]
    {
        var texts: [(name: String, path: String)] = packages.sorted().map {
            ($0, "/usr/share/doc/\($0)/copyright")
        }
        let toolchain =
            runtime.map { "\(parentFolder(of: realPath(of: $0)))/../../.." }
            ?? ChildProgram(named: "swift").map { "\(parentFolder(of: realPath(of: $0.path)))/.." }
        if let toolchain {
            texts.append(("swift", realPath(of: "\(toolchain)/share/swift/LICENSE.txt")))
        }
        texts += dependencies(of: program)
        if !packages.isEmpty { texts += common }
        return texts.filter { fileExists($0.path) }.map {
            BundlePiece(kind: .licence, source: $0.path, target: "licences/\($0.name).txt")
        }
    }

    /// The texts that Debian's copyright files name instead of repeating them.
    private static var common: [(name: String, path: String)] {
        let folder = "/usr/share/common-licenses"
        return ((try? folderContents(folder)) ?? []).map { ("common/\($0)", "\(folder)/\($0)") }
    }

    /// The licences of Swift packages that were checked out for a build.
    private static func dependencies(of program: String) -> [(name: String, path: String)] {
        var folder = parentFolder(of: program)
        for _ in 0..<4 {
            let checkouts = "\(folder)/checkouts"
            guard let names = try? folderContents(checkouts) else {
                folder = parentFolder(of: folder)
                continue
            }
            return names.compactMap { name in
                ["LICENSE", "LICENSE.txt", "LICENSE.md"].map { "\(checkouts)/\(name)/\($0)" }
                    .first(where: fileExists).map { (name, $0) }
            }
        }
        return []
    }
}
