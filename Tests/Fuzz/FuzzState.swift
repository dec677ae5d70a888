import Glibc

/// Counters that outlive a process: a file that parent and child both map.
struct FuzzState {
    /// The counters in their order.
    enum Counter: Int, CaseIterable {
        /// The input that is being tried.
        case index
        /// Inputs that were read.
        case read
        /// Inputs that were refused with an error of ours.
        case refused
        /// Inputs that took more than a second of processor time.
        case slow
        /// The longest time of an input, in nanoseconds.
        case longest
        /// The largest growth of memory during an input, in bytes.
        case largest
    }

    /// The mapped memory.
    private let memory: UnsafeMutablePointer<Int>

    /// Maps a file, which is made when it is not there.
    init?(path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, 4096) == 0 else { return nil }
        defer { close(descriptor) }
        let mapped = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        memory = mapped.assumingMemoryBound(to: Int.self)
    }

    /// The value of a counter.
    subscript(counter: Counter) -> Int {
        get { memory[counter.rawValue] }
        nonmutating set { memory[counter.rawValue] = newValue }
    }
}
