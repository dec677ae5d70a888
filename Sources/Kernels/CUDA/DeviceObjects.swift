/// The primary context of a GPU, given back to the driver with the last object that uses it.
///
/// Streams, events, memory and modules hold it, so that it goes last whatever order they go in.
final class PrimaryContext: Sendable {
    let driver: Driver
    /// The driver's number of the GPU.
    let number: Int32
    private let context: SendableHandle

    /// Retains the context and makes it the calling thread's.
    ///
    /// - Throws: ``KernelError`` with code `unavailable`.
    init(_ driver: Driver, device number: Int32) throws(KernelError) {
        var context: Driver.Handle?
        try driver.check(
            driver.retainContext(&context, number), "cuDevicePrimaryCtxRetain", code: .unavailable)
        (self.driver, self.number, self.context) = (driver, number, SendableHandle(context))
        try driver.check(driver.setContext(context), "cuCtxSetCurrent", code: .unavailable)
    }

    /// Makes it the calling thread's.
    func enter() { _ = driver.setContext(context.handle) }

    deinit { _ = driver.releaseContext(number) }
}

/// A stream that waits for no other.
final class DeviceStream: Sendable {
    let context: PrimaryContext
    private let stream: SendableHandle

    var handle: Driver.Handle? { stream.handle }

    init(_ context: PrimaryContext) throws(KernelError) {
        var stream: Driver.Handle?
        try context.driver.check(
            context.driver.makeStream(&stream, Driver.nonBlocking), "cuStreamCreate")
        (self.context, self.stream) = (context, SendableHandle(stream))
    }

    /// Waits for its work and destroys it.
    deinit {
        context.enter()
        _ = context.driver.awaitStream(handle)
        _ = context.driver.destroyStream(handle)
    }
}

/// An event without a time.
final class DeviceEvent: Sendable {
    private let context: PrimaryContext
    private let event: SendableHandle

    var handle: Driver.Handle? { event.handle }

    init(_ context: PrimaryContext) throws(KernelError) {
        var event: Driver.Handle?
        try context.driver.check(
            context.driver.makeEvent(&event, Driver.withoutTiming), "cuEventCreate")
        (self.context, self.event) = (context, SendableHandle(event))
    }

    deinit {
        context.enter()
        _ = context.driver.destroyEvent(handle)
    }
}

/// cuBLAS's handle on a stream, with the memory that it may use beside the factors.
final class BLASHandle: Sendable {
    /// As NVIDIA advises for Hopper; the same for all products, so that they do not depend on what is
    /// free.
    private static let workspaceBytes = 32 << 20

    let blas: BLAS
    private let stream: DeviceStream
    private let own: SendableHandle
    private let workspace: Driver.Address

    var handle: OpaquePointer? { own.handle }

    init(_ blas: BLAS, on stream: DeviceStream) throws(KernelError) {
        let driver = stream.context.driver
        var handle: OpaquePointer?
        try blas.check(blas.create(&handle), "cublasCreate")
        var workspace: Driver.Address = 0
        do {
            try blas.check(blas.setStream(handle, stream.handle), "cublasSetStream")
            try driver.check(
                driver.allocate(&workspace, Self.workspaceBytes), "cuMemAlloc", code: .unavailable)
            try blas.check(
                blas.setWorkspace(handle, workspace, Self.workspaceBytes), "cublasSetWorkspace")
        } catch {
            _ = blas.destroy(handle)
            if workspace != 0 { _ = driver.free(workspace) }
            throw error
        }
        (self.blas, self.stream) = (blas, stream)
        (own, self.workspace) = (SendableHandle(handle), workspace)
    }

    deinit {
        stream.context.enter()
        _ = stream.context.driver.awaitStream(stream.handle)
        _ = blas.destroy(handle)
        _ = stream.context.driver.free(workspace)
    }
}

/// A handle of the driver, which may be used from any thread.
struct SendableHandle: @unchecked Sendable {
    let handle: Driver.Handle?
    init(_ handle: Driver.Handle?) { self.handle = handle }
}
