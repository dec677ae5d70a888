import CKernels
import Tensors

extension CPUBackend {
    /// Query rows whose scores are held at a time.
    private static var queryRows: Int { 32 }

    /// For each sequence and key head: keys and values are packed once; then blocks of 32 queries
    /// get scores up to their last position, soft-max and weighted sums. Nothing above the diagonal
    /// block is computed.
    ///
    /// Masked weights are 0 and add nothing to a chain, so a row depends on the positions before it
    /// alone.
    public func attention(
        queries: Tensor, keys: Tensor, values: Tensor, _ shape: AttentionShape
    ) throws -> Tensor {
        try Checks.attention(queries, keys, values, shape)
        let result = Tensor(uninitialized: queries.shape)
        guard shape.batch > 0, shape.positions > 0 else { return result }
        let work = AttentionWork(shape, level: level)
        defer { work.release() }
        let keyStride = shape.keyHeads * shape.headSize
        let queryStride = shape.heads * shape.headSize
        let group = shape.heads / shape.keyHeads
        for sequence in 0..<shape.batch {
            for keyHead in 0..<shape.keyHeads {
                let offset = sequence * shape.positions * keyStride + keyHead * shape.headSize
                work.pack(
                    keys: keys.floats + offset, values: values.floats + offset, stride: keyStride)
                for head in keyHead * group..<(keyHead + 1) * group {
                    let start = sequence * shape.positions * queryStride + head * shape.headSize
                    for block in Self.pieces(of: shape.positions, by: Self.queryRows) {
                        let offset = start + block.lowerBound * queryStride
                        work.attend(
                            block, query: queries.floats + offset, output: result.floats + offset,
                            stride: queryStride)
                    }
                }
            }
        }
        return result
    }

    /// The packed keys and values of one key head and the scores of one block of queries.
    private struct AttentionWork {
        let shape: AttentionShape
        let level: Int32
        let width: Int
        let keys: Scratch
        let values: Scratch
        let queries: Scratch
        let scores: Scratch
        let weights: Scratch

        init(_ shape: AttentionShape, level: Int32) {
            (self.shape, self.level, width) = (shape, level, ck_panel_width(level))
            let (positions, size, rows) = (shape.positions, shape.headSize, CPUBackend.queryRows)
            keys = Scratch((positions + width - 1) / width * width * size)
            values = Scratch((size + width - 1) / width * width * positions)
            queries = Scratch(rows * size)
            scores = Scratch(rows * positions)
            weights = Scratch(rows * positions)
        }

        func release() {
            for scratch in [keys, values, queries, scores, weights] { scratch.release() }
        }

        /// Packs the keys as one right factor by slices of the head, the values by slices of the
        /// positions.
        func pack(
            keys source: UnsafePointer<Float>, values other: UnsafePointer<Float>, stride: Int
        ) {
            let padded = (shape.positions + width - 1) / width * width
            for steps in CPUBackend.pieces(of: shape.headSize, by: Int(CK_SLICE)) {
                ck_pack(
                    level,
                    ck_matrix(data: source, type: CK_FLOAT32, transposed: true, stride: stride),
                    width, 0,
                    shape.positions, steps.lowerBound, steps.count, steps.count * width, nil,
                    keys.floats + padded * steps.lowerBound)
            }
            let wide = (shape.headSize + width - 1) / width * width
            for steps in CPUBackend.pieces(of: shape.positions, by: Int(CK_SLICE)) {
                ck_pack(
                    level,
                    ck_matrix(data: other, type: CK_FLOAT32, transposed: false, stride: stride),
                    width, 0,
                    shape.headSize, steps.lowerBound, steps.count, steps.count * width, nil,
                    values.floats + wide * steps.lowerBound)
            }
        }

        /// The outputs of one block of query positions.
        func attend(
            _ block: Range<Int>, query: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
            stride: Int
        ) {
            let (size, seen, panel) = (shape.headSize, block.upperBound, Int(CK_PANEL_ROWS))
            ck_pack(
                level, CPUBackend.rows(query, stride: stride), panel, 0, block.count, 0, size,
                size * panel, nil,
                queries.floats)
            let padded = (shape.positions + width - 1) / width * width
            for steps in CPUBackend.pieces(of: size, by: Int(CK_SLICE)) {
                ck_product_slice(
                    level, queries.floats, block.count, size, steps.lowerBound, steps.count,
                    keys.floats + padded * steps.lowerBound, steps.count * width, seen,
                    scores.floats, seen,
                    steps.lowerBound > 0)
            }
            let factors = block.map { position -> Float in
                let first = shape.window.map { max(0, position - $0 + 1) } ?? 0
                let row = scores.floats + (position - block.lowerBound) * seen
                return Float(
                    1
                        / ck_soft_max(
                            level, row, first, position + 1, seen, shape.scale, shape.softCap ?? 0))
            }
            ck_pack(
                level, CPUBackend.rows(scores.floats, stride: seen), panel, 0, block.count, 0, seen,
                seen * panel,
                nil, weights.floats)
            let wide = (size + width - 1) / width * width
            for steps in CPUBackend.pieces(of: seen, by: Int(CK_SLICE)) {
                // The packed slice holds more steps when later positions are not seen.
                let packedSteps = min(Int(CK_SLICE), shape.positions - steps.lowerBound)
                ck_product_slice(
                    level, weights.floats, block.count, seen, steps.lowerBound, steps.count,
                    values.floats + wide * steps.lowerBound, packedSteps * width, size, output,
                    stride,
                    steps.lowerBound > 0)
            }
            for (row, factor) in factors.enumerated() {
                ck_scale(level, output + row * stride, size, factor)
            }
        }
    }
}
