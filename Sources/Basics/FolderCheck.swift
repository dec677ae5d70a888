import Glibc

/// Checks that ``makeFolder(_:)`` would succeed and that files could then be written there; touches
/// nothing.
///
/// - Throws: ``BasicsError`` with code `unwritable` that names the folder or the file in its way.
public func checkFolder(canBeMade path: String) throws(BasicsError) {
    var existing = path.isEmpty ? "." : path
    var information = stat()
    while stat(existing, &information) != 0 {
        guard errno == ENOENT || errno == ENOTDIR, !isDanglingLink(existing), existing != "/",
            existing != "."
        else {
            throw cannotBeMade(path, at: existing)
        }
        existing = parentFolder(of: existing)
    }
    guard information.st_mode & S_IFMT == S_IFDIR else {
        throw BasicsError(
            .unwritable, "\(existing) is a file, not a folder", advice: "choose another name")
    }
    let sentence =
        folderExists(path)
        ? "Folder \(path) cannot be written to" : "Folder \(path) cannot be made"
    guard faccessat(AT_FDCWD, existing, W_OK | X_OK, AT_EACCESS) == 0 else {
        throw BasicsError.unwritable(sentence)
    }
    // The superuser may write to these and still make nothing there.
    if ["/proc", "/sys"].contains(where: { isOnFileSystem(of: $0, information) }) {
        throw BasicsError(
            .unwritable, "\(sentence): \(existing) holds no files of users",
            advice: "choose a folder that you may write to")
    }
}

/// Whether something is on a file system of the kernel that is mounted at a path.
private func isOnFileSystem(of path: String, _ information: stat) -> Bool {
    var (mount, root) = (stat(), stat())
    return stat(path, &mount) == 0 && stat("/", &root) == 0 && mount.st_dev != root.st_dev
        && mount.st_dev == information.st_dev
}

/// Whether a path is a link to something that does not exist.
private func isDanglingLink(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && stat(path, &information) != 0
}

/// The error of a folder that the system refuses to look up, from `errno`.
private func cannotBeMade(_ path: String, at existing: String) -> BasicsError {
    if isDanglingLink(existing) {
        return BasicsError(
            .unwritable, "Folder \(path) cannot be made: \(existing) is a link to nothing",
            advice: "choose another name")
    }
    // For its `errno`.
    _ = access(existing, F_OK)
    return .unwritable("Folder \(path) cannot be made", advice: "choose another folder")
}
