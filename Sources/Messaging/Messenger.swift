import CMPI
import Glibc
import Synchronization

/// The ranks of this run and the messages between them: the only type that calls MPI.
///
/// Without `mpirun` it is a world of one rank, in which point-to-point calls are never needed.
/// Any thread may call, but one thread at a time should receive messages. No call spins: waiting looks,
/// sleeps and looks again. A rank that fails must call ``abort(code:message:)``, since leaving by
/// `exit` waits for all other ranks.
public final class Messenger: @unchecked Sendable {
    /// The number of this rank, from 0.
    public let rank: Int
    /// How many ranks there are.
    public let size: Int
    /// The number of this rank among those of its machine, from 0.
    public let localRank: Int
    /// How many ranks share this machine.
    public let localSize: Int
    /// What the user should know of how the program was started.
    public let notice: String?
    /// All ranks, for libraries that do their own MPI; messages of ours travel on copies of it.
    package let communicator: MPI_Comm
    /// This rank alone, for libraries that would otherwise wait for ranks that are gone.
    package let alone: MPI_Comm
    /// Carries point-to-point messages.
    let messages: MPI_Comm
    /// Carries what collective calls send, so that no tag of a caller can meet it.
    let collectives: MPI_Comm
    /// Carries heartbeats.
    let heartbeats: MPI_Comm

    /// The messenger of this process, once there is one.
    private static let started = Mutex<Messenger?>(nil)

    /// Starts MPI, or returns the running messenger. The first call is collective.
    ///
    /// ``end()`` ends MPI; where nobody calls it, the exit of the program does. Costs about 0.2 s and
    /// 30 MB without `mpirun`, so commands that need no ranks should not call it.
    ///
    /// - Throws: ``MessagingError`` when MPI was ended already or allows one thread only, and for
    ///   processes that were started together and cannot find each other.
    public static func start() throws -> Messenger {
        try started.withLock { current in
            if let current { return current }
            let launch = try Launch(
                environment: { name in getenv(name).map { String(cString: $0) } },
                understandsPMI: Launch.understandsPMI)
            try initialise(launch)
            let messenger = try Messenger(notice: launch.notice)
            try launch.check(size: messenger.size)
            current = messenger
            return messenger
        }
    }

    /// Whether this process started MPI.
    public static var hasStarted: Bool {
        var isStarted: Int32 = 0
        MPI_Initialized(&isStarted)
        return isStarted != 0
    }

    /// Whether there is more than one rank.
    public var isParallel: Bool { size > 1 }

