// Rows of logits: logarithms of sums of exponentials, divergences, single columns.
// log_sum_exp and divergence: blocks of 512, a block takes a row, any grid. gather_columns: 256.
//
// Version 1, not measured yet. Bound by memory: log_sum_exp reads 4 bytes a logit once, divergence
// 8 (4 when one changed row serves all, which stays in the cache). log_sum_exp takes some 20
// instructions a logit, two of them in double, of the 34 that its bytes leave room for; divergence
// some 25 a pair, with three conversions and three operations in double, of 68.

/// Threads of a block of log_sum_exp and divergence.
#define LOGIT_THREADS 512

/// `x · 2^n` where neither x nor the result is 0, subnormal, infinite or a NaN.
static inline double shifted_power(double x, int n) {
    return __longlong_as_double(__double_as_longlong(x) + (i64)n * (1ll << 52));
}

// MARK: Sums of exponentials

/// Parts that a power of two is cut in.
#define POWER_PARTS 16

/// A sum of exponentials, as `total · 2^origin`.
///
/// `e^x = 2^(n/16) · (1 + q)` with `n` the whole number nearest to `16 x / ln 2` and |q| below
/// 0.022. The power is a double from a table of 16, shifted by its exponent, and only q is computed
/// in float, so an exponential is right to 1e-9, where a float is to 6e-8; and as x is reduced by
/// itself and not relative to the largest number, no difference is rounded. Divergences ask for
/// that: the error of a sum is their error.
struct ExponentialSum {
    double total;
    /// Chosen near the first number and moved when a number lies far above.
    int origin;
    /// Numbers outside count as these: some 2^-1000 of the sum, or beside an infinity.
    float low, high;
    /// The largest number so far; NaN are passed over.
    float largest;
};

/// Numbers beyond this size are summed in another way.
#define FAR_LOGIT 1e5f

/// A sum of nothing; numbers add nothing that lasts until the origin moves.
static inline ExponentialSum empty_sum() {
    ExponentialSum s = {0, 0, -700, -FAR_LOGIT, -infinity()};
    return s;
}

/// Moves the origin to the number `top`, which is finite and above `high`.
static inline void move_origin(ExponentialSum &s, float top) {
    top = fminf(top, FAR_LOGIT);
    int origin = (int)rintf(top * 1.44269504f);
    s.total *= s.high == -FAR_LOGIT ? 0.0 : exp2((double)s.origin - origin);
    s.origin = origin;
    s.low = top - 680;
    s.high = top + 300;
}

/// Adds the exponential of one number, which is at most `high` or beyond the far ones; `powers`
/// holds `2^(j/16)`.
static inline void add_exponential(ExponentialSum &s, float x, const double *powers) {
    float y = fmaxf(fminf(x, s.high), s.low);
    float shifted = fmaf(y, 23.0831206542f, 12582912.0f), n = shifted - 12582912.0f;
    float first = fmaf(n, -0.0433216989040374755859375f, y); // exact
    float second = n * 1.1904089375e-10f, r = first + second;
    float p = fmaf(8.3333333333e-3f, r, 4.1666666667e-2f);
    p = fmaf(fmaf(p, r, 1.6666666667e-1f), r, 0.5f);
    float q = first + fmaf(r * r, p, second);
    int place = (int)(bits_of(shifted) - 0x4B400000u);
    double power = shifted_power(powers[place & (POWER_PARTS - 1)],
                                 (place >> 4) - s.origin);
    s.total = fma(power, (double)(x != x ? x : q), s.total + power);
}

/// The sum of one thread over its part of a row.
static inline ExponentialSum sum_of_part(const float *row, int width, bool quads,
                                         const double *powers) {
    ExponentialSum s = empty_sum();
#pragma unroll 4
    for (int c = (int)threadIdx.x * 4; c < width; c += LOGIT_THREADS * 4) {
        Pack<4> a = load_some<Float32>(row + c, width - c, quads, -infinity());
        float top = fmaxf(fmaxf(a.v[0], a.v[1]), fmaxf(a.v[2], a.v[3]));
        s.largest = fmaxf(s.largest, top);
        if (top > s.high && top < infinity())
            move_origin(s, top);
#pragma unroll
        for (int j = 0; j < 4; j++)
            add_exponential(s, a.v[j], powers);
    }
    if (s.high == -FAR_LOGIT)
        move_origin(s, 0); // nothing that counts, or a NaN
    return s;
}

/// The part of one thread in `Σ exp(x - largest)`, in double, for rows with huge numbers.
static inline double plain_sum_of_part(const float *row, int width, double largest) {
    double sum = 0;
    for (int c = (int)threadIdx.x; c < width; c += LOGIT_THREADS)
        sum += exp(row[c] - largest);
    return sum;
}

