import Basics
import Kernels
import Tensors

/// What one architecture must say; everything else about a pass is shared.
///
/// Residual streams are never written once they are made, so a captured one stays as it was.
protocol TransformerArchitecture: Sendable {
    /// Sizes and names.
    var description: ModelDescription { get }

    /// The arithmetic.
    var backend: any KernelBackend { get }

    /// Turns tokens `[batch · positions]` into the residual stream `[batch · positions, model]`.
    func embed(_ tokens: [Int32], positions: Int) throws -> Tensor

    /// Runs one block on `[batch · positions, model]` and shows what is inside it to `hooks`.
    ///
    /// - Returns: the residual stream after the block, or nil when `hooks` has all that is wanted.
    func block(_ layer: Int, _ x: Tensor, _ hooks: HookVisitor) throws -> Tensor?

    /// Final norm and unembedding: `[rows, model]` to `[rows, vocabulary]`.
    func unembed(_ x: Tensor) throws -> Tensor
}

/// A model made of an architecture: checks a pass and drives it block by block.
struct Transformer<Architecture: TransformerArchitecture>: LanguageModel {
    /// The blocks, the embedding and the unembedding.
    let architecture: Architecture

    /// Sizes and names.
    var description: ModelDescription { architecture.description }

    /// Runs a part of the model on the calling thread.
    ///
    /// - Cost: ``ModelDescription/forwardOperations(tokens:positions:blocks:unembedding:)``.
    func run(_ pass: ForwardPass) throws -> ForwardResult {
        let first = try check(pass)
        let hooks = HookVisitor(pass)
        guard !hooks.isFinished else { return ForwardResult(captured: [:], logits: nil) }
        var x: Tensor
        switch pass.start {
        case .tokens(let tokens):
            let embedded = try architecture.embed(tokens, positions: pass.positions)
            guard let shown = try hooks.visit(.embedding, embedded) else {
                return ForwardResult(captured: hooks.captured, logits: nil)
            }
            x = shown
        case .residual(let residual, _): x = residual
        }
        for layer in first..<description.layers {
            hooks.layer = layer
            guard let entering = try hooks.visit(.residPre, x),
                let leaving = try architecture.block(layer, entering, hooks),
                let next = try hooks.visit(.residPost, leaving)
            else { return ForwardResult(captured: hooks.captured, logits: nil) }
            x = next
        }
        if case .logitsAt(let tokens) = pass.end {
            // A row of the stream is looked up as that of a token is, without leaving the device.
            x = try architecture.backend.embedding(tokens.map { Int32($0) }, table: x, scale: 1)
        }
        return ForwardResult(captured: hooks.captured, logits: try architecture.unembed(x))
    }
}

// MARK: - Checks

extension Transformer {
    /// Checks a pass before anything is computed.
    ///
    /// - Returns: the first block that runs.
    private func check(_ pass: ForwardPass) throws(LanguageModelError) -> Int {
        guard pass.batch >= 0, pass.positions >= 0 else {
            throw LanguageModelError(
                .wrongShape,
                "A pass of \(pass.batch) rows of \(pass.positions) positions cannot run",
                advice: "sizes that are not negative")
        }
        guard pass.positions <= description.contextSize else {
            throw LanguageModelError(
                .rowTooLong,
                "Rows of \(pass.positions) positions are longer than the "
                    + "\(description.contextSize) of this \(description.architecture) model",
                advice: "a shorter context_size")
        }
        if case .logitsAt(let tokens) = pass.end {
            try checkChosen(tokens, pass)
        }
        var (first, fromTokens) = (0, true)
        switch pass.start {
        case .tokens(let tokens):
            try checkTokens(tokens, pass)
        case .residual(let residual, let beforeBlock):
            try checkResidual(residual, beforeBlock, pass)
            (first, fromTokens) = (beforeBlock, false)
        }
        for point in pass.captures.union(pass.interventions.keys) {
            try checkPoint(point, first: first, fromTokens: fromTokens)
        }
        return first
    }

    /// Checks that tokens whose logits are wanted are among those of the pass.
    private func checkChosen(_ tokens: [Int], _ pass: ForwardPass) throws(LanguageModelError) {
        let count = pass.batch * pass.positions
        guard let outside = tokens.first(where: { !(0..<count).contains($0) }) else { return }
        throw LanguageModelError(
            .wrongShape,
            "Logits of token \(outside) are wanted in a pass of \(count) tokens",
            advice: "indices below batch · positions")
    }

    /// Checks the number and range of tokens.
    private func checkTokens(_ tokens: [Int32], _ pass: ForwardPass) throws(LanguageModelError) {
        guard tokens.count == pass.batch * pass.positions else {
            throw LanguageModelError(
                .wrongShape,
                "\(tokens.count) tokens are not \(pass.batch) rows of \(pass.positions) positions",
                advice: "rows of one length")
        }
        if let index = tokens.firstIndex(where: { $0 < 0 || Int($0) >= description.vocabulary }) {
            throw LanguageModelError(
                .tokenOutOfRange,
                "Token \(tokens[index]) at row \(index / pass.positions), position "
                    + "\(index % pass.positions), is outside the vocabulary of "
                    + "\(description.vocabulary)",
                advice: "the tokenizer that belongs to this model")
        }
    }

    /// Checks the shape and first block of a residual stream.
    private func checkResidual(
        _ residual: Tensor, _ beforeBlock: Int, _ pass: ForwardPass
    ) throws(LanguageModelError) {
        guard (0...description.layers).contains(beforeBlock) else {
            throw LanguageModelError(
                .layerOutOfRange,
                "A pass cannot begin before block \(beforeBlock) of \(description.layers)",
                advice: "a block from 0 to \(description.layers)")
        }
        let expected = [pass.batch * pass.positions, description.modelSize]
        guard residual.shape == expected, residual.type == .float32 else {
            throw LanguageModelError(
                .wrongShape,
                "The residual stream is \(residual.type.rawValue) of shape \(residual.shape), "
                    + "not float32 of \(expected)",
                advice: "activations of this model, [batch · positions, model]")
        }
    }

    /// Checks that a hook exists and is reached.
    private func checkPoint(
        _ point: HookPoint, first: Int, fromTokens: Bool
    ) throws(LanguageModelError) {
        try description.check(point)
        guard point.layer >= first, fromTokens || point.site != .embedding else {
            throw LanguageModelError(
                .layerOutOfRange,
                "Hook \(point) comes before block \(first), where the pass begins",
                advice: "a pass that begins earlier")
        }
    }
}
