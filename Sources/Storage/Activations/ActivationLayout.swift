import Basics
import Tensors

/// Sizes and stored type of an activation file.
public struct ActivationLayout: Sendable, Equatable {
    /// Token rows of the data set.
    public var sequences: Int
    /// Tokens of each sequence.
    public var positions: Int
    /// Length of one activation.
    public var modelSize: Int
    /// How activations are stored: `float32`, `float16` or `bfloat16`.
    public var type: ElementType
    /// Rows of one block, the unit of writing and checking; the last block may have fewer.
    public var blockRows: Int

    /// Describes a file; nothing is checked before it is used.
    public init(sequences: Int, positions: Int, modelSize: Int, type: ElementType, blockRows: Int) {
        (self.sequences, self.positions, self.modelSize) = (sequences, positions, modelSize)
        (self.type, self.blockRows) = (type, blockRows)
    }

    /// Rows of activations: one for each token.
    public var rows: Int { sequences * positions }
    /// Number of blocks.
    public var blocks: Int { (rows + blockRows - 1) / blockRows }
    /// Bytes of one activation.
    public var rowBytes: Int { modelSize * type.byteCount }
    /// Bytes of all activations.
    public var byteCount: Int { rows * rowBytes }

    /// Rows of a block.
    public func rows(ofBlock block: Int) -> Range<Int> {
        precondition(block >= 0 && block < blocks, "block \(block) of \(blocks)")
        return block * blockRows..<min((block + 1) * blockRows, rows)
    }

    /// Largest block in bytes: MPI counts in 32 bits.
    static let largestBlockBytes = 1 << 30
    /// Largest file in bytes that this format allows.
    static let largestBytes = 1 << 50

    /// Checks that the sizes make sense together, without overflow.
    func validate(_ path: String) throws(StorageError) {
        guard [.float32, .float16, .bfloat16].contains(type) else {
            throw invalid(path, "stores \(type.rawValue)", "store float32, float16 or bfloat16")
        }
        guard min(sequences, positions, modelSize, blockRows) > 0 else {
            throw invalid(
                path, "has a size of 0 or less", "check the number of texts and the context length")
        }
        guard let total = product([sequences, positions, modelSize, type.byteCount]),
            total <= Self.largestBytes
        else {
            throw invalid(path, "exceeds \(Self.largestBytes) bytes", "evaluate fewer tokens")
        }
        guard let block = product([blockRows, modelSize, type.byteCount]),
            block <= Self.largestBlockBytes
        else {
            throw invalid(
                path, "has blocks above \(Self.largestBlockBytes) bytes",
                "use fewer rows in a block")
        }
    }

    /// The error of a layout.
    private func invalid(_ path: String, _ what: String, _ advice: String) -> StorageError {
        StorageError(
            .invalid,
            "Activation file \(path) of \(sequences) x \(positions) tokens, \(modelSize) wide, "
                + "\(blockRows) rows a block, \(what)",
            advice: advice)
    }

    /// The product; nil when it overflows.
    private func product(_ factors: [Int]) -> Int? {
        var result = 1
        for factor in factors {
            let (next, overflow) = result.multipliedReportingOverflow(by: factor)
            if overflow { return nil }
            result = next
        }
        return result
    }
}

/// What an activation file holds, in words.
public struct ActivationAttributes: Sendable, Equatable {
    /// The model and its revision.
    public var model: String
    /// The hook, such as `blocks.3.hook_resid_post`.
    public var hook: String
    /// The data set.
    public var dataset: String
    /// The key of everything that can change a number in the file.
    public var key: ContentHash
    /// Anything else worth reading later; not compared.
    public var notes: [String: String]

    /// Describes the content of a file.
    public init(
        model: String, hook: String, dataset: String, key: ContentHash,
        notes: [String: String] = [:]
    ) {
        (self.model, self.hook, self.dataset, self.key) = (model, hook, dataset, key)
        self.notes = notes
    }
}
