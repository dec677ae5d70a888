@testable import Kernels

/// All backends with their levels that this machine can run.
let processorBackends: [CPUBackend] = (0...CPUBackend().level).map { CPUBackend(level: $0) }
