import Synchronization

/// A module's kernels by name, looked up once.
final class KernelFunctions: Sendable {
    private let context: PrimaryContext
    private let module: SendableHandle
    private let known = Mutex<[String: Known]>([:])

    /// A kernel, and the dynamic shared memory that was announced for it.
    private struct Known {
        var function: SendableHandle
        var sharedBytes = 48 << 10
    }

    /// Loads an image into the current context.
    ///
    /// - Throws: ``KernelError`` when the driver takes neither it nor the portable form.
    init(_ image: KernelImage, in context: PrimaryContext) throws(KernelError) {
        let driver = context.driver
        var module: Driver.Handle?
        var status = image.bytes.withUnsafeBytes { driver.loadModule(&module, $0.baseAddress) }
        if status != 0 {
            status = KernelImage.portable.bytes.withUnsafeBytes {
                driver.loadModule(&module, $0.baseAddress)
            }
        }
        try driver.check(status, "cuModuleLoadData", code: .unavailable)
        (self.context, self.module) = (context, SendableHandle(module))
    }

    deinit {
        context.enter()
        _ = context.driver.unloadModule(module.handle)
    }

    /// A kernel.
    ///
    /// - Parameter sharedBytes: what launches may ask for; beyond 48 KiB it must be announced.
    func function(_ name: String, sharedBytes: Int) throws(KernelError) -> Driver.Handle? {
        let driver = context.driver
        return try known.withLock { known throws(KernelError) in
            var entry: Known
            if let found = known[name] {
                entry = found
            } else {
                var function: Driver.Handle?
                try driver.check(
                    driver.moduleFunction(&function, module.handle, name), "cuModuleGetFunction")
                entry = Known(function: SendableHandle(function))
            }
            if sharedBytes > entry.sharedBytes {
                try driver.check(
                    driver.setFunctionAttribute(
                        entry.function.handle, Driver.dynamicSharedBytes, Int32(sharedBytes)),
                    "cuFuncSetAttribute")
                entry.sharedBytes = sharedBytes
            }
            known[name] = entry
            return entry.function.handle
        }
    }
}

/// What a kernel is given.
enum KernelArgument {
    /// Device memory, held until the launch is queued.
    case memory(DeviceOperand)
    /// No memory.
    case none
    case int(Int)
    case long(Int)
    case float(Float)

    /// As the driver reads it: the low bytes of eight.
    var bits: UInt64 {
        switch self {
        case .memory(let operand): operand.address
        case .none: 0
        case .int(let value): UInt64(UInt32(bitPattern: Int32(value)))
        case .long(let value): UInt64(bitPattern: Int64(value))
        case .float(let value): UInt64(value.bitPattern)
        }
    }
}

/// Device memory from some byte on.
struct DeviceOperand {
    var block: DeviceBlock
    var offset = 0

    var address: Driver.Address { block.address + UInt64(offset) }

    init(_ block: DeviceBlock, offset: Int = 0) { (self.block, self.offset) = (block, offset) }

    /// The same some bytes on.
    func moved(by bytes: Int) -> DeviceOperand { DeviceOperand(block, offset: offset + bytes) }
}

/// A factor of a product: rows as they are stored, and whether they are the factor's columns.
struct ProductFactor {
    var operand: DeviceOperand
    /// Elements from one stored row to the next.
    var stride: Int
    var isTransposed: Bool
}
