import Basics
import Glibc

/// A library that is opened when the program runs, so that the program needs nothing of it to be
/// built or to start.
struct SharedLibrary: @unchecked Sendable {
    /// The name that was found: a path, or a bare name that the system's loader knows.
    let name: String
    /// What `dlopen` gave. It is never closed: CUDA's libraries cannot be closed safely.
    private let handle: UnsafeMutableRawPointer

    /// Opens the first of some names that can be opened.
    ///
    /// - Parameters:
    ///   - what: what it is, for the error.
    ///   - names: file names without a folder, the newest first.
    ///   - search: where to look, in this order.
    ///   - code: of the error.
    /// - Throws: ``KernelError`` that says what the loader said.
    init(
        _ what: String, names: [String], in search: CUDASearchPath,
        orElse code: KernelDomain.Code = .unavailable
    ) throws(KernelError) {
        var reason = ""
        for candidate in search.candidates(for: names) {
            if let handle = dlopen(candidate, RTLD_NOW | RTLD_LOCAL) {
                (self.name, self.handle) = (candidate, handle)
                return
            }
            let said = dlerror().map { String(cString: $0) } ?? ""
            // The reason of a file that is there says more than that of one that is not.
            if reason.isEmpty || access(candidate, F_OK) == 0 { reason = said }
        }
        throw KernelError(
            code, "\(what) cannot be opened: \(reason)",
            advice: "install it, or name its folder in \(CUDASearchPath.variable)")
    }

    /// A function of the library.
    ///
    /// - Parameter type: its C type; the caller answers for it.
    /// - Throws: ``KernelError`` with code `unavailable` when the library is too old to have it.
    func function<Function>(_ symbol: String, as type: Function.Type = Function.self)
        throws(KernelError) -> Function
    {
        guard let address = dlsym(handle, symbol) else {
            throw KernelError(
                .unavailable, "\(name) has no \(symbol)",
                advice: "install a newer version, or name its folder in \(CUDASearchPath.variable)")
        }
        return unsafeBitCast(address, to: type)
    }
}

/// Where CUDA's libraries are looked for: in the folders that a variable names, by the system's
/// loader, in NVIDIA's usual folder, and in Python packages.
package struct CUDASearchPath: Sendable {
    /// Folders, separated by colons, that come before all others.
    static let variable = "SAEVAL_CUDA_LIBRARIES"

    /// Folders that come first.
    var first: [String]
    /// Whether the system's loader and the usual folders are asked too.
    var includesSystem: Bool
    /// Where compiled kernels are kept; nil for the user's cache folder.
    var cache: String?

    package init(first: [String], includesSystem: Bool = true, cache: String? = nil) {
        (self.first, self.includesSystem, self.cache) = (first, includesSystem, cache)
    }

    /// The search path of this machine.
    package static var standard: CUDASearchPath {
        let text = getenv(variable).map { String(cString: $0) } ?? ""
        return CUDASearchPath(first: text.split(separator: ":").map(String.init))
    }

    /// What to try for some file names, in order.
    func candidates(for names: [String]) -> [String] {
        var candidates = first.flatMap { folder in names.map { "\(folder)/\($0)" } }
        guard includesSystem else { return candidates }
        candidates += names
        for folder in Self.usualFolders { candidates += names.map { "\(folder)/\($0)" } }
        return candidates.filter { !$0.contains("/") || access($0, F_OK) == 0 }
    }

    /// NVIDIA's own folder, and those of its packages for Python.
    private static let usualFolders: [String] = {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        var patterns: [String] = []
        for root in [value("CUDA_HOME"), value("CUDA_PATH"), "/usr/local/cuda"].compactMap({ $0 }) {
            patterns.append("\(root)/lib64")
        }
        let prefixes = [
            value("VIRTUAL_ENV"), value("CONDA_PREFIX"), value("HOME").map { "\($0)/.local" },
            "/usr/local", "/usr", "/opt/conda", "/opt/venv",
        ]
        for prefix in prefixes.compactMap({ $0 }) {
            for packages in ["site-packages", "dist-packages"] {
                patterns.append("\(prefix)/lib/python3*/\(packages)/nvidia/*/lib")
            }
        }
        patterns.append("/usr/lib/python3/dist-packages/nvidia/*/lib")
        return patterns.flatMap(folders)
    }()

    /// The folders that match a pattern.
    private static func folders(_ pattern: String) -> [String] {
        var matches = glob_t()
        defer { globfree(&matches) }
        guard glob(pattern, 0, nil, &matches) == 0 else { return [] }
        return (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0] }.map {
            String(cString: $0)
        }
    }
}
