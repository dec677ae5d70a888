import Glibc
import Synchronization

/// The bytes of a buffer in the memory of a device.
public protocol DeviceBytes: AnyObject, Sendable {
    /// Waits for what was queued to make them and copies them out.
    ///
    /// A device that failed gives bytes without meaning; its next operation throws.
    func copy(to target: UnsafeMutableRawPointer, byteCount: Int)
}

/// Memory of a tensor: its own, 64-byte aligned; borrowed from an owner that keeps it alive, such as
/// a mapped file; or on a device until the host asks for it.
///
/// The bytes may be on the host, on one device, or on both. ``base`` is for reading and writing, so
/// it makes the host's bytes the only valid ones; ``constantBase`` leaves the device's valid. A
/// pointer is valid until the next operation that a device does on the buffer.
public final class Buffer: @unchecked Sendable {
    /// The length in bytes.
    public let byteCount: Int
    /// What keeps borrowed bytes alive; nil for memory of its own.
    public let owner: AnyObject?
    /// The address of the host's bytes while they are resident on the host alone; else 0.
    private let hostResident: Atomic<UInt>
    private let state: Mutex<State>

    private struct State {
        /// The host's memory; nil as long as only a device has the bytes.
        var host: UInt?
        /// Whether the host's copy holds the newest bytes.
        var isHostCopyValid: Bool
        /// The newest bytes on a device.
        var device: (any DeviceBytes)?
        /// Buffers and lists that a device derived from the bytes, by name.
        var derived: [String: any Sendable] = [:]
    }

    /// Allocates memory whose content is undefined.
    public init(byteCount: Int) {
        precondition(byteCount >= 0)
        (self.byteCount, owner) = (byteCount, nil)
        let address = UInt(bitPattern: HostMemory.take(byteCount))
        hostResident = Atomic(address)
        state = Mutex(State(host: address, isHostCopyValid: true))
    }

    /// Borrows memory that `owner` keeps alive and that nobody writes to.
    public init(borrowing start: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
        self.byteCount = byteCount
        self.owner = owner
        hostResident = Atomic(UInt(bitPattern: start))
        state = Mutex(State(host: UInt(bitPattern: start), isHostCopyValid: true))
    }

    /// Takes bytes that a device made.
    public init(on device: any DeviceBytes, byteCount: Int) {
        (self.byteCount, owner) = (byteCount, nil)
        hostResident = Atomic(0)
        state = Mutex(State(host: nil, isHostCopyValid: false, device: device))
    }

    deinit {
        guard owner == nil else { return }
        state.withLock { state in
            if let host = state.host.flatMap({ UnsafeMutableRawPointer(bitPattern: $0) }) {
                HostMemory.giveBack(host, byteCount)
            }
        }
    }

    /// The first byte, to be read and written.
    public var base: UnsafeMutableRawPointer {
        if let pointer = UnsafeMutableRawPointer(
            bitPattern: hostResident.load(ordering: .acquiring))
        {
            return pointer
        }
        return state.withLock { state in
            let address = synchroniseToHost(&state)
            state.device = nil
            state.derived = [:]
            hostResident.store(address, ordering: .releasing)
            return Self.pointer(address)
        }
    }

    /// The first byte, to be read alone.
    public var constantBase: UnsafeMutableRawPointer {
        if let pointer = UnsafeMutableRawPointer(
            bitPattern: hostResident.load(ordering: .acquiring))
        {
            return pointer
        }
        return state.withLock { Self.pointer(synchroniseToHost(&$0)) }
    }

    /// Makes the host's copy valid.
    private func synchroniseToHost(_ state: inout State) -> UInt {
        let address = state.host ?? UInt(bitPattern: HostMemory.take(byteCount))
        state.host = address
        if !state.isHostCopyValid {
            state.device?.copy(to: Self.pointer(address), byteCount: byteCount)
            state.isHostCopyValid = true
        }
        return address
    }
}

// MARK: - Devices

extension Buffer {
    /// The bytes on the device, copied there unless they are.
    ///
    /// - Parameter copy: copies the host's bytes to the device.
    public func deviceBytes(
        copying copy: (UnsafeRawPointer) throws -> any DeviceBytes
    ) rethrows -> any DeviceBytes {
        try state.withLock { state in
            if let device = state.device { return device }
            let device = try copy(Self.pointer(synchroniseToHost(&state)))
            state.device = device
            hostResident.store(0, ordering: .releasing)
            return device
        }
    }

    /// Says that a device wrote to its bytes, so that the host's are old.
    ///
    /// The buffer must not be borrowed.
    public func deviceWrote() {
        precondition(owner == nil, "a borrowed buffer is written to")
        state.withLock { state in
            state.isHostCopyValid = false
            state.derived = [:]
        }
    }

    /// Derived values that are kept beside a buffer.
    private static let mostDerived = 64

    /// A value that a device derived from the bytes, cached until they change or go, or until there are
    /// many.
    public func cachedDerived<Value: Sendable>(
        _ name: String, make: () throws -> Value
    ) rethrows -> Value {
        if let value = state.withLock({ $0.derived[name] as? Value }) { return value }
        let value = try make()
        state.withLock { state in
            // Parts of a matrix that are used once must not pile up beside it.
            if state.derived.count >= Self.mostDerived { state.derived = [:] }
            state.derived[name] = value
            hostResident.store(0, ordering: .releasing)
        }
        return value
    }
}

// MARK: - Host memory

extension Buffer {
    private static func pointer(_ address: UInt) -> UnsafeMutableRawPointer {
        guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a buffer at address 0")
        }
        return pointer
    }
}
