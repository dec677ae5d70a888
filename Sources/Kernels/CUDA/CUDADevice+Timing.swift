import Synchronization

/// Kernels of one name, or products, and the time that the device took for them.
public struct DeviceWork: Sendable, Equatable {
    /// The kernel's name, or ``product``.
    public var name: String
    /// How often it was queued.
    public var count: Int
    /// Seconds of the device in all.
    public var seconds: Double

    /// The name of all products of cuBLAS together.
    public static let product = "product"
}

/// Pairs of events around everything that is queued, while someone wants to know.
final class WorkRecord: Sendable {
    /// Work that was queued: its name and the index of the first of its two events.
    private struct Entry {
        /// What ``DeviceWork/name`` says.
        var name: String
        /// The event before; the one after follows it.
        var event: Int
    }

    /// What the lock holds.
    private struct State {
        /// Events of earlier records serve again.
        var events: [SendableHandle] = []
        /// What was queued, in order.
        var entries: [Entry] = []
    }

    /// Whether there is anything to record: looked at without the lock.
    private let isOn = Atomic(false)
    /// Held from the first event to the second, so that nothing comes between.
    private let state = Mutex(State())

    /// Queues something between two events if this is on.
    func around(
        _ name: String, _ device: CUDADevice, _ body: () throws(KernelError) -> Void
    ) throws(KernelError) {
        guard isOn.load(ordering: .relaxed) else { return try body() }
        try state.withLock { state throws(KernelError) in
            let event = 2 * state.entries.count
            while state.events.count < event + 2 {
                state.events.append(SendableHandle(try device.timedEvent()))
            }
            let (driver, stream) = (device.driver, device.stream)
            try driver.check(
                driver.recordEvent(state.events[event].handle, stream), "cuEventRecord")
            try body()
            try driver.check(
                driver.recordEvent(state.events[event + 1].handle, stream), "cuEventRecord")
            state.entries.append(Entry(name: name, event: event))
        }
    }

    /// Begins anew.
    func start() {
        state.withLock { $0.entries = [] }
        isOn.store(true, ordering: .releasing)
    }

    /// Ends, and adds up what all of one name took; the longest first. All work must have ended.
    func stop(_ driver: Driver) throws(KernelError) -> [DeviceWork] {
        isOn.store(false, ordering: .releasing)
        let work = try state.withLock { state throws(KernelError) in
            var work: [String: DeviceWork] = [:]
            for entry in state.entries {
                var milliseconds: Float = 0
                try driver.check(
                    driver.elapsed(
                        &milliseconds, state.events[entry.event].handle,
                        state.events[entry.event + 1].handle), "cuEventElapsedTime")
                var sum = work[entry.name] ?? DeviceWork(name: entry.name, count: 0, seconds: 0)
                sum.count += 1
                sum.seconds += Double(milliseconds) / 1000
                work[entry.name] = sum
            }
            return work
        }
        return work.values.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
    }
}

extension CUDADevice {
    /// Queues something, with its time where times are recorded.
    func recorded(
        _ name: String, _ body: () throws(KernelError) -> Void
    ) throws(KernelError) {
        try record.around(name, self, body)
    }

    /// What the device does for `body`, by name, without copies and without its idle time.
    ///
    /// A kernel that begins on an idle device counts with the few microseconds between its event
    /// and its start.
    func work(of body: () throws -> Void) throws -> [DeviceWork] {
        try synchronize()
        record.start()
        var result = Result { try body() }
        if case .success = result { result = Result { try synchronize() } }
        let work = try record.stop(driver)
        try result.get()
        return work
    }

    /// Seconds that the device takes for what `body` queues, its idle time included.
    func seconds(_ body: () throws -> Void) throws -> Double {
        enter()
        let (begin, end) = (try timedEvent(), try timedEvent())
        defer { _ = (driver.destroyEvent(begin), driver.destroyEvent(end)) }
        try driver.check(driver.recordEvent(begin, stream), "cuEventRecord")
        try body()
        enter()
        try driver.check(driver.recordEvent(end, stream), "cuEventRecord")
        try driver.check(driver.awaitEvent(end), "cuEventSynchronize")
        var milliseconds: Float = 0
        try driver.check(driver.elapsed(&milliseconds, begin, end), "cuEventElapsedTime")
        return Double(milliseconds) / 1000
    }

    /// An event that keeps its time.
    fileprivate func timedEvent() throws(KernelError) -> Driver.Handle? {
        var event: Driver.Handle?
        try driver.check(driver.makeEvent(&event, 0), "cuEventCreate")
        return event
    }

    /// Queues a copy from one address of the device's memory to another.
    func copy(
        _ source: DeviceOperand, to target: DeviceOperand, byteCount: Int
    ) throws(KernelError) {
        try guarded { () throws(KernelError) in
            try driver.check(
                driver.copyInside(target.address, source.address, byteCount, stream),
                "cuMemcpyDtoDAsync")
        }
        withExtendedLifetime((source, target)) {}
    }
}
