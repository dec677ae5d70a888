import Basics
import Glibc

/// A file that another program writes, beside the path where it belongs once it is complete.
final class PartialFile {
    /// Where the other program writes.
    let path: String
    /// Where it belongs.
    private let target: String
    /// Whether it has its name.
    private var isComplete = false

    /// A file that will be at a path.
    init(of target: String) {
        (self.target, path) = (target, "\(target).\(getpid()).partial")
    }

    /// Removes what is not complete.
    deinit { if !isComplete { unlink(path) } }

    /// Flushes it and gives it its name.
    ///
    /// - Throws: `BasicsError` when that fails; what was at the path before stays.
    func complete() throws(BasicsError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        let isFlushed = descriptor >= 0 && fsync(descriptor) == 0
        if descriptor >= 0 { close(descriptor) }
        guard isFlushed, rename(path, target) == 0 else {
            throw BasicsError.unwritable("\(target) cannot be written")
        }
        isComplete = true
        flushFolder(of: target)
    }
}