/// `out[r] = log Σ exp(logits[r, ·])`; the logits are `[rows, width]`.
///
/// The sum is divided by the exponential of the largest logit, as this kernel computes it, before
/// the logarithm: a row with one logit that counts gives that logit and no rounding.
KERNEL(log_sum_exp)(const float *__restrict__ logits, double *out, i64 rows, int width) {
    SHARED double scratch[LOGIT_THREADS / 32];
    SHARED float maxima[LOGIT_THREADS / 32];
    SHARED double powers[POWER_PARTS];
    bool quads = in_quads(logits, width);
    if (threadIdx.x < POWER_PARTS)
        powers[threadIdx.x] = exp2((double)threadIdx.x / POWER_PARTS);
    __syncthreads();
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        const float *input = logits + row * width;
        ExponentialSum s = sum_of_part(input, width, quads, powers);
        float largest = warp_maximum(s.largest);
        if (lane_index() == 0)
            maxima[warp_index()] = largest;
        __syncthreads();
        for (int warp = 0; warp < LOGIT_THREADS / 32; warp++)
            largest = fmaxf(largest, maxima[warp]);
        ExponentialSum one = empty_sum();
        move_origin(one, is_finite(largest) ? largest : 0.0f);
        add_exponential(one, largest, powers);
        double sums[1] = {0};
        if (s.total != 0)
            sums[0] = s.total * exp2((double)s.origin - one.origin);
        if (is_finite(largest) && fabsf(largest) >= FAR_LOGIT) {
            sums[0] = plain_sum_of_part(input, width, largest);
            one.total = 1;
        }
        block_sums<1, double>(sums, scratch);
        if (threadIdx.x == 0) {
            double sum = sums[0], above = is_finite(largest) ? log(sum / one.total) : 0.0;
            out[row] = sum != sum ? sum : largest + above;
        }
    }
}

// MARK: Divergence

/// One term of the divergence by its definition.
static inline double exact_term(double x, double cleanSum, double y, double changedSum) {
    double logP = x - cleanSum, p = exp(logP);
    return p != 0 ? p * (logP - (y - changedSum)) : 0.0;
}

/// The first `left` of four terms, for numbers that are infinite or missing; rare, so kept out of
/// the loop.
static __noinline__ double exact_terms(const Pack<4> x, double cleanSum, const Pack<4> y,
                                       double changedSum, int left) {
    double sum = 0;
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (j < left)
            sum += exact_term(x.v[j], cleanSum, y.v[j], changedSum);
    return sum;
}

/// `out[r] = Σ p (log p - log q)` with `log p = clean - cleanSum` and `log q = changed -
/// changedSum`; `[rows, width]`, where `changed` has `changedRows` rows, all or one. A probability
/// of 0 adds nothing.
///
/// The probability is a float, from a sum split in two floats so that large logits lose nothing;
/// the difference of the logarithms is in double, since nearly all of it cancels in the sum. Behind
/// the end of a row stand numbers whose probability is 0.
KERNEL(__launch_bounds__(LOGIT_THREADS, 2) divergence)
(const float *__restrict__ clean, const double *__restrict__ cleanSum,
 const float *__restrict__ changed, const double *__restrict__ changedSum, double *out, i64 rows,
 int width, i64 changedRows) {
    SHARED double scratch[LOGIT_THREADS / 32];
    bool quads = in_quads(clean, width) && in_quads(changed, width);
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        i64 other = changedRows == 1 ? 0 : row;
        double first = cleanSum[row], second = changedSum[other], apart = first - second;
        float high = (float)first, low = (float)(first - high);
        bool plain = is_finite(high) && is_finite((float)second);
        double sums[1] = {0};
#pragma unroll 2
        for (int c = (int)threadIdx.x * 4; c < width; c += LOGIT_THREADS * 4) {
            int left = width - c;
            Pack<4> a = load_some<Float32>(clean + row * width + c, left, quads, -1e30f);
            Pack<4> b = load_some<Float32>(changed + other * width + c, left, quads, -1e30f);
            bool usual = plain;
#pragma unroll
            for (int j = 0; j < 4; j++)
                usual = usual && is_finite(a.v[j]) && is_finite(b.v[j]);
            if (usual)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    sums[0] += expf(a.v[j] - high - low) * ((double)a.v[j] - b.v[j] - apart);
            else
                sums[0] += exact_terms(a, first, b, second, left);
        }
        block_sums<1, double>(sums, scratch);
        if (threadIdx.x == 0)
            out[row] = sums[0];
    }
}

/// `out[r] = x[r, columns[r]]`; x is `[rows, width]`.
KERNEL(gather_columns)(const float *__restrict__ x, const int *__restrict__ columns, float *out,
                       i64 rows, int width) {
    over_numbers(rows, false, [&](i64 row, auto) { out[row] = x[row * width + columns[row]]; });
}
