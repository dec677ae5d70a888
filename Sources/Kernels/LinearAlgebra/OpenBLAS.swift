import COpenBLAS

/// What all calls of OpenBLAS share.
enum OpenBLAS {
    /// Keeps OpenBLAS on the calling thread: with threads of its own, bits would depend on their
    /// number. Every caller reads this first.
    static let staysOnCallingThread: Void = openblas_set_num_threads(1)
}
