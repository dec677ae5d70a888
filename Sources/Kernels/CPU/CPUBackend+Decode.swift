import CKernels
import Glibc
import Tensors

extension CPUBackend {
    /// Share of non-zeros in a row from which a dense product beats a sum of decoder rows.
    static var denseShare: Double { 0.1 }
    /// Dense rows that are spread out together.
    private static var denseTogether: Int { 512 }

    /// Sums decoder rows; rows with many non-zeros go through a product.
    ///
    /// A row alone decides which way it goes, so that its bits do not depend on the rows beside it.
    public func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws -> Tensor {
        try Checks.decode(codes, decoder)
        let width = decoder.matrix.columns
        let result = Tensor(uninitialized: [codes.rows, width])
        var codes = codes
        if let scale = decoder.rowScale {
            for entry in codes.values.indices {
                codes.values[entry] *= scale[Int(codes.indices[entry])]
            }
        }
        let limit = Self.denseShare * Double(codes.latents)
        var dense: [Int] = []
        let work = Scratch(width)
        defer { work.release() }
        for row in 0..<codes.rows {
            let (start, end) = (codes.rowStarts[row], codes.rowStarts[row + 1])
            if Double(end - start) > limit && end - start > 64 {
                dense.append(row)
                continue
            }
            codes.values.withUnsafeBufferPointer { values in
                codes.indices.withUnsafeBufferPointer { indices in
                    ck_decode_row(
                        level, indices.baseAddress.map { $0 + start },
                        values.baseAddress.map { $0 + start },
                        end - start, decoder.matrix.bytes, decoder.matrix.type.forC, width,
                        decoder.bias,
                        work.floats, result.floats + row * width)
                }
            }
        }
        for piece in Self.pieces(of: dense.count, by: Self.denseTogether) {
            decodeDense(dense[piece], codes, decoder, result.floats)
        }
        return result
    }

    /// Spreads the entries of some rows out as a packed left factor and multiplies.
    private func decodeDense(
        _ rows: ArraySlice<Int>, _ codes: SparseCodes, _ decoder: DecoderWeights,
        _ output: UnsafeMutablePointer<Float>
    ) {
        let (latents, width, panel) = (codes.latents, decoder.matrix.columns, Int(CK_PANEL_ROWS))
        let columnLimit = min(width, Self.columnsTogether)
        let packedCount = Self.packedCount(rows: rows.count, inner: latents)
        let packed = Scratch(packedCount)
        let slice = Scratch(ck_product_scratch(level, columnLimit))
        let tile = Scratch(rows.count * columnLimit)
        defer {
            packed.release()
            slice.release()
            tile.release()
        }
        memset(packed.floats, 0, packedCount * 4)
        for (local, row) in rows.enumerated() {
            let lane = packed.floats + local / panel * panel * latents + local % panel
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                lane[Int(codes.indices[entry]) * panel] = codes.values[entry]
            }
        }
        let matrix = ck_matrix(
            data: decoder.matrix.bytes, type: decoder.matrix.type.forC, transposed: false,
            stride: width)
        for columns in Self.pieces(of: width, by: columnLimit) {
            ck_product(
                level, packed.floats, rows.count, latents, matrix, columns.lowerBound,
                columns.count, tile.floats,
                columns.count, slice.floats)
            for (local, row) in rows.enumerated() {
                let target = output + row * width + columns.lowerBound
                target.update(from: tile.floats + local * columns.count, count: columns.count)
            }
        }
        for row in rows { ck_add(level, output + row * width, decoder.bias, width) }
    }
}
