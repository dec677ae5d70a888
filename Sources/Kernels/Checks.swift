import Basics
import Tensors

/// What every backend asks of the arguments, so that all of them refuse the same calls with the
/// same words.
///
/// A check names the argument, the shape it has and the shape it should have.
enum Checks {
    /// The types that weights may have.
    static let weightTypes: [ElementType] = [.float32, .bfloat16, .float16]

    /// Throws unless `condition` holds.
    static func require(
        _ condition: Bool, _ message: @autoclosure () -> String, advice: String? = nil
    ) throws(KernelError) {
        guard condition else { throw KernelError(.shape, message(), advice: advice) }
    }

    /// The argument is a `float32` matrix of the given width; any number of axes whose tail
    /// multiplies to it.
    static func activations(_ x: Tensor, width: Int, _ role: String) throws(KernelError) {
        guard x.type == .float32 else {
            throw KernelError(
                .unsupported, "\(role) is \(x.type.rawValue)", advice: "widen it to float32 first")
        }
        try require(
            x.shape.count >= 1 && x.columns == width,
            "\(role) has shape \(x.shape) where rows of \(width) are needed")
    }

    /// The argument is a `float32` tensor.
    static func floats(_ x: Tensor, _ role: String) throws(KernelError) {
        guard x.type == .float32 else {
            throw KernelError(
                .unsupported, "\(role) is \(x.type.rawValue)", advice: "widen it to float32 first")
        }
    }

    /// The argument is a matrix of a weight type.
    static func matrix(_ weight: Tensor, _ role: String) throws(KernelError) {
        try require(weight.shape.count == 2, "\(role) has shape \(weight.shape), not two axes")
        guard weightTypes.contains(weight.type) else {
            throw KernelError(
                .unsupported, "\(role) is \(weight.type.rawValue)",
                advice: "use float32, bfloat16 or float16")
        }
    }

    /// The argument is a vector of a weight type.
    static func vector(_ weight: Tensor, count: Int, _ role: String) throws(KernelError) {
        try require(
            weight.count == count,
            "\(role) has shape \(weight.shape) where \(count) values are needed")
        guard weightTypes.contains(weight.type) else {
            throw KernelError(
                .unsupported, "\(role) is \(weight.type.rawValue)",
                advice: "use float32, bfloat16 or float16")
        }
    }

    /// A list of numbers has the length it should have.
    static func length(_ actual: Int, _ expected: Int, _ role: String) throws(KernelError) {
        try require(actual == expected, "\(role) has \(actual) values where \(expected) are needed")
    }

    /// Two tensors of activations have one shape.
    static func same(_ x: Tensor, _ y: Tensor, _ roles: String) throws(KernelError) {
        try floats(x, roles)
        try floats(y, roles)
        try require(
            x.rows == y.rows && x.columns == y.columns,
            "\(roles) have shapes \(x.shape) and \(y.shape), which should be equal")
    }
}

// MARK: - By operation

extension Checks {
    static func embedding(_ tokens: [Int32], table: Tensor) throws(KernelError) {
        try matrix(table, "embedding table")
        for (row, token) in tokens.enumerated() where token < 0 || Int(token) >= table.rows {
            throw KernelError(
                .tokenOutOfRange,
                "Token \(token) at row \(row) is outside a vocabulary of \(table.rows)",
                advice: "check that tokenizer and model belong together")
        }
    }

    static func linear(_ x: Tensor, _ weights: LinearWeights) throws(KernelError) {
        try matrix(weights.weight, "weight")
        try activations(x, width: weights.inputs, "input of a linear map")
        if let bias = weights.bias { try vector(bias, count: weights.outputs, "bias") }
    }

    static func rotate(_ x: Tensor, heads: Int, positions: Int, table: RotaryTable)
        throws(KernelError)
    {
        try activations(x, width: heads * table.headSize, "input of rotary embedding")
        let half = table.rotarySize / 2
        try require(
            table.rotarySize >= 0 && table.rotarySize % 2 == 0
                && table.rotarySize <= table.headSize,
            "rotary size \(table.rotarySize) is not an even number up to the head size "
                + "\(table.headSize)"
        )
        try require(positions > 0 || x.rows == 0, "\(positions) positions for \(x.rows) rows")
        try activations(table.cosines, width: half, "rotary cosines")
        try activations(table.sines, width: half, "rotary sines")
        try require(
            table.cosines.rows >= positions && table.sines.rows >= positions,
            "the rotary table covers \(min(table.cosines.rows, table.sines.rows)) of "
                + "\(positions) positions"
        )
    }

    static func attention(
        _ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ shape: AttentionShape
    ) throws(KernelError) {
        try require(
            shape.heads > 0 && shape.keyHeads > 0 && shape.heads % shape.keyHeads == 0
                && shape.headSize > 0
                && shape.batch >= 0 && shape.positions >= 0,
            "attention with \(shape.heads) heads, \(shape.keyHeads) key heads of size "
                + "\(shape.headSize)"
        )
        try require((shape.window ?? 1) > 0, "attention window \(shape.window ?? 0) is not above 0")
        try activations(queries, width: shape.heads * shape.headSize, "queries")
        try activations(keys, width: shape.keyHeads * shape.headSize, "keys")
        try activations(values, width: shape.keyHeads * shape.headSize, "values")
        let rows = shape.batch * shape.positions
        for tensor in [queries, keys, values] {
            try require(
                tensor.rows == rows,
                "attention over \(shape.batch) × \(shape.positions) got \(tensor.rows) rows")
        }
    }

