import Basics
import Kernels

/// What one rank found when it looked for a GPU.
struct DeviceOffer {
    /// The GPU; nil where none is used.
    var gpu: CUDABackend?
    /// What was found, or why nothing was.
    var sentence = ""
    /// Whether a driver was there, so that the lack of a GPU deserves a word.
    var hasDriver = false

    /// Looks for this rank's GPU: the ranks of a machine take those that they see in turn.
    ///
    /// - Parameters:
    ///   - device: `auto`, `cpu` or `cuda`.
    ///   - localRank: the number of the rank on its machine.
    ///   - localSize: how many there are.
    init(device: String, localRank: Int, localSize: Int) {
        guard device != "cpu" else { return }
        do {
            let count = try CUDABackend.deviceCount()
            hasDriver = true
            guard count > 0 else {
                sentence = "the driver shows no GPU"
                return
            }
            let index = localRank % count
            let gpu = try CUDABackend(
                index: index, sharers: (localSize - index + count - 1) / count)
            (self.gpu, sentence) = (gpu, gpu.description)
        } catch {
            hasDriver = hasDriver || (error as? KernelError)?.code != .noDriver
            sentence = "\(error)"
        }
    }
}

/// What all ranks of a run compute with: GPUs if every rank has one, else processors, since results
/// of both do not mix.
public struct DeviceChoice {
    let usesGPU: Bool
    /// What the user should know.
    public let note: String?

    /// Decides from what one rank found.
    ///
    /// - Throws: as for all ranks.
    public init(device: String, localRanks: Int) throws {
        let offer = DeviceOffer(device: device, localRank: 0, localSize: localRanks)
        var rank = RankIntroduction(configuration: "", host: hostName(), processors: [])
        (rank.hasGPU, rank.device) = (offer.gpu != nil, offer.sentence)
        (rank.kernels, rank.hasDriver) = (offer.gpu?.kernelsNote ?? "", offer.hasDriver)
        try self.init(device: device, ranks: [rank])
    }

    /// Decides from what all ranks said.
    ///
    /// - Throws: ``RunError`` when `device` is `cuda` and a rank has no GPU.
    init(device: String, ranks: [RankIntroduction]) throws {
        guard device != "cpu" else {
            (usesGPU, note) = (false, nil)
            return
        }
        guard let missing = ranks.firstIndex(where: { !$0.hasGPU }) else {
            usesGPU = true
            let kinds = Set(ranks.map(\.device)).sorted()
            let count = ranks.count == 1 ? "" : "\(ranks.count) × "
            note = "computing on \(count)\(kinds.joined(separator: "; ")), \(ranks[0].kernels)"
            return
        }
        let who = ranks.count == 1 ? "" : "rank \(missing) on \(ranks[missing].host): "
        let reason = "\(who)\(ranks[missing].device)"
        guard device != "cuda" else {
            throw RunError(
                .unsuitable, "`device` is cuda, but there is no GPU to compute on: \(reason)",
                advice: "set device: auto, or start as many ranks as there are GPUs")
        }
        usesGPU = false
        note = ranks[missing].hasDriver ? "computing on the CPU: \(reason)" : nil
    }
}
