// Causal attention with sliding windows, soft caps and shared key heads; nothing of size
// [position, position] is in memory.
//
// q and out are `[batch · positions, heads · headSize]`, k and v `[batch · positions, keyHeads ·
// headSize]`. Blocks of 128, grid (ceil(positions / T), heads, batch) with T = 32 or 8 queries a
// block. Let D = headSize rounded up to a multiple of 4, and 4 more if that is a multiple of 8; the
// dynamic shared memory is 4 · (2 · T · D + T · P) bytes with P = 36 for T = 32 and 12 for T = 8:
// 71,168 bytes at headSize 256, 66,176 at 1,024 with T = 8.
//
// Version 1, not measured yet. For a tile of keys: scores, the running soft-max of every query
//, then the weighted sum of the values, in the memory of the
// keys. attention_32 is bound by float32 arithmetic, 4 · headSize operations a seen pair, and
// nearly so by shared memory: a warp owns 8 queries, a lane 2 × 4 scores (6 loads of 16 bytes for
// 32 products) and 4 queries × 4n columns of the output in registers (4 + 4n loads for 64n
// products). So the soft-max stays in a warp; the block waits around loads of tiles. Rows of tiles
// are an odd number of quads apart, which keeps their banks apart. Blocks with most keys start
// first. attention_8, which serves head sizes above 256, is in attentionWide.cu.

/// What a block needs to know of its sequence and head.
struct AttentionTask {
    /// Queries and outputs of the head: the first row of the sequence.
    const float *q;
    float *out;
    /// Keys and values of its key head.
    const float *k, *v;
    /// Numbers from row to row.
    i64 queryStep, keyStep;
    int positions, headSize, window;
    float scale, softCap;
    /// Numbers from row to row of a tile; its first numbers up to `filled` hold the row.
    int tileStep, filled;
    /// Whether rows can be read and written in quads.
    bool quads;
};

/// The task of this block.
static inline AttentionTask attention_task(const float *q, const float *k, const float *v,
                                           float *out, int positions, int heads, int keyHeads,
                                           int headSize, float scale, float softCap, int window) {
    AttentionTask t;
    int head = (int)blockIdx.y, keyHead = head / (heads / keyHeads);
    i64 first = (i64)blockIdx.z * positions;
    t.queryStep = (i64)heads * headSize;
    t.keyStep = (i64)keyHeads * headSize;
    t.q = q + first * t.queryStep + (i64)head * headSize;
    t.out = out + first * t.queryStep + (i64)head * headSize;
    t.k = k + first * t.keyStep + (i64)keyHead * headSize;
    t.v = v + first * t.keyStep + (i64)keyHead * headSize;
    t.positions = positions;
    t.headSize = headSize;
    t.window = window > 0 ? window : positions;
    t.scale = scale;
    t.softCap = softCap;
    t.filled = (headSize + 3) / 4 * 4;
    t.tileStep = t.filled % 8 == 0 ? t.filled + 4 : t.filled;
    t.quads = in_quads(q, headSize) && in_quads(k, headSize) && in_quads(v, headSize) &&
              in_quads(out, headSize);
    return t;
}

/// Copies rows `first` up to `first + COUNT` to a tile; zeros stand for missing rows and columns.
template <int COUNT>
static inline void load_tile(const AttentionTask &t, const float *rows, i64 step, int first,
                             float *tile) {
    int across = t.filled / 4, row = (int)threadIdx.x / across;
    int column = ((int)threadIdx.x - row * across) * 4;
    int rowHop = 128 / across, columnHop = (128 - rowHop * across) * 4;
#pragma unroll 4
    while (row < COUNT) {
        int left = first + row < t.positions ? t.headSize - column : 0;
        const float *source = rows + (left > 0 ? (first + row) * step + column : 0);
        store<Float32, 4>(tile + row * t.tileStep + column,
                          load_some<Float32>(source, left, t.quads, 0));
        column += columnHop;
        row += rowHop + (column >= t.filled);
        column -= column >= t.filled ? t.filled : 0;
    }
}

