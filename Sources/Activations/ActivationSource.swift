import Basics
import Corpora
import Kernels
import LanguageModels
import Storage
import Synchronization
import Tensors

/// The tokens of a run and their activations on one rank: read from disk, or computed by the model
/// where the plan keeps none.
package final class ActivationSource: Sendable {
    /// The token sets of the plan.
    package let rowSets: [RowSet]
    /// Their activations at hooks.
    package let sets: [ActivationSet]
    /// How activations are stored.
    package let type: ElementType
    /// The folder of the model.
    package let modelFolder: String
    /// What computes.
    package let backend: any KernelBackend
    /// Threads of this rank.
    package let threads: Int
    /// Where the time of the current task goes.
    package let meter = TaskMeter()
    private let state = Mutex(State())

    private struct State {
        var model: (any LanguageModel)?
        var rows: [Int: TokenRows] = [:]
        var texts: [Int: TextRows] = [:]
        var readers: [Int: ActivationReader] = [:]
    }

    /// Takes what a plan lays out; loads nothing.
    package init(
        rowSets: [RowSet], sets: [ActivationSet], type: ElementType, modelFolder: String,
        backend: any KernelBackend, threads: Int
    ) {
        (self.rowSets, self.sets, self.type) = (rowSets, sets, type)
        (self.modelFolder, self.backend, self.threads) = (modelFolder, backend, threads)
    }

    /// The model, loaded when first asked for.
    package func model() throws -> any LanguageModel {
        try state.withLock { state in
            if let model = state.model { return model }
            let model = try meter.measure(\.loading) {
                try loadLanguageModel(folder: modelFolder, backend: backend)
            }
            state.model = model
            return model
        }
    }

    /// The rows of a row set.
    package func rows(_ index: Int) throws -> TokenRows {
        try kept(index, in: \.rows) { try RowStore.load(rowSets[index]) }
    }

    /// The labelled texts of a row set.
    package func texts(_ index: Int) throws -> TextRows {
        try kept(index, in: \.texts) { try RowStore.loadTexts(rowSets[index]) }
    }

    /// The reader of a complete activation set.
    private func reader(_ index: Int) throws -> ActivationReader {
        try kept(index, in: \.readers) {
            try ActivationReader(path: sets[index].path, key: sets[index].key)
        }
    }

    /// What is kept under an index, made when first asked for; others wait meanwhile.
    private func kept<Value: Sendable>(
        _ index: Int, in values: WritableKeyPath<State, [Int: Value]> & Sendable,
        _ make: () throws -> Value
    ) throws -> Value {
        try state.withLock { state in
            if let value = state[keyPath: values][index] { return value }
            let value = try make()
            state[keyPath: values][index] = value
            return value
        }
    }

    /// Lets the mappings of activation files go, so that removed files leave the disk.
    package func closeActivations() { state.withLock { $0.readers = [:] } }

    /// Activations of some stored tokens, widened: read, or computed where the plan keeps none.
    package func activations(set index: Int, range: Range<Int>) throws -> Tensor {
        let set = sets[index]
        guard set.policy == .store else {
            let stored = try harvester().activations(
                range, rowSet: set.rowSet, hooks: [set.hook], threads: 1)
            return try backend.widen(Harvester.activations(at: set.hook, of: stored))
        }
        meter.count(
            range.count * set.byteCount / max(1, rowSets[set.rowSet].storedRows),
            \.bytesRead)
        return try meter.measure(\.reading, threads: threads) {
            try storedActivations(index, range)
        }
    }

    /// Activations from the store; a block that differs from its checksum is computed again.
    private func storedActivations(_ index: Int, _ range: Range<Int>) throws -> Tensor {
        let set = sets[index]
        let reader = try reader(index)
        do {
            return try backend.widen(try reader.rows(range))
        } catch let error as StorageError where error.code == .checksum {
            let length = rowSets[set.rowSet].blockRows
            for block in range.lowerBound / length...(range.upperBound - 1) / length {
                let harvested = try harvester().block(
                    block, rowSet: set.rowSet, hooks: [set.hook], threads: 1)
                let stored = Harvester.activations(at: set.hook, of: harvested)
                try reader.repair(
                    block: block,
                    UnsafeRawBufferPointer(start: stored.bytes, count: stored.byteCount))
            }
            Console.note("\(error.message); the block was computed again")
            return try backend.widen(try reader.rows(range))
        }
    }

    /// What fills the activation store.
    package func harvester() throws -> Harvester {
        Harvester(source: self, model: try model())
    }
}
