// From products to the entries that a row keeps. `products` is `[rows, latents]`: the product of
// activations and encoder, which is all of the encoder's work that is not here. The kept entries go
// into the slots that codes.cu describes. top_k_floors comes first for top-k, then select_latents
// for all kinds. Blocks of 256, any grid.
//
// Version 1, not measured yet. Bound by memory: both read 4 bytes a product, once. A warp of
// select_latents takes four rows at a time, which reads bias and thresholds once for the four and
// keeps four loads a lane under way; lanes agree by ballots and no block waits. Per product some
// 6 instructions of the 35 that the bytes of a product leave room for.

// MARK: Floors

/// The larger of two numbers.
static inline int larger(int a, int b) { return a > b ? a : b; }

/// `(p + bias) · scale`, rounded after each step; without a scale the sum.
static inline float ranked_value(float product, float bias, float scale, bool hasScale) {
    float sum = __fadd_rn(product, bias);
    return hasScale ? __fmul_rn(sum, scale) : sum;
}

/// The floors of R rows from `row` on; see below.
template <int R>
static inline void find_floors(const float *products, const float *bias, const float *rankScale,
                               float *floors, int row, int latents, int k, bool quads,
                               int *counters) {
    bool hasScale = rankScale != nullptr;
    int maxima[R][4] = {};
#pragma unroll 2
    for (int c = (int)threadIdx.x * 4; c < latents; c += 1024) {
        int left = latents - c;
        Pack<4> p[R], s = {};
#pragma unroll
        for (int r = 0; r < R; r++)
            p[r] = load_some<Float32>(products + (i64)(row + r) * latents + c, left, quads,
                                      -infinity());
        Pack<4> b = load_some<Float32>(bias + c, left, quads, 0);
        if (hasScale)
            s = load_some<Float32>(rankScale + c, left, quads, 1);
#pragma unroll
        for (int r = 0; r < R; r++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                float ranked = ranked_value(p[r].v[j], b.v[j], s.v[j], hasScale);
                int bits = ranked > 0 ? (int)bits_of(ranked) : 0;
                maxima[r][j] = larger(maxima[r][j], bits);
            }
    }
#pragma unroll
    for (int r = 0; r < R; r++) {
        const int(&own)[4] = maxima[r];
        int least = block_kth_largest(k, counters, [&](int limit) {
            return (own[0] > limit) + (own[1] > limit) + (own[2] > limit) + (own[3] > limit);
        });
        if (threadIdx.x == 0)
            floors[row + r] = float_of((unsigned)least);
    }
}

/// `floors[r]` = the k-th largest among the maxima of 1,024 groups of the positive ranked values
/// `(p + bias) · rankScale` of row r, 0 when fewer than k groups have one. Every maximum is a
/// value, so the k-th largest value is no smaller. A block takes a row, or two rows at a time where
/// there are many, which reads the vectors once for both; thread t owns four groups of a row.
KERNEL(top_k_floors)(const float *__restrict__ products, const float *__restrict__ bias,
                     const float *__restrict__ rankScale, float *floors, int rows, int latents,
                     int k) {
    SHARED int counters[32];
    bool quads = in_quads(products, latents) && in_quads(bias, latents) &&
                 in_quads(rankScale, latents);
    int done = rows >= 1024 ? rows / 2 * 2 : 0;
    for (int row = (int)blockIdx.x * 2; row < done; row += (int)gridDim.x * 2)
        find_floors<2>(products, bias, rankScale, floors, row, latents, k, quads, counters);
    for (int row = done + (int)blockIdx.x; row < rows; row += (int)gridDim.x)
        find_floors<1>(products, bias, rankScale, floors, row, latents, k, quads, counters);
}

// MARK: Selection

/// What decides which latents are kept, and where they go.
struct Selection {
    /// `[latents]`, null for the plain kind.
    const float *bias;
    /// Rank scale or null, threshold, or magnitude scale, `[latents]`.
    const float *second;
    /// Magnitude bias, `[latents]`.
    const float *third;
    /// Least value of each row, `[rows]`; top-k alone.
    const float *floors;
    /// `[rows, 8, capacity]`.
    int *indices;
    /// `[rows, 8, capacity]`.
    float *values;
    /// `[rows, 8]`.
    int *counts;
    /// Least `row · latents + latent` of a pre-activation that is not below infinity.
    u64 *notFinite;
    int latents;
    int capacity;
    /// Whether all vectors and rows can be read in quads.
    bool quads;
};

/// The value of one product and whether it is kept; `bad` when its pre-activation is not below
/// infinity. Kinds: 0 relu, 1 top-k, 2 jumpReLU, 3 gated, 4 plain, 5 top-k with a rank scale.
template <int KIND>
static inline bool is_kept(float product, float bias, float second, float third, float floor,
                           float &value, bool &bad) {
    if (KIND == 4) {
        value = product;
        bad = false;
        return product != 0;
    }
    float sum = __fadd_rn(product, bias);
    bad = !(sum < infinity());
    value = sum;
    if (KIND == 1 || KIND == 5) {
        value = KIND == 5 ? __fmul_rn(sum, second) : sum;
        return value > 0 && value >= floor;
    }
    if (KIND == 2)
        return sum > second && sum > 0;
    if (KIND == 3) {
        value = __fadd_rn(__fmul_rn(product, second), third);
        return sum > 0 && !(value <= 0);
    }
    return sum > 0;
}