    static func encode(_ x: Tensor, _ encoder: EncoderWeights) throws(KernelError) {
        try matrix(encoder.matrix, "encoder matrix")
        try activations(x, width: encoder.modelSize, "input of an encoder")
        let latents = encoder.latents
        if let bias = encoder.inputBias {
            try length(bias.count, encoder.modelSize, "encoder input bias")
        }
        if let scale = encoder.latentScale { try length(scale.count, latents, "latent scale") }
        switch encoder.activation {
        case .relu(let bias): try length(bias.count, latents, "encoder bias")
        case .topK(let bias, let k, let rankScale):
            try length(bias.count, latents, "encoder bias")
            if let rankScale { try length(rankScale.count, latents, "rank scale") }
            try require(k > 0, "top-k with k = \(k)", advice: "use a k above 0")
        case .jumpReLU(let bias, let threshold):
            try length(bias.count, latents, "encoder bias")
            try length(threshold.count, latents, "threshold")
        case .gated(let gateBias, let magnitudeScale, let magnitudeBias):
            try length(gateBias.count, latents, "gate bias")
            try length(magnitudeScale.count, latents, "magnitude scale")
            try length(magnitudeBias.count, latents, "magnitude bias")
        }
    }

    static func decoder(_ decoder: DecoderWeights, latents: Int) throws(KernelError) {
        try matrix(decoder.matrix, "decoder matrix")
        try length(latents, decoder.matrix.rows, "codes' latent axis")
        try length(decoder.bias.count, decoder.matrix.columns, "decoder bias")
        if let scale = decoder.rowScale { try length(scale.count, latents, "row scale") }
    }

    static func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws(KernelError) {
        try Self.decoder(decoder, latents: codes.latents)
        try length(codes.values.count, codes.indices.count, "values of codes")
        try require(
            codes.rowStarts.first == 0 && codes.rowStarts.last == codes.indices.count
                && zip(codes.rowStarts, codes.rowStarts.dropFirst()).allSatisfy { $0 <= $1 },
            "row starts of codes do not ascend from 0 to \(codes.indices.count)")
        let limit = Int32(clamping: codes.latents)
        if let bad = codes.indices.first(where: { $0 < 0 || $0 >= limit }) {
            throw KernelError(.shape, "Latent \(bad) is outside a dictionary of \(codes.latents)")
        }
    }

    static func divergence(
        _ clean: Tensor, _ cleanSums: [Double], _ changed: Tensor, _ changedSums: [Double]
    ) throws(KernelError) {
        try floats(clean, "clean logits")
        try activations(changed, width: clean.columns, "changed logits")
        try require(
            changed.rows == clean.rows || changed.rows == 1,
            "changed logits have \(changed.rows) rows where \(clean.rows) or 1 are needed")
        try length(cleanSums.count, clean.rows, "sums of the clean logits")
        try length(changedSums.count, changed.rows, "sums of the changed logits")
    }

    static func elements(_ x: Tensor, _ columns: [Int32]) throws(KernelError) {
        try floats(x, "input of a choice of elements")
        try length(columns.count, x.rows, "columns of chosen elements")
        if let bad = columns.first(where: { $0 < 0 || Int($0) >= x.columns }) {
            throw KernelError(.shape, "Column \(bad) is outside rows of \(x.columns)")
        }
    }

    static func splitFused(_ fused: Tensor, groups: Int) throws(KernelError) {
        try floats(fused, "fused queries, keys and values")
        try require(
            groups > 0 && fused.columns % (3 * groups) == 0,
            "rows of \(fused.columns) are not \(groups) groups of queries, keys and values")
    }

    static func replaceRows(_ y: Tensor, _ x: Tensor, _ isReplaced: [Bool]) throws(KernelError) {
        try same(y, x, "rows and their replacements")
        try length(isReplaced.count, y.rows, "choice of rows")
    }

    static func firings(_ codes: SparseCodes, _ kept: [Bool], _ positions: Int) throws(KernelError)
    {
        try length(kept.count, codes.rows, "choice of tokens")
        try require(positions > 0, "sequences of \(positions) positions")
    }

    static func means(_ codes: SparseCodes, _ starts: [Int]) throws(KernelError) {
        try require(
            starts.first == 0 && starts.last == codes.rows
                && zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 },
            "starts of texts do not ascend from 0 to \(codes.rows)")
    }

    static func view(_ view: MatrixView, _ role: String) throws(KernelError) {
        try matrix(view.tensor, role)
    }

    static func maximumCosines(
        _ range: Range<Int>, _ matrix: MatrixView, _ norms: [Float]
    ) throws(KernelError) {
        try view(matrix, "matrix")
        try length(norms.count, matrix.rows, "norms")
        try require(
            range.lowerBound >= 0 && range.upperBound <= matrix.rows,
            "rows \(range) of a matrix with \(matrix.rows)")
    }

    /// The error of a pre-activation that is not a number or infinite.
    static func notFinite(row: Int, latent: Int) -> KernelError {
        KernelError(
            .notFinite, "The pre-activation of latent \(latent) at row \(row) is not finite",
            advice: "look for overflow in the model's activations or for damaged weights")
    }
}
