// Kernels that reduce or compare whole rows, and the sums over codes that evaluations keep.
// Blocks of 256, any grid.
//
// Version 1, not measured yet. All are bound by memory and read every number once: row_statistics
// 8 bytes a column; row_dots the two stored sizes (one for a row with itself); row_maximum_cosine
// 4; accumulate_codes 8 bytes of codes and 16 of sums an entry; finish_means 12 a latent. The sums
// are in double, which the tolerances of row_statistics (1e-12) and norms ask for: up to six
// double operations for 8 bytes, a sixth of what an H100 can do in the time of the bytes.

// MARK: Activations and reconstructions

/// `out[r] = (Σx², Σy², Σxy, Σ(x - y)²)` for x and y `[rows, width]`; a block takes a row.
KERNEL(row_statistics)(const float *__restrict__ x, const float *__restrict__ y, double *out,
                       i64 rows, int width) {
    SHARED double scratch[32];
    bool quads = in_quads(x, width) && in_quads(y, width);
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        double sums[4] = {0, 0, 0, 0};
#pragma unroll 2
        for (int c = (int)threadIdx.x * 4; c < width; c += 1024) {
            Pack<4> a = load_some<Float32>(x + row * width + c, width - c, quads, 0);
            Pack<4> b = load_some<Float32>(y + row * width + c, width - c, quads, 0);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                double p = a.v[j], q = b.v[j], d = p - q;
                sums[0] += p * p;
                sums[1] += q * q;
                sums[2] += p * q;
                sums[3] += d * d;
            }
        }
        block_sums<4, double>(sums, scratch);
        if (threadIdx.x == 0)
            for (int i = 0; i < 4; i++)
                out[row * 4 + i] = sums[i];
    }
}

// MARK: Rows of weights

/// One stored number, widened; types are 0 float32, 1 bfloat16, 2 float16.
static inline float stored_number(const void *data, int type, i64 place) {
    if (type == 0)
        return ((const float *)data)[place];
    u16 bits = ((const u16 *)data)[place];
    return type == 1 ? BFloat16::widen(bits) : Float16::widen(bits);
}

/// Four stored numbers of one row, of which `left` exist; the others become 0.
static inline Pack<4> stored_quad(const void *data, int type, i64 place, int left, bool quads) {
    if (type == 0)
        return load_some<Float32>((const float *)data + place, left, quads, 0);
    const u16 *half = (const u16 *)data + place;
    return type == 1 ? load_some<BFloat16>(half, left, quads, 0)
                     : load_some<Float16>(half, left, quads, 0);
}

/// Whether the rows of a stored matrix can be read in quads.
static inline bool stored_in_quads(const void *data, int type, int columns) {
    return type == 0 ? in_quads((const float *)data, columns)
                     : in_quads((const u16 *)data, columns);
}

/// A dot product, or its root, as a float.
static inline float finished_dot(double sum, int root) { return (float)(root ? sqrt(sum) : sum); }

/// Both matrices row-major: a warp takes a row.
static inline void row_dots_straight(const void *a, int typeA, const void *b, int typeB,
                                     float *out, i64 rows, int columns, int root) {
    bool quads = stored_in_quads(a, typeA, columns) && stored_in_quads(b, typeB, columns);
    bool same = a == b && typeA == typeB;
    i64 step = (i64)gridDim.x * 8;
    for (i64 row = (i64)blockIdx.x * 8 + warp_index(); row < rows; row += step) {
        double sum = 0;
#pragma unroll 4
        for (int c = lane_index() * 4; c < columns; c += 128) {
            Pack<4> p = stored_quad(a, typeA, row * columns + c, columns - c, quads), q = p;
            if (!same)
                q = stored_quad(b, typeB, row * columns + c, columns - c, quads);
#pragma unroll
            for (int j = 0; j < 4; j++)
                sum += (double)p.v[j] * q.v[j];
        }
        sum = warp_sum(sum);
        if (lane_index() == 0)
            out[row] = finished_dot(sum, root);
    }
}

/// At least one matrix transposed: a block takes 32 rows, a lane one of them, and each warp every
/// eighth column, so that a warp reads 32 neighbours of a transposed matrix.
static inline void row_dots_across(const void *a, int typeA, int transposedA, const void *b,
                                   int typeB, int transposedB, float *out, i64 rows, int columns,
                                   int root, double (*partial)[33]) {
    i64 rowStepA = transposedA ? 1 : columns, columnStepA = transposedA ? rows : 1;
    i64 rowStepB = transposedB ? 1 : columns, columnStepB = transposedB ? rows : 1;
    int lane = lane_index(), warp = warp_index();
    for (i64 first = (i64)blockIdx.x * 32; first < rows; first += (i64)gridDim.x * 32) {
        i64 row = first + lane;
        double sum = 0;
        if (row < rows)
#pragma unroll 4
            for (int c = warp; c < columns; c += 8) {
                double p = stored_number(a, typeA, row * rowStepA + c * columnStepA);
                double q = stored_number(b, typeB, row * rowStepB + c * columnStepB);
                sum += p * q;
            }
        partial[warp][lane] = sum;
        __syncthreads();
        if (warp == 0 && row < rows) {
            for (int other = 1; other < 8; other++)
                sum += partial[other][lane];
            out[row] = finished_dot(sum, root);
        }
        __syncthreads();
    }
}