/// Products of a score that are summed by themselves before they join the others, which keeps the
/// rounding of long heads small.
#define DOT_PART 32

/// The sum so far and four more products.
static inline float dot_quad(float sum, const Pack<4> &a, const Pack<4> &b) {
#pragma unroll
    for (int j = 0; j < 4; j++)
        sum = fmaf(a.v[j], b.v[j], sum);
    return sum;
}

/// A finished score: scaled, capped, and minus infinity where the query does not see the key.
static inline float finished_score(const AttentionTask &t, float dot, int query, int key) {
    float score = dot * t.scale;
    if (t.softCap != 0)
        score = t.softCap * tanhf(score / t.softCap);
    return key <= query && key > query - t.window ? score : -infinity();
}

/// The running soft-max of one query.
struct RunningSoftMax {
    float largest, sum;
};

/// Takes N new scores of a query, whose other scores are in the neighbouring lanes, and turns them
/// into weights relative to the largest score so far. Returns the factor for older weights.
template <int LANES, int N>
static inline float absorb_scores(RunningSoftMax &state, float (&scores)[N]) {
    float top = scores[0], some = 0;
#pragma unroll
    for (int j = 1; j < N; j++)
        top = fmaxf(top, scores[j]);
    top = fmaxf(state.largest, warp_maximum<LANES>(top));
    float reference = top == -infinity() ? 0.0f : top; // no key seen yet
#pragma unroll
    for (int j = 0; j < N; j++) {
        scores[j] = expf(scores[j] - reference);
        some += scores[j];
    }
    float factor = expf(state.largest - reference);
    state.sum = state.sum * factor + warp_sum<LANES>(some);
    state.largest = top;
    return factor;
}

/// The first key that any query from `query` on sees, rounded down to a whole tile.
static inline int first_tile(const AttentionTask &t, int query, int tile) {
    int key = query - t.window + 1;
    return key > 0 ? key / tile * tile : 0;
}

// MARK: 32 queries

/// Scores of 8 queries with 32 keys by one warp: lane (y, x) = (lane / 8, lane % 8) gets queries
/// y and y + 4 with keys x + 8j.
static inline void score_tile(const AttentionTask &t, const float *queries, const float *keys,
                              float (&scores)[2][4]) {
    const float *a = queries + lane_index() / 8 * t.tileStep;
    const float *b = keys + lane_index() % 8 * t.tileStep;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            scores[i][j] = 0;
    for (int part = 0; part < t.filled; part += DOT_PART) {
        int end = part + DOT_PART < t.filled ? part + DOT_PART : t.filled;
        float sums[2][4] = {};
#pragma unroll 1
        for (int c = part; c < end; c += 4) {
            Pack<4> left[2], right[4];
#pragma unroll
            for (int i = 0; i < 2; i++)
                left[i] = load<Float32, 4>(a + i * 4 * t.tileStep + c);
#pragma unroll
            for (int j = 0; j < 4; j++)
                right[j] = load<Float32, 4>(b + j * 8 * t.tileStep + c);
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    sums[i][j] = dot_quad(sums[i][j], left[i], right[j]);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < 4; j++)
                scores[i][j] += sums[i][j];
    }
}

/// Numbers from row to row of the weights: 32 weights, then the factor for older sums.
#define WEIGHT_STEP 36

/// Adds 32 weighted values to the outputs of 8 queries by one warp: lane (y, x) = (lane / 16,
/// lane % 16) has queries 4y + i and columns 64n + 4x + j.
template <int N>
static inline void add_values(const AttentionTask &t, const float *weights, const float *values,
                              float (&sums)[4][N][4]) {
    const float *a = weights + lane_index() / 16 * 4 * WEIGHT_STEP;
    int column = lane_index() % 16 * 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float factor = a[i * WEIGHT_STEP + 32];
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
            for (int j = 0; j < 4; j++)
                sums[i][n][j] *= factor;
    }
