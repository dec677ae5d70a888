import Glibc

/// The limit of the stack, which the threads that compute inherit.
///
/// Measured with the deepest inputs that are read: 128 KiB crash, 256 KiB do not.
enum StackLimit {
    /// The least that is enough, with room to spare.
    private static let leastBytes: rlim_t = 512 << 10

    /// Why the program cannot run; nil where the stack is large enough.
    static var refusal: String? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit) == 0,
            limit.rlim_cur < leastBytes
        else { return nil }
        return
            "a thread's stack may have \(limit.rlim_cur >> 10) KiB here, and \(leastBytes >> 10) "
            + "KiB are needed. Try: `ulimit -s 8192` before the command."
    }
}
