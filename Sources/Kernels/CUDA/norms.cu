// Layer norm, root-mean-square norm and rotary embedding.
//
// Version 1, not measured yet. Bound by memory: 8 bytes a number. A row belongs to a block of 256
// threads, or to one warp when it is no wider than 512, as heads are when each has a norm of its
// own. The row is read twice; the second time it comes from the cache of the processor. Moments
// are summed in double, two or three operations a number, because the reference does so and large
// means would eat the digits of a float; the last step is in float.

// MARK: Norms

/// Widest row that a warp takes alone.
#define WARP_ROW 512

/// Calls `body(row, rank, team)` for the rows of this block's teams: TEAM threads, 32 or 256, take
/// a row, `rank` is the thread's place among them.
template <int TEAM, class Body> static inline void over_team_rows(i64 rows, Body body) {
    int rank = (int)threadIdx.x % TEAM;
    i64 step = (i64)gridDim.x * (256 / TEAM);
    i64 first = (i64)blockIdx.x * (256 / TEAM) + (int)threadIdx.x / TEAM;
    for (i64 row = first; row < rows; row += step)
        body(row, rank);
}

/// N sums over a team; `scratch` holds 8 · N numbers and is used by whole blocks alone.
template <int TEAM, int N> static inline void team_sums(double (&sums)[N], double *scratch) {
    if (TEAM == 256) {
        block_sums<N, double>(sums, scratch);
    } else {
#pragma unroll
        for (int i = 0; i < N; i++)
            sums[i] = warp_sum(sums[i]);
    }
}

/// Layer norm by teams. Moments are taken around the first number of the row, which keeps the
/// variance of numbers that lie close together.
template <int TEAM>
static inline void layer_norm_rows(const float *x, const float *weight, const float *bias,
                                   float *out, i64 rows, int width, float epsilon,
                                   double *scratch) {
    bool quads = in_quads(x, width) && in_quads(weight, width) && in_quads(bias, width) &&
                 in_quads(out, width);
    over_team_rows<TEAM>(rows, [&](i64 row, int rank) {
        const float *input = x + row * width;
        double origin = input[0], sums[2] = {0, 0};
        for (int c = rank * 4; c < width; c += TEAM * 4) {
            Pack<4> a = load_some<Float32>(input + c, width - c, quads, input[0]);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                double d = a.v[j] - origin;
                sums[0] += d;
                sums[1] += d * d;
            }
        }
        team_sums<TEAM>(sums, scratch);
        double shift = sums[0] / width, mean = origin + shift;
        double variance = sums[1] / width - shift * shift;
        float factor = 1.0f / sqrtf((float)((variance < 0 ? 0 : variance) + epsilon));
        float high = (float)mean, low = (float)(mean - high);
        for (int c = rank * 4; c < width; c += TEAM * 4) {
            int left = width - c;
            Pack<4> a = load_some<Float32>(input + c, left, quads, 0);
            Pack<4> w = load_some<Float32>(weight + c, left, quads, 0);
            Pack<4> b = load_some<Float32>(bias + c, left, quads, 0);
#pragma unroll
            for (int j = 0; j < 4; j++)
                a.v[j] = (a.v[j] - high - low) * factor * w.v[j] + b.v[j];
            store_some<Float32>(out + row * width + c, left, quads, a);
        }
    });
}

/// `(x - mean) / sqrt(variance + epsilon) · weight + bias` for rows of `[rows, width]`.
KERNEL(layer_norm)(const float *__restrict__ x, const float *__restrict__ weight,
                   const float *__restrict__ bias, float *__restrict__ out, i64 rows, int width,
                   float epsilon) {
    SHARED double scratch[16];
    if (width <= WARP_ROW)
        layer_norm_rows<32>(x, weight, bias, out, rows, width, epsilon, scratch);
    else
        layer_norm_rows<256>(x, weight, bias, out, rows, width, epsilon, scratch);
}

/// Root-mean-square norm by teams. Squares of four numbers are summed in float, then in double.
template <int TEAM>
static inline void rms_norm_rows(const float *x, const float *weight, float *out, i64 rows,
                                 int width, float offset, float epsilon, double *scratch) {
    bool quads = in_quads(x, width) && in_quads(weight, width) && in_quads(out, width);
    over_team_rows<TEAM>(rows, [&](i64 row, int rank) {
        const float *input = x + row * width;
        double sums[1] = {0};
        for (int c = rank * 4; c < width; c += TEAM * 4) {
            Pack<4> a = load_some<Float32>(input + c, width - c, quads, 0);
            sums[0] += a.v[0] * a.v[0] + a.v[1] * a.v[1] + (a.v[2] * a.v[2] + a.v[3] * a.v[3]);
        }
        team_sums<TEAM>(sums, scratch);
        float factor = 1.0f / sqrtf((float)(sums[0] / width + epsilon));
        for (int c = rank * 4; c < width; c += TEAM * 4) {
            int left = width - c;
            Pack<4> a = load_some<Float32>(input + c, left, quads, 0);
            Pack<4> w = load_some<Float32>(weight + c, left, quads, 0);
#pragma unroll
            for (int j = 0; j < 4; j++)
                a.v[j] = a.v[j] * factor * (w.v[j] + offset);
            store_some<Float32>(out + row * width + c, left, quads, a);
        }
    });
}

/// `x / sqrt(mean(x²) + epsilon) · (weight + offset)` for rows of `[rows, width]`.
KERNEL(rms_norm)(const float *__restrict__ x, const float *__restrict__ weight,
                 float *__restrict__ out, i64 rows, int width, float offset, float epsilon) {
    SHARED double scratch[8];
    if (width <= WARP_ROW)
        rms_norm_rows<32>(x, weight, out, rows, width, offset, epsilon, scratch);
    else
        rms_norm_rows<256>(x, weight, out, rows, width, offset, epsilon, scratch);
}

// MARK: Rotary embedding

/// `(a, b) ← (a cos - b sin, b cos + a sin)` in place for element i and i + half of each head; x is
/// `[rows, heads · headSize]`, the tables are `[positions, half]`, row r is at position
/// `r % positions`.
KERNEL(rotate)(float *x, const float *__restrict__ cosines, const float *__restrict__ sines,
               i64 rows, int heads, int headSize, int half, int positions) {
    bool quads = in_quads(x, headSize) && in_quads(cosines, half) && in_quads(sines, half);
    over_rows(rows * heads, half, quads, [&](i64 unit, int index, auto lanes) {
        constexpr int N = decltype(lanes)::count;
        i64 row = quotient(unit, heads);
        int position = (int)(row - quotient(row, positions) * positions);
        float *place = x + unit * headSize + index;
        Pack<N> a = load<Float32, N>(place), b = load<Float32, N>(place + half);
        Pack<N> c = load<Float32, N>(cosines + (i64)position * half + index);
        Pack<N> s = load<Float32, N>(sines + (i64)position * half + index), first, second;
#pragma unroll
        for (int j = 0; j < N; j++) {
            first.v[j] = a.v[j] * c.v[j] - b.v[j] * s.v[j];
            second.v[j] = b.v[j] * c.v[j] + a.v[j] * s.v[j];
        }
        store<Float32, N>(place, first);
        store<Float32, N>(place + half, second);
    });
}
