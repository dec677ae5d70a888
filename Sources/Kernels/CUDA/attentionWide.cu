// Causal attention for head sizes above 256: 8 queries a block, the rest as in attention.cu.
//
// Version 1, not measured yet. Bound by shared memory, a load of 16 bytes for 4 products in the
// scores and for 8 in the weighted sums; no published model has such heads, so it is no faster than
// it needs to be.

/// Attention for head sizes up to 1,024, 8 queries a block. A warp owns 2 queries: for the scores
/// lane (y, x) = (lane / 16, lane % 16) has query y with key x / 2 and every other quad of the
/// head, for the outputs each lane has both queries and columns 128n + 4 · lane + j.
KERNEL(attention_8)(const float *__restrict__ q, const float *__restrict__ k,
                    const float *__restrict__ v, float *__restrict__ out, int positions,
                    int heads, int keyHeads, int headSize, float scale, float softCap,
                    int window) {
    SHARED_BYTES(memory);
    AttentionTask t = attention_task(q, k, v, out, positions, heads, keyHeads, headSize, scale,
                                     softCap, window);
    float *queries = (float *)memory, *tile = queries + 8 * t.tileStep;
    float *weights = tile + 8 * t.tileStep + warp_index() * 24; // 2 rows of 8 and a factor
    int lane = lane_index(), block = (int)(gridDim.x - 1 - blockIdx.x) * 8;
    int own = block + warp_index() * 2, row = lane / 16, key = lane % 16 / 2;
    RunningSoftMax state = {-infinity(), 0};
    float sums[2][8][4] = {};
    load_tile<8>(t, t.q, t.queryStep, block, queries);
    int end = block + 8 < t.positions ? block + 8 : t.positions;
    for (int first = first_tile(t, block, 8); first < end; first += 8) {
        __syncthreads();
        load_tile<8>(t, t.k, t.keyStep, first, tile);
        __syncthreads();
        float dot = 0;
        for (int part = lane % 2 * 4; part < t.filled; part += 2 * DOT_PART) {
            int last = part + 2 * DOT_PART < t.filled ? part + 2 * DOT_PART : t.filled;
            float some = 0;
            for (int c = part; c < last; c += 8)
                some = dot_quad(
                    some, load<Float32, 4>(queries + (warp_index() * 2 + row) * t.tileStep + c),
                    load<Float32, 4>(tile + key * t.tileStep + c));
            dot += some;
        }
        dot += __shfl_xor_sync(ALL_LANES, dot, 1);
        // Both lanes of a key hold its score; one of them counts.
        float score[1] = {finished_score(t, dot, own + row, first + key)};
        if (lane % 2 == 1)
            score[0] = -infinity();
        float factor = absorb_scores<16, 1>(state, score);
        if (lane % 2 == 0)
            weights[row * 12 + key] = score[0];
        if (lane % 16 == 0)
            weights[row * 12 + 8] = factor;
        __syncthreads();
        load_tile<8>(t, t.v, t.keyStep, first, tile);
        __syncthreads();
#pragma unroll
        for (int n = 0; n < 8; n++) {
            int column = lane * 4 + n * 128;
            if (column >= t.filled)
                continue;
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    sums[i][n][j] *= weights[i * 12 + 8];
            for (int e = 0; e < 8; e++) {
                Pack<4> value = load<Float32, 4>(tile + e * t.tileStep + column);
#pragma unroll
                for (int i = 0; i < 2; i++)
#pragma unroll
                    for (int j = 0; j < 4; j++)
                        sums[i][n][j] = fmaf(weights[i * 12 + e], value.v[j], sums[i][n][j]);
            }
        }
    }
    float factors[2] = {1.0f / __shfl_sync(ALL_LANES, state.sum, 0),
                        1.0f / __shfl_sync(ALL_LANES, state.sum, 16)};
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int n = 0; n < 8; n++) {
            int column = lane * 4 + n * 128;
            Pack<4> result;
#pragma unroll
            for (int j = 0; j < 4; j++)
                result.v[j] = sums[i][n][j] * factors[i];
            if (own + i < t.positions && column < t.headSize)
                store_some<Float32>(t.out + (own + i) * t.queryStep + column,
                                    t.headSize - column, t.quads, result);
        }
}