    /// Ends all ranks at once with an exit code; not collective.
    ///
    /// Prints `saeval: rank N: message` to standard error first.
    public func abort(code: Int32, message: String) -> Never {
        let line = Array("saeval: rank \(rank): \(message)\n".utf8)
        line.withUnsafeBytes { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
        endAll(code)
        _exit(code)
    }

    /// Leaves without waiting for other ranks, whatever they do; not collective.
    ///
    /// - Parameter endingOthers: whether they are ended too.
    public func leave(code: Int32, endingOthers: Bool) -> Never {
        fflush(nil)
        if endingOthers, isParallel { endAll(code) }
        _exit(code)
    }

    /// Has the launcher end all ranks; a launcher that does not answer leaves this one to an alarm.
    private func endAll(_ code: Int32) {
        signal(SIGALRM, SIG_DFL)
        alarm(5)
        MPI_Abort(communicator, code)
    }

    /// Learns the ranks from a running MPI; collective.
    private init(notice: String?) throws {
        let world = try Self.required(cmpi_comm_world(), "MPI_COMM_WORLD")
        try check(MPI_Comm_set_errhandler(world, cmpi_errors_return()), "MPI_Comm_set_errhandler")
        var (rank, size, localRank, localSize): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
        try check(MPI_Comm_rank(world, &rank), "MPI_Comm_rank")
        try check(MPI_Comm_size(world, &size), "MPI_Comm_size")
        var local: MPI_Comm?
        try check(
            MPI_Comm_split_type(world, cmpi_comm_type_shared(), rank, cmpi_info_null(), &local),
            "MPI_Comm_split_type")
        try check(MPI_Comm_rank(local, &localRank), "MPI_Comm_rank")
        try check(MPI_Comm_size(local, &localSize), "MPI_Comm_size")
        try check(MPI_Comm_free(&local), "MPI_Comm_free")
        (self.rank, self.size) = (Int(rank), Int(size))
        (self.localRank, self.localSize) = (Int(localRank), Int(localSize))
        self.notice = notice
        communicator = world
        alone = try Self.required(cmpi_comm_self(), "MPI_COMM_SELF")
        messages = try Self.copy(of: world)
        collectives = try Self.copy(of: world)
        heartbeats = try Self.copy(of: world)
    }
}

// MARK: - Starting

extension Messenger {
    /// Starts MPI unless it runs; collective.
    private static func initialise(_ launch: Launch) throws {
        var (isStarted, isEnded): (Int32, Int32) = (0, 0)
        try check(MPI_Initialized(&isStarted), "MPI_Initialized")
        try check(MPI_Finalized(&isEnded), "MPI_Finalized")
        guard isEnded == 0 else {
            throw MessagingError(
                .finalized, "MPI was ended before the program", advice: "start the program again")
        }
        var threads: Int32 = 0
        if isStarted == 0 {
            // Alone, MPI need not fork its daemon: 0.4 s instead of 0.7 s, and it starts where
            // none is installed.
            if getenv("PMIX_RANK") == nil { setenv("OMPI_MCA_ess_singleton_isolated", "1", 0) }
            // File pointers that ranks share, which nothing here uses, are kept in /dev/shm; without
            // it no file could be opened.
            if access("/dev/shm", W_OK) != 0 { setenv("OMPI_MCA_sharedfp", "individual", 0) }
            try launch.withoutMisleadingVariables { () throws(MessagingError) in
                try check(
                    MPI_Init_thread(nil, nil, Int32(MPI_THREAD_MULTIPLE), &threads),
                    "MPI_Init_thread")
            }
            atexit { Messenger.end() }
        } else {
            try check(MPI_Query_thread(&threads), "MPI_Query_thread")
        }
        guard threads >= Int32(MPI_THREAD_MULTIPLE) else {
            throw MessagingError(
                .noThreads,
                "This MPI allows calls from one thread at a time only (level \(threads))",
                advice: "use an MPI that offers MPI_THREAD_MULTIPLE")
        }
    }

    /// Whether ending MPI would crash.
    private static let isUnsafeToEnd = Atomic<Bool>(false)

    /// Leaves MPI as it is when the program ends: HDF5 ends with MPI, and crashes there when it could
    /// not close a file.
    package static func doNotEnd() { isUnsafeToEnd.store(true, ordering: .releasing) }

    /// Ends MPI if it runs; collective. Without it `mpirun` takes a good end for a crash.
    ///
    /// No thread may be inside MPI, or use it later.
    public static func end() {
        guard !isUnsafeToEnd.load(ordering: .acquiring) else { return }
        var (isStarted, isEnded): (Int32, Int32) = (0, 0)
        MPI_Initialized(&isStarted)
        MPI_Finalized(&isEnded)
        guard isStarted != 0, isEnded == 0 else { return }
        if let messenger = started.withLock({ $0 }) {
            for copy in [messenger.messages, messenger.collectives, messenger.heartbeats] {
                var copy: MPI_Comm? = copy
                MPI_Comm_free(&copy)
            }
        }
        MPI_Finalize()
    }

    /// A communicator of our own with the same ranks; collective.
    private static func copy(of world: MPI_Comm) throws -> MPI_Comm {
        var copy: MPI_Comm?
        try check(MPI_Comm_dup(world, &copy), "MPI_Comm_dup")
        let communicator = try required(copy, "MPI_Comm_dup")
        try check(
            MPI_Comm_set_errhandler(communicator, cmpi_errors_return()), "MPI_Comm_set_errhandler")
        return communicator
    }

    /// A handle that MPI promised to fill in.
    private static func required(_ communicator: MPI_Comm?, _ call: StaticString) throws -> MPI_Comm
    {
        guard let communicator else {
            throw MessagingError(.callFailed, "\(call) gave no communicator")
        }
        return communicator
    }
}

// MARK: - Checking

/// Turns the status of an MPI call into an error that keeps the call's name.
func check(_ status: Int32, _ call: StaticString) throws(MessagingError) {
    guard status != MPI_SUCCESS else { return }
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
    var length: Int32 = 0
    MPI_Error_string(status, &text, &length)
    let reason = String(
        decoding: text.prefix(Int(max(0, length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    throw MessagingError(
        .callFailed, "\(call) failed: \(reason)", advice: "see whether another rank ended early")
}
