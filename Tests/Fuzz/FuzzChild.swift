import Basics
import Glibc

/// Tries inputs one after another in this process, which a faulty parser may end.
struct FuzzChild {
    /// The format.
    let format: Format
    /// The seed of all inputs.
    let seed: UInt64
    /// The counters, shared with the parent.
    let state: FuzzState
    /// Where inputs are written.
    let path: String

    /// Memory that a parser may take besides twice the input.
    private static let mostGrowth = 64 << 20
    /// The stack of a thread of Dispatch, on which the program's parsers may run; without
    /// optimisation a frame is many times larger.
    private static let stackByteCount = _isDebugAssertConfiguration() ? 16 << 20 : 512 << 10

    /// Tries some inputs on a thread with a small stack.
    func run(_ indices: Range<Int>) -> Never {
        let work = Work { try tryAll(indices) }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, Self.stackByteCount)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(work).toOpaque()
        let status = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { exit(70) }
                do {
                    try Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                    exit(0)
                } catch {
                    say("  \(error)")
                    exit(70)
                }
            }, context)
        guard status == 0 else { exit(71) }
        while true { pause() }
    }

    /// What the thread does.
    private final class Work {
        /// The work.
        let body: () throws -> Void

        init(_ body: @escaping () throws -> Void) { self.body = body }
    }

    /// Tries some inputs.
    private func tryAll(_ indices: Range<Int>) throws {
        let corpus = try Corpus(format)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Format.Contradiction(what: "\(path) cannot be made") }
        for index in indices {
            state[.index] = index
            let bytes = corpus.input(FuzzRandom(seed: seed, index: UInt64(index)))
            guard ftruncate(descriptor, 0) == 0,
                pwrite(descriptor, bytes, bytes.count, 0) == bytes.count
            else { throw Format.Contradiction(what: "the input cannot be written") }
            let before = Self.dataByteCount()
            Self.limitData(to: before + Self.mostGrowth + 2 * bytes.count)
            let began = Self.processorTime()
            let isRead = try format.reads(bytes, path: path)
            let time = Self.processorTime() - began
            state[isRead ? .read : .refused] += 1
            state[.longest] = max(state[.longest], time)
            state[.largest] = max(state[.largest], Self.dataByteCount() - before)
            if time > 1_000_000_000 {
                state[.slow] += 1
                say("  \(format) input \(index) took \(time / 1_000_000) ms")
            }
        }
        state[.index] = indices.upperBound
    }

    /// The processor time of this process, in nanoseconds.
    private static func processorTime() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// The bytes of writable memory of this process.
    private static func dataByteCount() -> Int {
        var text = [UInt8](repeating: 0, count: 256)
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        let count = read(descriptor, &text, text.count)
        let fields = text.prefix(max(count, 0)).split(separator: UInt8(ascii: " "))
        guard fields.count > 5 else { return 0 }
        return (Int(String(decoding: fields[5], as: UTF8.self)) ?? 0) * Int(getpagesize())
    }

    /// Lets memory that a parser asks for beyond a limit be refused, which ends this process.
    private static func limitData(to byteCount: Int) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(2), &limit)
        limit.rlim_cur = rlim_t(byteCount)
        setrlimit(__rlimit_resource_t(2), &limit)
    }
}
