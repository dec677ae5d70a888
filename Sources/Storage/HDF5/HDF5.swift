import Basics
import CHDF5
import Messaging
import Synchronization

/// The HDF5 library: one thread at a time may be in it.
enum HDF5 {
    /// Guards the library; holds whether it was set up.
    private static let isReady = Mutex(false)

    /// Runs a body that calls HDF5, alone. Bodies do not nest.
    static func locked<Result>(_ body: () throws -> Result) throws -> Result {
        var outcome: Swift.Result<Result, any Error>?
        isReady.withLock { isReady in
            if !isReady {
                // Files are closed by name; an exit handler would wait for ranks that are gone.
                H5dont_atexit()
                H5open()
                ch5_silence()
                isReady = true
            }
            outcome = Swift.Result { try body() }
        }
        guard let outcome else { preconditionFailure("a locked body did not run") }
        return try outcome.get()
    }

    /// Turns the status of an HDF5 call into an error that keeps the call's name.
    @discardableResult
    static func check<Status: SignedInteger>(
        _ status: Status, _ call: StaticString, _ path: String
    ) throws(StorageError) -> Status {
        guard status < 0 else { return status }
        throw failure(call, path)
    }

    /// The error of the call that just failed.
    static func failure(_ call: StaticString, _ path: String) -> StorageError {
        Messenger.doNotEnd()
        var text = [CChar](repeating: 0, count: 512)
        ch5_last_error(&text, text.count)
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        let reason = String(decoding: bytes, as: UTF8.self)
        let isFull = ["No space left", "Disk quota", "File too large"].contains {
            reason.contains($0)
        }
        return StorageError(
            isFull ? .outOfSpace : .hdf5, "\(path): \(call) failed: \(reason)",
            advice: isFull ? "make room, then run the same command again" : nil)
    }
}

/// An object of HDF5, closed when it goes out of scope, which must be inside ``HDF5/locked(_:)``.
struct HDF5Object: ~Copyable {
    /// The library's number of the object.
    let id: hid_t
    /// The call that closes the object.
    private let closer: @convention(c) (hid_t) -> herr_t

    /// Takes over the result of a call that opens or makes something.
    init(
        _ id: hid_t, _ call: StaticString, _ path: String, closer: @convention(c) (hid_t) -> herr_t
    ) throws(StorageError) {
        guard id >= 0 else { throw HDF5.failure(call, path) }
        (self.id, self.closer) = (id, closer)
    }

    deinit { if closer(id) < 0 { Messenger.doNotEnd() } }

    /// Gives the number away; whoever has it closes the object.
    consuming func released() -> hid_t {
        let id = id
        discard self
        return id
    }
}

extension HDF5 {
    /// How we open files without MPI: no locks of HDF5's own, data sets on pages, no buffer
    /// between us and the file.
    static func serialAccess(_ path: String) throws(StorageError) -> HDF5Object {
        let access = try HDF5Object(
            H5Pcreate(ch5_file_access()), "H5Pcreate", path, closer: H5Pclose)
        try check(H5Pset_file_locking(access.id, false, true), "H5Pset_file_locking", path)
        try check(
            H5Pset_alignment(access.id, alignmentThreshold, pageBytes), "H5Pset_alignment", path)
        try check(H5Pset_sieve_buf_size(access.id, 0), "H5Pset_sieve_buf_size", path)
        try check(H5Pset_small_data_block_size(access.id, 0), "H5Pset_small_data_block_size", path)
        return access
    }

    /// How all ranks open one file together.
    static func parallelAccess(_ path: String, communicator: MPI_Comm) throws(StorageError)
        -> HDF5Object
    {
        let access = try HDF5Object(
            H5Pcreate(ch5_file_access()), "H5Pcreate", path, closer: H5Pclose)
        try check(
            H5Pset_fapl_mpio(access.id, communicator, ch5_info_null()), "H5Pset_fapl_mpio", path)
        return access
    }

    /// Objects from this many bytes on begin on a page.
    private static let alignmentThreshold: hsize_t = 512
    /// Bytes of a page.
    private static let pageBytes: hsize_t = 4096
}
