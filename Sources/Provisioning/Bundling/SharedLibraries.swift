import Basics

/// The shared libraries that files need, as the loader of this machine finds them.
///
/// This room, `Bundling`, copies the running program and all that it needs into one folder.
struct SharedLibraries {
    /// What one file needs, its needs' needs included.
    struct Needs: Equatable {
        /// By the name that the loader looks for, such as `libz.so.1`: the path that it found.
        var found: [String: String] = [:]
        /// Names for which it found nothing.
        var missing: [String] = []
        /// Libraries that are asked for by a full path, so that no folder can stand in for it.
        var fixed: [String] = []
    }

    /// By the path of the file that needs them.
    private(set) var needs: [String: Needs] = [:]

    /// Asks the loader, by `ldd`, about some files at once.
    ///
    /// - Throws: ``RunError`` when `ldd` is not there or does not answer.
    mutating func ask(about files: [String]) throws {
        guard !files.isEmpty else { return }
        guard let ldd = ChildProgram(named: "ldd") else {
            throw RunError(
                .missing, "The libraries of \(files[0]) are found by `ldd`, which is not in PATH",
                advice:
                    "install it (Debian: libc-bin, Fedora: glibc-common), or add its folder to PATH"
            )
        }
        let ending = try ldd.run(files, input: "")
        let text = String(decoding: ending.output, as: UTF8.self)
        needs.merge(Self.needs(in: text, of: files)) { $1 }
        if let silent = files.first(where: { needs[$0] == nil }) {
            throw RunError(
                .unsuitable, "ldd does not tell what \(silent) needs: \(ending.errors)",
                advice: "`ldd \(silent)` by hand")
        }
    }

    /// Reads what `ldd` says.
    ///
    /// Asked about many files, it writes `PATH:` before the needs of each; asked about one, nothing.
    static func needs(in text: String, of files: [String]) -> [String: Needs] {
        var needs: [String: Needs] = [:]
        var file = files.count == 1 ? files[0] : ""
        for line in text.split(separator: "\n") {
            if line.first != "\t" {
                file = line.hasSuffix(":") ? String(line.dropLast()) : ""
                if !file.isEmpty { needs[file] = Needs() }
                continue
            }
            guard !file.isEmpty else { continue }
            read(line.dropFirst(), into: &needs[file, default: Needs()])
        }
        return needs
    }

    /// Reads `NAME => PATH (ADDRESS)`, `NAME => not found`, `PATH (ADDRESS)` or a remark.
    private static func read(_ line: Substring, into needs: inout Needs) {
        let address = line.hasSuffix(")") ? line.lastIndex(of: "(") : nil
        let text = line[..<(address ?? line.endIndex)]
        let parts = String(text).split(separator: " => ", maxSplits: 1).map {
            String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let name = lastComponent(of: parts[0])
        if isOfTheMachine(name) { return }
        if parts.count == 2 {
            if parts[1] == "not found" {
                needs.missing.append(parts[0])
            } else if parts[0].contains("/") {
                needs.fixed.append(parts[0])
            } else {
                needs.found[parts[0]] = parts[1]
            }
        } else if parts[0].hasPrefix("/") {
            needs.fixed.append(parts[0])
        }
    }

    /// Whether a library belongs to the machine and never into a bundle: those of glibc, which fit the
    /// loader that the kernel starts, and what the kernel shows itself.
    static func isOfTheMachine(_ name: String) -> Bool {
        let stem = name.prefix { $0 != "." }
        return stem.hasPrefix("ld-linux") || stem.hasPrefix("linux-vdso") || stem.hasPrefix("ld64")
            || stem.hasPrefix("libnss_") || glibc.contains(stem)
    }

    /// The libraries of glibc, without their endings.
    private static let glibc: Set<Substring> = [
        "libc", "libm", "libmvec", "libpthread", "libdl", "librt", "libutil", "libresolv", "libanl",
        "libnsl", "libBrokenLocale", "libthread_db", "libc_malloc_debug", "libmemusage",
        "libpcprofile",
    ]
}
