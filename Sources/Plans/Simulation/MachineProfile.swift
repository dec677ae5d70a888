import Basics

/// What a machine does in a second, as far as plans and simulations need it.
///
/// Rates are those that a run can expect, not peaks.
public struct MachineProfile: Sendable, Codable, Equatable {
    /// The name on the command line.
    public var name: String
    /// One line on the machine and on what is assumed of it.
    public var note: String
    /// Floating-point operations of one rank in a second, in products of matrices.
    public var operationsPerSecond: Double
    /// Ranks that one node has room for.
    public var ranksPerNode: Int
    /// Bytes a second that one node reads from disk or writes to it.
    public var diskBytesPerSecond: Double
    /// Bytes a second that all nodes together read from the shared file system or write to it.
    public var sharedBytesPerSecond: Double
    /// Bytes a second at which one rank gets weights that its node has in memory already.
    public var loadBytesPerSecond: Double
    /// Memory of one node.
    public var memoryBytes: Int
    /// Whether it computes on a GPU.
    public var isGPU: Bool
    /// Seconds that rank 0 takes for the end of one task: an append to the journal, and `fsync`.
    public var journalSeconds = 1e-3
}

extension MachineProfile {
    /// The machines that plans know by name.
    public static let named: [MachineProfile] = [h100, rtx3090, node64, laptop]

    /// One NVIDIA H100 SXM for each rank, eight in a node.
    ///
    /// - Source: NVIDIA's data sheet: 67 TFLOP/s in float32 without tensor cores, 80 GB, PCIe 5.0
    ///   x16. Assumed are 60 % of that peak, a quarter of the bus, and a node's disks at 6 GB/s.
    public static let h100 = MachineProfile(
        name: "h100", note: "NVIDIA H100 SXM, a rank for each: 60 % of 67 TFLOP/s float32",
        operationsPerSecond: 0.6 * 67e12, ranksPerNode: 8, diskBytesPerSecond: 6e9,
        sharedBytesPerSecond: 40e9, loadBytesPerSecond: 16e9, memoryBytes: 2 << 40, isGPU: true)

    /// One NVIDIA GeForce RTX 3090.
    ///
    /// - Source: NVIDIA's white paper on GA102: 35.6 TFLOP/s in float32, 24 GB, PCIe 4.0 x16.
    ///   Assumed are 60 % of that peak and one NVMe disk of 3 GB/s.
    public static let rtx3090 = MachineProfile(
        name: "rtx-3090", note: "NVIDIA RTX 3090, one rank: 60 % of 35.6 TFLOP/s float32",
        operationsPerSecond: 0.6 * 35.6e12, ranksPerNode: 1, diskBytesPerSecond: 3e9,
        sharedBytesPerSecond: 3e9, loadBytesPerSecond: 8e9, memoryBytes: 64 << 30, isGPU: true)

    /// A node of 64 cores with one rank for each.
    ///
    /// - Source: AMD's data sheet of the EPYC 9554: 64 cores at 3.1 GHz, which do 32 float32
    ///   operations a cycle each, so 99 GFLOP/s. Assumed are 70 % of that peak, 512 GB of memory, a
    ///   parallel file system of 2 GB/s for a node and 20 GB/s for all.
    public static let node64 = MachineProfile(
        name: "node-64", note: "64 cores, a rank for each: 70 % of 99 GFLOP/s float32",
        operationsPerSecond: 0.7 * 99.2e9, ranksPerNode: 64, diskBytesPerSecond: 2e9,
        sharedBytesPerSecond: 20e9, loadBytesPerSecond: 4e9, memoryBytes: 512 << 30, isGPU: false)

    /// A laptop of eight cores.
    ///
    /// Assumed are 3 GHz, 32 float32 operations a cycle and half of that peak, since such machines
    /// grow hot, and a disk of 1.5 GB/s.
    public static let laptop = MachineProfile(
        name: "laptop", note: "8 cores, a rank for each: 50 % of 96 GFLOP/s float32",
        operationsPerSecond: 0.5 * 96e9, ranksPerNode: 8, diskBytesPerSecond: 1.5e9,
        sharedBytesPerSecond: 1.5e9, loadBytesPerSecond: 4e9, memoryBytes: 16 << 30, isGPU: false)

    /// The machine of a name.
    ///
    /// - Throws: ``RunError`` that lists the names.
    public static func named(_ name: String) throws -> MachineProfile {
        if let profile = named.first(where: { $0.name == name }) { return profile }
        throw RunError(
            .badConfig, "--machine \(name) is not known",
            advice: "one of " + (named.map(\.name) + ["this"]).joined(separator: ", "))
    }
}
