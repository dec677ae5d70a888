import Basics
import Corpora
import Kernels
import LanguageModels
import Tensors

/// Fills blocks of the activation store: one forward pass serves all hooks.
struct Harvester: Sendable {
    let plan: RunPlan
    let model: any LanguageModel
    let backend: any KernelBackend
    let rows: @Sendable (Int) throws -> TokenRows

    /// The activations of one block of rows at some hooks, in the stored type.
    ///
    /// A block is cut into chunks for the threads; a row's numbers do not depend on its chunk.
    ///
    /// - Shapes: `[tokens of the block, size of the hook]` each.
    /// - Throws: ``KernelError`` when an activation is not finite in the stored type.
    func block(_ block: Int, rowSet: Int, hooks: Set<HookPoint>, threads: Int) throws -> [HookPoint:
        Tensor]
    {
        let request = plan.rowSets[rowSet].request
        let length = RunPlan.harvestRows(contextSize: request.contextSize)
        let range = block * length..<min((block + 1) * length, request.rows)
        let step = max(
            1, min(chunkTokens / request.contextSize, (range.count + threads - 1) / threads))
        let starts = Array(stride(from: range.lowerBound, to: range.upperBound, by: step))
        let tokens = try rows(rowSet)
        let chunks = try concurrentMap(starts.count, threads: threads) { index in
            let part = starts[index]..<min(starts[index] + step, range.upperBound)
            let pass = ForwardPass(
                start: .tokens(tokens.rows(part)), end: .lastCapture, batch: part.count,
                positions: request.contextSize, captures: hooks)
            return try model.run(pass).captured.map { ($0.key, try stored($0.value, hook: $0.key)) }
        }
        var result: [HookPoint: Tensor] = [:]
        for hook in hooks {
            let parts = chunks.compactMap { chunk in chunk.first { $0.0 == hook }?.1 }
            result[hook] = joined(parts)
        }
        return result
    }

    private func stored(_ x: Tensor, hook: HookPoint) throws -> Tensor {
        let type = plan.activationType
        let stored = type == .float32 ? x : try backend.convert(x, to: type)
        let widened = try backend.widen(stored)
        guard try backend.rowStatistics(widened, widened).allSatisfy({ $0.inputSquared.isFinite })
        else {
            throw KernelError(
                .notFinite,
                "Activations at \(hook) of \(plan.modelFolder) are not finite in \(type.rawValue)",
                advice: type == .float16
                    ? "dtype: bfloat16 or float32" : "check the model's weights")
        }
        return stored
    }

    private func joined(_ parts: [Tensor]) -> Tensor {
        let columns = parts[0].columns
        let whole = Tensor(
            uninitialized: [parts.reduce(0) { $0 + $1.rows }, columns], type: plan.activationType)
        var offset = 0
        for part in parts {
            (whole.bytes + offset).copyMemory(from: part.bytes, byteCount: part.byteCount)
            offset += part.byteCount
        }
        return whole
    }
}