/// `out[r] = Σ_c a[r, c] · b[r, c]`, or its root; a and b are `[rows, columns]`, stored
/// `[columns, rows]` when transposed.
KERNEL(row_dots)(const void *__restrict__ a, int typeA, int transposedA,
                 const void *__restrict__ b, int typeB, int transposedB, float *out, i64 rows,
                 int columns, int root) {
    SHARED double partial[8][33];
    if (!transposedA && !transposedB)
        row_dots_straight(a, typeA, b, typeB, out, rows, columns, root);
    else
        row_dots_across(a, typeA, transposedA, b, typeB, transposedB, out, rows, columns, root,
                        partial);
}

/// `out[r] = max over j ≠ firstRow + r of products[r, j] / (norms[firstRow + r] · norms[j])`, 0
/// where a norm is 0, minus infinity where there is no other j. The products are `[rows, count]`,
/// the norms `[count]`. Divides by the row's own norm at the end, so that no product of two tiny
/// norms vanishes.
KERNEL(row_maximum_cosine)(const float *__restrict__ products, const float *__restrict__ norms,
                           int firstRow, int rows, int count, float *out) {
    SHARED float largest[8];
    bool quads = in_quads(products, count) && in_quads(norms, count);
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        int own = firstRow + row;
        float maximum = -infinity();
#pragma unroll 2
        for (int c = (int)threadIdx.x * 4; c < count; c += 1024) {
            Pack<4> p = load_some<Float32>(products + (i64)row * count + c, count - c, quads, 0);
            Pack<4> n = load_some<Float32>(norms + c, count - c, quads, 0);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                float cosine = n.v[j] == 0 ? 0.0f : p.v[j] / n.v[j];
                if (c + j < count && c + j != own)
                    maximum = fmaxf(maximum, cosine);
            }
        }
        maximum = warp_maximum(maximum);
        if (lane_index() == 0)
            largest[warp_index()] = maximum;
        __syncthreads();
        if (threadIdx.x == 0) {
            for (int warp = 1; warp < 8; warp++)
                maximum = fmaxf(maximum, largest[warp]);
            if (maximum != -infinity())
                maximum = norms[own] == 0 ? 0.0f : maximum / norms[own];
            out[row] = maximum;
        }
        __syncthreads();
    }
}

// MARK: Sums over codes

/// Adds the codes of each text to its sums, `[texts, latents]` and zero before. Text t has the
/// tokens from `textStarts[t]` up to `textStarts[t + 1]`, token i the entries from `starts[i]` up
/// to `starts[i + 1]`. A block takes a text and its tokens one after the other, so every sum has
/// one order; the latents of a token differ.
KERNEL(accumulate_codes)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                         const float *__restrict__ values, const i64 *__restrict__ textStarts,
                         double *sums, int texts, int latents) {
    for (int text = (int)blockIdx.x; text < texts; text += (int)gridDim.x) {
        double *row = sums + (i64)text * latents;
        for (i64 token = textStarts[text]; token < textStarts[text + 1]; token++) {
            for (i64 e = starts[token] + threadIdx.x; e < starts[token + 1]; e += 256)
                row[indices[e]] += values[e];
            __syncthreads();
        }
    }
}

/// `out = sums / number of tokens` for `[texts, latents]`; 0 for a text without tokens.
KERNEL(finish_means)(const double *__restrict__ sums, const i64 *__restrict__ textStarts,
                     float *out, int texts, int latents) {
    over_rows(texts, latents, false, [&](i64 text, int latent, auto) {
        i64 count = textStarts[text + 1] - textStarts[text];
        double sum = sums[text * latents + latent];
        out[text * latents + latent] = count > 0 ? (float)(sum / (double)count) : 0.0f;
    });
}

/// Counts the values above 0 of the kept tokens: `firings` `[latents]` goes up by one for each, and
/// `firingRows` `[latents]` for the first of its sequence. `marks` `[rows / positions,
/// (latents + 31) / 32]` holds a bit for each latent seen in a sequence and is zero before. A block
/// takes a token.
KERNEL(count_firings)(const i64 *__restrict__ starts, const int *__restrict__ indices,
                      const float *__restrict__ values, const unsigned char *__restrict__ kept,
                      int rows, int positions, int latents, unsigned *marks, int *firings,
                      int *firingRows) {
    int words = (latents + 31) / 32;
    for (int token = (int)blockIdx.x; token < rows; token += (int)gridDim.x) {
        if (kept[token] == 0)
            continue;
        unsigned *seen = marks + (i64)(token / positions) * words;
        for (i64 e = starts[token] + threadIdx.x; e < starts[token + 1]; e += 256) {
            if (!(values[e] > 0))
                continue;
            int latent = indices[e];
            unsigned bit = 1u << (latent & 31);
            atomicAdd(firings + latent, 1);
            if ((atomicOr(seen + latent / 32, bit) & bit) == 0)
                atomicAdd(firingRows + latent, 1);
        }
    }
}