/// Writes the kept ones of 128 latents, four a lane, behind the `count` that a slot has; bit j of
/// `kept` says that latent `first + j` is one.
static inline void append_kept(const Selection &s, i64 slot, int &count, unsigned kept, int first,
                               const float (&values)[4]) {
    unsigned earlier = lanes_before();
    int place = count, all = 0;
#pragma unroll
    for (int j = 0; j < 4; j++) {
        unsigned lanes = __ballot_sync(ALL_LANES, kept >> j & 1);
        place += __popc(lanes & earlier);
        all += __popc(lanes);
    }
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (kept >> j & 1) {
            if (place < s.capacity) {
                s.indices[slot * s.capacity + place] = first + j;
                s.values[slot * s.capacity + place] = values[j];
            }
            place++;
        }
    count += all;
}

/// One warp's strip of R rows from `row` on.
template <int KIND, int R>
static inline void select_strip(const Selection &s, const float *products, int row) {
    int strip = warp_index(), width = strip_width(s.latents);
    int end = strip * width + width < s.latents ? strip * width + width : s.latents;
    int count[R];
    float floor[R];
#pragma unroll
    for (int r = 0; r < R; r++) {
        count[r] = 0;
        floor[r] = KIND == 1 || KIND == 5 ? s.floors[row + r] : 0.0f;
    }
    for (int base = strip * width; base < end; base += 128) {
        int c = base + lane_index() * 4, left = end - c;
        Pack<4> p[R], b, second, third;
#pragma unroll
        for (int r = 0; r < R; r++)
            p[r] = load_some<Float32>(products + (i64)(row + r) * s.latents + c, left, s.quads, 0);
        if (KIND != 4)
            b = load_some<Float32>(s.bias + c, left, s.quads, 0);
        if (KIND == 2 || KIND == 3 || KIND == 5)
            second = load_some<Float32>(s.second + c, left, s.quads, 0);
        if (KIND == 3)
            third = load_some<Float32>(s.third + c, left, s.quads, 0);
#pragma unroll
        for (int r = 0; r < R; r++) {
            unsigned kept = 0, wrong = 0;
            float values[4];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                bool bad;
                bool keep = is_kept<KIND>(p[r].v[j], KIND != 4 ? b.v[j] : 0.0f,
                                          KIND == 2 || KIND == 3 || KIND == 5 ? second.v[j] : 0.0f,
                                          KIND == 3 ? third.v[j] : 0.0f, floor[r], values[j], bad);
                kept |= (keep && j < left ? 1u : 0u) << j;
                wrong |= (bad && j < left ? 1u : 0u) << j;
            }
            if (wrong)
                for (int j = 3; j >= 0; j--)
                    if (wrong >> j & 1)
                        atomicMin(s.notFinite, (u64)(row + r) * (u64)s.latents + (u64)(c + j));
            if (__any_sync(ALL_LANES, kept != 0))
                append_kept(s, (i64)(row + r) * STRIPS + strip, count[r], kept, c, values);
        }
    }
    if (lane_index() == 0)
#pragma unroll
        for (int r = 0; r < R; r++)
            s.counts[(i64)(row + r) * STRIPS + strip] = count[r];
}

/// All rows of one kind: four at a time where there are enough of them to fill a device.
template <int KIND>
static inline void select_rows(const Selection &s, const float *products, int rows) {
    int done = rows >= 512 ? rows / 4 * 4 : 0;
    for (int row = (int)blockIdx.x * 4; row < done; row += (int)gridDim.x * 4)
        select_strip<KIND, 4>(s, products, row);
    for (int row = done + (int)blockIdx.x; row < rows; row += (int)gridDim.x)
        select_strip<KIND, 1>(s, products, row);
}

/// Writes the kept latents of every row into its slots; see the top of the file. Kinds: 0 keeps
/// `relu(p + bias)`; 1 keeps `(p + bias) · second` from the row's floor on, if above 0; 2 keeps
/// `relu(p + bias)` where `p + bias > second`; 3 keeps `relu(p · second + third)` where `p + bias >
/// 0`; 4 keeps all that is not 0. A zero is never kept.
KERNEL(select_latents)(const float *__restrict__ products, const float *__restrict__ bias,
                       const float *__restrict__ second, const float *__restrict__ third,
                       const float *__restrict__ floors, int kind, int rows, int latents,
                       int capacity, int *indices, float *values, int *counts, u64 *notFinite) {
    bool quads = in_quads(products, latents) && in_quads(bias, latents) &&
                 in_quads(second, latents) && in_quads(third, latents);
    Selection s = {bias,   second,    third,   floors,   indices, values,
                   counts, notFinite, latents, capacity, quads};
    switch (kind) {
    case 0:
        select_rows<0>(s, products, rows);
        break;
    case 1:
        if (second)
            select_rows<5>(s, products, rows);
        else
            select_rows<1>(s, products, rows);
        break;
    case 2:
        select_rows<2>(s, products, rows);
        break;
    case 3:
        select_rows<3>(s, products, rows);
        break;
    default:
        select_rows<4>(s, products, rows);
    }
}
