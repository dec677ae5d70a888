// From sparse codes back to activations.
//
// decode: blocks of 128, grid (rows, ceil(width / 512)); scatter_codes: blocks of 256, any grid.
//
// Version 1, not measured yet. decode is bound by memory: for every entry it reads a row of the
// decoder, `width` stored numbers, of which those of popular latents come from the cache; codes
// and result are a hundredth of that. A thread owns four columns. Each lane of a warp reads one of
// 32 entries, the lanes pass them round, and eight rows are under way at a time: eight loads of 8
// or 16 bytes a thread. scatter_codes writes single numbers at random places of a dense block,
// which then goes through a product.

/// Adds the entries from `start` up to `end` to four columns; `matrix` and `out` point at the
/// first of them, of which `left` exist. Sums of 32 entries are taken by themselves and added to
/// the bias in turn, so that rounding does not grow with the number of entries.
template <class Type>
static inline void decode_columns(i64 start, i64 end, const int *indices, const float *values,
                                  const typename Type::stored *matrix, const float *rowScale,
                                  const float *bias, float *out, int width, int left,
                                  bool quads, bool outQuads) {
    Pack<4> total = load_some<Float32>(bias, left, outQuads, 0);
    for (i64 first = start; first < end; first += 32) {
        i64 entry = first + lane_index();
        int latent = 0, some = (int)(end - first < 32 ? end - first : 32);
        float value = 0;
        if (entry < end) {
            latent = indices[entry];
            value = rowScale ? __fmul_rn(values[entry], rowScale[latent]) : values[entry];
        }
        Pack<4> sum = {{0, 0, 0, 0}};
        for (int e = 0; e < some; e += 8) {
            Pack<4> rows[8];
            float factors[8];
#pragma unroll
            for (int i = 0; i < 8; i++) {
                i64 row = __shfl_sync(ALL_LANES, latent, e + i);
                factors[i] = __shfl_sync(ALL_LANES, value, e + i);
                rows[i] = load_some<Type>(matrix + row * width, e + i < some ? left : 0, quads, 0);
            }
#pragma unroll
            for (int i = 0; i < 8; i++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    sum.v[j] = fmaf(factors[i], rows[i].v[j], sum.v[j]);
        }
#pragma unroll
        for (int j = 0; j < 4; j++)
            total.v[j] += sum.v[j];
    }
    store_some<Float32>(out, left, outQuads, total);
}

/// `out[r] = bias + Σ values · rowScale · matrix[index]` over the entries of row r, from
/// `starts[r]` up to `starts[r + 1]`; the matrix is `[latents, width]`, out `[rows, width]`.
template <class Type>
static inline void decode_rows(const i64 *starts, const int *indices, const float *values,
                               const typename Type::stored *matrix, const float *rowScale,
                               const float *bias, float *out, int rows, int width) {
    bool quads = in_quads(matrix, width);
    bool outQuads = in_quads(out, width) && in_quads(bias, width);
    int across = (width + 511) / 512;
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x)
        for (int piece = (int)blockIdx.y; piece < across; piece += (int)gridDim.y) {
            int column = piece * 512 + (int)threadIdx.x * 4;
            int left = width - column;
            int at = left > 0 ? column : 0; // no pointer beyond the end
            decode_columns<Type>(starts[row], starts[row + 1], indices, values, matrix + at,
                                 rowScale, bias + at, out + (i64)row * width + at, width, left,
                                 quads, outQuads);
        }
}

KERNEL(decode_f32)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                   const float *__restrict__ values, const float *__restrict__ matrix,
                   const float *__restrict__ rowScale, const float *__restrict__ bias, float *out,
                   int rows, int width) {
    decode_rows<Float32>(starts, indices, values, matrix, rowScale, bias, out, rows, width);
}

KERNEL(decode_bf16)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                    const float *__restrict__ values, const u16 *__restrict__ matrix,
                    const float *__restrict__ rowScale, const float *__restrict__ bias,
                    float *out, int rows, int width) {
    decode_rows<BFloat16>(starts, indices, values, matrix, rowScale, bias, out, rows, width);
}

KERNEL(decode_f16)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                   const float *__restrict__ values, const u16 *__restrict__ matrix,
                   const float *__restrict__ rowScale, const float *__restrict__ bias, float *out,
                   int rows, int width) {
    decode_rows<Float16>(starts, indices, values, matrix, rowScale, bias, out, rows, width);
}

/// `dense[r, index] = value · rowScale` for the entries of each row; dense is `[rows, latents]` in
/// a stored type and zero before. A block takes a row.
template <class Type>
static inline void scatter_rows(const i64 *starts, const int *indices, const float *values,
                                const float *rowScale, typename Type::stored *dense, int rows,
                                int latents) {
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x)
        for (i64 e = starts[row] + threadIdx.x; e < starts[row + 1]; e += 256) {
            int latent = indices[e];
            float value = rowScale ? __fmul_rn(values[e], rowScale[latent]) : values[e];
            dense[(i64)row * latents + latent] = Type::narrow(value);
        }
}

KERNEL(scatter_codes_f32)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                          const float *__restrict__ values, const float *__restrict__ rowScale,
                          float *dense, int rows, int latents) {
    scatter_rows<Float32>(starts, indices, values, rowScale, dense, rows, latents);
}

KERNEL(scatter_codes_bf16)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                           const float *__restrict__ values, const float *__restrict__ rowScale,
                           u16 *dense, int rows, int latents) {
    scatter_rows<BFloat16>(starts, indices, values, rowScale, dense, rows, latents);
}

KERNEL(scatter_codes_f16)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                          const float *__restrict__ values, const float *__restrict__ rowScale,
                          u16 *dense, int rows, int latents) {
    scatter_rows<Float16>(starts, indices, values, rowScale, dense, rows, latents);
}