#pragma unroll 2
    for (int key = 0; key < 32; key += 4) {
        Pack<4> weight[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
            weight[i] = load<Float32, 4>(a + i * WEIGHT_STEP + key);
#pragma unroll
        for (int n = 0; n < N; n++) {
            if (column + n * 64 >= t.filled)
                continue;
#pragma unroll
            for (int e = 0; e < 4; e++) {
                Pack<4> value =
                    load<Float32, 4>(values + (key + e) * t.tileStep + column + n * 64);
#pragma unroll
                for (int i = 0; i < 4; i++)
#pragma unroll
                    for (int j = 0; j < 4; j++)
                        sums[i][n][j] = fmaf(weight[i].v[e], value.v[j], sums[i][n][j]);
            }
        }
    }
}

/// One block of 32 queries; N is the number of 64 columns in a head.
template <int N> static inline void attend_32(const AttentionTask &t, float *memory) {
    float *queries = memory, *tile = queries + 32 * t.tileStep;
    float *weights = tile + 32 * t.tileStep + warp_index() * 8 * WEIGHT_STEP;
    int lane = lane_index(), block = (int)(gridDim.x - 1 - blockIdx.x) * 32;
    int own = block + warp_index() * 8;
    RunningSoftMax states[2] = {{-infinity(), 0}, {-infinity(), 0}};
    float sums[4][N][4] = {};
    load_tile<32>(t, t.q, t.queryStep, block, queries);
    int end = block + 32 < t.positions ? block + 32 : t.positions;
    for (int first = first_tile(t, block, 32); first < end; first += 32) {
        __syncthreads();
        load_tile<32>(t, t.k, t.keyStep, first, tile);
        __syncthreads();
        float scores[2][4];
        score_tile(t, queries + warp_index() * 8 * t.tileStep, tile, scores);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = lane / 8 + i * 4;
#pragma unroll
            for (int j = 0; j < 4; j++)
                scores[i][j] =
                    finished_score(t, scores[i][j], own + row, first + lane % 8 + j * 8);
            float factor = absorb_scores<8, 4>(states[i], scores[i]);
#pragma unroll
            for (int j = 0; j < 4; j++)
                weights[row * WEIGHT_STEP + lane % 8 + j * 8] = scores[i][j];
            if (lane % 8 == 0)
                weights[row * WEIGHT_STEP + 32] = factor;
        }
        __syncthreads();
        load_tile<32>(t, t.v, t.keyStep, first, tile);
        __syncthreads();
        add_values<N>(t, weights, tile, sums);
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 2; i++)
        if (lane % 8 == 0)
            weights[(lane / 8 + i * 4) * WEIGHT_STEP + 33] = 1.0f / states[i].sum;
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = lane / 16 * 4 + i;
        float factor = weights[row * WEIGHT_STEP + 33];
        if (own + row >= t.positions)
            continue;
#pragma unroll
        for (int n = 0; n < N; n++) {
            int column = lane % 16 * 4 + n * 64;
            Pack<4> result;
            for (int j = 0; j < 4; j++)
                result.v[j] = sums[i][n][j] * factor;
            if (column < t.headSize)
                store_some<Float32>(t.out + (own + row) * t.queryStep + column,
                                    t.headSize - column, t.quads, result);
        }
    }
}

/// Attention for head sizes up to 256, 32 queries a block; see the top of the file. `softCap` 0
/// means no cap, `window` 0 no window.
KERNEL(__launch_bounds__(128, 4) attention_32)
(const float *__restrict__ q, const float *__restrict__ k, const float *__restrict__ v,
 float *__restrict__ out, int positions, int heads, int keyHeads, int headSize, float scale,
 float softCap, int window) {
    SHARED_BYTES(memory);
    AttentionTask t = attention_task(q, k, v, out, positions, heads, keyHeads, headSize, scale,
                                     softCap, window);
    if (headSize <= 64)
        attend_32<1>(t, (float *)memory);
    else if (headSize <= 128)
        attend_32<2>(t, (float *)memory);
    else
        attend_32<4>(t, (float *)memory);
}
