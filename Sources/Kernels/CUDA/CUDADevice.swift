import Basics
import Glibc
import Synchronization
import Tensors

/// One GPU as one rank uses it: its memory, its kernels, and the order of its work.
///
/// All work runs on one stream in the order in which it was queued, by whichever thread. Copies run
/// on streams of their own beside it. Calls come from any thread. With the last of its blocks it gives
/// all that it took from the driver back.
package final class CUDADevice: @unchecked Sendable {
    /// The name that the driver gives, such as `NVIDIA H100 80GB HBM3`.
    package let name: String
    /// Such as `sm_90`.
    let architecture: String
    /// The driver's number of it.
    var number: Int32 { context.number }
    /// How the kernels came here, for the log.
    let kernelsNote: String
    /// Where the work is queued.
    var stream: Driver.Handle? { workStream.handle }
    private let workStream: DeviceStream
    let driver: Driver
    let memory: DeviceMemory
    var blas: BLAS { products.blas }
    var blasHandle: OpaquePointer? { products.handle }
    private let products: BLASHandle
    private let context: PrimaryContext
    let multiprocessors: Int
    private let uploads: Staging
    private let downloads: Staging
    let functions: KernelFunctions
    /// Marks a point in a stream for another to wait for.
    private let mark: DeviceEvent
    /// Holds what must be queued together: cuBLAS's handle takes one call at a time.
    let queue = Mutex(())
    /// Times of kernels and products while they are asked for.
    let record = WorkRecord()
    /// What went wrong; a GPU that failed computes nothing more.
    private let failure = Mutex<KernelError?>(nil)

    /// Opens a GPU.
    ///
    /// - Parameters:
    ///   - index: among those that this process sees, from 0.
    ///   - sharers: ranks that use it together; each takes its part of the memory.
    ///   - keepsMemory: whether memory is kept between uses.
    /// - Throws: ``KernelError`` with code `unavailable` where there is no such GPU or something of
    ///   CUDA is missing.
    package init(
        index: Int, sharers: Int = 1, in search: CUDASearchPath = .standard,
        keepsMemory: Bool = true
    ) throws {
        driver = try Driver(in: search)
        let blas = try BLAS(for: driver, in: search)
        let number = try Self.device(index, driver)
        (name, architecture, multiprocessors) = try Self.describe(number, driver)
        context = try PrimaryContext(driver, device: number)
        workStream = try DeviceStream(context)
        mark = try DeviceEvent(context)
        (uploads, downloads) = (try Staging(context), try Staging(context))
        let image = KernelImage(
            architecture: architecture, majors: driver.majors, in: search)
        (functions, kernelsNote) = (try KernelFunctions(image, in: context), image.note)
        products = try BLASHandle(blas, on: workStream)
        var (free, total) = (0, 0)
        try driver.check(driver.memoryInfo(&free, &total), "cuMemGetInfo")
        // A tenth stays for the driver and for what others on the machine do.
        let share = min(free / 10 * 9, total / 10 * 9 / max(1, sharers))
        memory = DeviceMemory(limit: share, stream: workStream, keepsBlocks: keepsMemory)
    }

    /// The driver's number of a GPU.
    private static func device(_ index: Int, _ driver: Driver) throws(KernelError) -> Int32 {
        var count: Int32 = 0
        try driver.check(driver.deviceCount(&count), "cuDeviceGetCount", code: .unavailable)
        guard index < Int(count) else {
            throw KernelError(
                .unavailable, "There is no GPU \(index): the driver shows \(count)",
                advice: "check CUDA_VISIBLE_DEVICES and what the scheduler gave")
        }
        var number: Int32 = 0
        try driver.check(driver.device(&number, Int32(index)), "cuDeviceGet", code: .unavailable)
        return number
    }

    /// How many GPUs the driver shows.
    static func count(in search: CUDASearchPath = .standard) throws(KernelError) -> Int {
        let driver = try Driver(in: search)
        var count: Int32 = 0
        try driver.check(driver.deviceCount(&count), "cuDeviceGetCount", code: .unavailable)
        return Int(count)
    }

    /// Name, architecture and number of multiprocessors.
    private static func describe(
        _ number: Int32, _ driver: Driver
    ) throws(KernelError) -> (String, String, Int) {
        var bytes = [CChar](repeating: 0, count: 256)
        try driver.check(driver.deviceName(&bytes, 255, number), "cuDeviceGetName")
        let name = String(
            decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let major = try driver.value(of: .major, device: number)
        let minor = try driver.value(of: .minor, device: number)
        guard major >= 8 else {
            throw KernelError(
                .unavailable, "\(name) has compute capability \(major).\(minor)",
                advice: "use a GPU of 8.0 or newer, such as an A100, or device: cpu")
        }
        return (
            name, "sm_\(major)\(minor)", try driver.value(of: .multiprocessors, device: number)
        )
    }

    /// Makes the device the calling thread's.
    func enter() { context.enter() }

    /// Runs a call after which the device may be unusable, and remembers its error.
    func guarded<Result>(_ body: () throws(KernelError) -> Result) throws(KernelError)
        -> Result
    {
        if let failure = failure.withLock({ $0 }) { throw failure }
        enter()
        do {
            return try body()
        } catch {
            if error.code == .device { failure.withLock { $0 = error } }
            throw error
        }
    }
}

// MARK: - Memory

extension CUDADevice {
    /// Memory whose content is undefined.
    ///
    /// - Throws: ``KernelError`` with code `outOfMemory`.
    func block(_ byteCount: Int) throws(KernelError) -> DeviceBlock {
        try guarded { () throws(KernelError) in try memory.block(byteCount, of: self) }
    }

    /// Memory of zeros.
    func zeros(_ byteCount: Int) throws(KernelError) -> DeviceBlock {
        try guarded { () throws(KernelError) in
            let block = try memory.block(byteCount, of: self)
            try driver.check(
                driver.fill(block.address, 0, max(1, byteCount), stream), "cuMemsetD8Async")
            return block
        }
    }

    /// Queues the writing of one byte all over.
    func fill(_ operand: DeviceOperand, with byte: UInt8, byteCount: Int) throws(KernelError) {
        try guarded { () throws(KernelError) in
            try driver.check(
                driver.fill(operand.address, byte, byteCount, stream), "cuMemsetD8Async")
        }
    }

    /// A copy of host memory; work that is queued from now on sees it.
    func upload(_ source: UnsafeRawPointer, byteCount: Int) throws(KernelError) -> DeviceBlock {
        try guarded { () throws(KernelError) in
            let block = try memory.block(byteCount, of: self, uploading: uploads.stream.handle)
            try uploads.upload(source, to: block.address, byteCount: byteCount)
            try order(stream, after: uploads.stream.handle)
            return block
        }
    }

    /// A copy of some numbers.
    func upload<Element>(_ values: [Element]) throws(KernelError) -> DeviceBlock {
        let byteCount = values.count * MemoryLayout<Element>.stride
        return try values.withUnsafeBufferPointer { values throws(KernelError) in
            guard let start = values.baseAddress, byteCount > 0 else { return try block(0) }
            return try upload(start, byteCount: byteCount)
        }
    }

    /// Waits for the work queued so far and copies memory to the host.
    func download(
        _ block: DeviceBlock, from offset: Int = 0, to target: UnsafeMutableRawPointer,
        byteCount: Int
    ) throws(KernelError) {
        try guarded { () throws(KernelError) in
            try order(downloads.stream.handle, after: stream)
            try downloads.download(
                block.address + UInt64(offset), to: target, byteCount: byteCount)
        }
    }

    /// Waits for the work queued so far and copies numbers to the host.
    func download<Element>(_ block: DeviceBlock, count: Int, as type: Element.Type = Element.self)
        throws(KernelError) -> [Element]
    {
        var failure: KernelError?
        let values = [Element](unsafeUninitializedCapacity: count) { output, written in
            guard let start = output.baseAddress, count > 0 else { return }
            do throws(KernelError) {
                try download(
                    block, to: UnsafeMutableRawPointer(start),
                    byteCount: count * MemoryLayout<Element>.stride)
                written = count
            } catch { failure = error }
        }
        if let failure { throw failure }
        return values
    }

    /// Lets a stream wait for what another has been given so far.
    private func order(_ later: Driver.Handle?, after earlier: Driver.Handle?) throws(KernelError) {
        try queue.withLock { _ throws(KernelError) in
            try driver.check(driver.recordEvent(mark.handle, earlier), "cuEventRecord")
            try driver.check(driver.waitForEvent(later, mark.handle, 0), "cuStreamWaitEvent")
        }
    }

    /// Waits for all work.
    ///
    /// - Throws: ``KernelError`` when any of it failed.
    func synchronize() throws(KernelError) {
        try guarded { () throws(KernelError) in
            try driver.check(driver.awaitStream(stream), "cuStreamSynchronize")
        }
    }
}
