import CKernels
import Glibc
import Tensors

extension CPUBackend {
    /// Share of non-zeros from which a dense product beats sums of decoder rows; see ``kernelBenchmark``.
    static var denseShare: Double { 0.1 }
    /// Rows that are decided on and decoded together.
    private static var decodedTogether: Int { 512 }

    /// Sums decoder rows, or multiplies when a block of rows is dense.
    ///
    /// Both ways are one chain of fused multiply-adds in ascending latents, then the bias, and so give the same
    /// bits.
    public func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws -> Tensor {
        try Checks.decode(codes, decoder)
        let width = decoder.matrix.columns
        let result = Tensor(uninitialized: [codes.rows, width])
        var values = codes.values
        if let scale = decoder.rowScale {
            for entry in values.indices { values[entry] *= scale[Int(codes.indices[entry])] }
        }
        for rows in Self.pieces(of: codes.rows, by: Self.decodedTogether) {
            let entries = codes.rowStarts[rows.upperBound] - codes.rowStarts[rows.lowerBound]
            let isDense = Double(entries) > Self.denseShare * Double(rows.count * codes.latents)
            if isDense && rows.count >= 32 {
                decodeDense(rows, codes, values, decoder, result.floats + rows.lowerBound * width)
                continue
            }
            for row in rows {
                let start = codes.rowStarts[row]
                values.withUnsafeBufferPointer { values in
                    codes.indices.withUnsafeBufferPointer { indices in
                        ck_decode_row(
                            level, indices.baseAddress.map { $0 + start }, values.baseAddress.map { $0 + start },
                            codes.rowStarts[row + 1] - start, decoder.matrix.bytes, decoder.matrix.type.forC, width,
                            decoder.bias, result.floats + row * width)
                    }
                }
            }
        }
        return result
    }

    /// Spreads the entries of some rows out as a packed left factor and multiplies.
    private func decodeDense(
        _ rows: Range<Int>, _ codes: SparseCodes, _ values: [Float], _ decoder: DecoderWeights,
        _ output: UnsafeMutablePointer<Float>
    ) {
        let (latents, width, panel) = (codes.latents, decoder.matrix.columns, Int(CK_PANEL_ROWS))
        let packedCount = Self.packedCount(rows: rows.count, inner: latents)
        let packed = Scratch(packedCount)
        let slice = Scratch(ck_product_scratch(level, min(width, Self.columnsTogether)))
        defer {
            packed.release()
            slice.release()
        }
        memset(packed.floats, 0, packedCount * 4)
        for row in rows {
            let local = row - rows.lowerBound
            let lane = packed.floats + local / panel * panel * latents + local % panel
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                lane[Int(codes.indices[entry]) * panel] = values[entry]
            }
        }
        let matrix = ck_matrix(
            data: decoder.matrix.bytes, type: decoder.matrix.type.forC, transposed: false, stride: width)
        for columns in Self.pieces(of: width, by: Self.columnsTogether) {
            ck_product(
                level, packed.floats, rows.count, latents, matrix, columns.lowerBound, columns.count,
                output + columns.lowerBound, width, slice.floats)
        }
        for row in 0..<rows.count { ck_add(level, output + row * width, decoder.bias, width) }
    }
}
