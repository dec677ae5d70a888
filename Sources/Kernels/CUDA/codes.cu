// Slots of entries, and what makes codes of them.
//
// The latents of a row are cut in 8 strips of `ceil(latents / 1024) · 128`, the last ones shorter
// or empty, and a warp takes a strip. The entries of a strip lie, ascending by latent, in a slot of
// `indices` and `values` `[rows, 8, capacity]`; `counts` `[rows, 8]` says how many there are, which
// may be more than the capacity: then those beyond it are not there, and the kernels here take the
// others, so that the host need not look between them. The order of kernels is top_k_floors (top-k alone), select_latents, keep_largest (top-k alone),
// count_codes, scan_counts, compact_codes. Blocks of 256, any grid, except scan_counts.
//
// Version 1, not measured yet. These kernels touch entries alone: 8 bytes each, some hundredths of
// the products. keep_largest is bound by its 31 barriers, some 3,000 cycles a row with eight rows
// on a processor at a time.

/// Strips, and warps, of a row.
#define STRIPS 8

/// Entries that are in a slot.
static inline int stored_count(const int *counts, i64 slot, int capacity) {
    return counts[slot] < capacity ? counts[slot] : capacity;
}

/// Latents of a strip.
static inline int strip_width(int latents) { return (latents + 1023) / 1024 * 128; }

// MARK: Numbers in order

/// The k-th largest of the numbers that the threads of a block hold: the least number from 0 on
/// with fewer than k above it, 0 when fewer than k are above 0. `count_above(limit)` gives the
/// numbers of this thread above a limit; the positive floats are in the order of their bits.
/// `counters` holds 32 numbers of shared memory and is free again afterwards.
///
/// Bisection: 31 steps with one barrier each, without a branch on the data.
template <class Count>
static inline int block_kth_largest(int k, int *counters, Count count_above) {
    if (threadIdx.x < 32)
        counters[threadIdx.x] = 0;
    __syncthreads();
    int low = 0, high = 0x7F800000;
    for (int step = 0; low < high; step++) {
        int middle = low + (high - low) / 2;
        int above = warp_sum(count_above(middle));
        if (lane_index() == 0 && above > 0)
            atomicAdd(counters + step, above);
        __syncthreads();
        if (counters[step] < k)
            high = middle;
        else
            low = middle + 1;
    }
    __syncthreads();
    return low;
}

// MARK: The largest of a row

/// Keeps the k largest entries of every row, lowest latent first among equals; the values of all
/// others become 0. Slots as above, with values above 0. A block takes a row, a warp a strip.
KERNEL(keep_largest)(const int *__restrict__ indices, float *values,
                     const int *__restrict__ counts, int rows, int capacity, int k) {
    SHARED int counters[32];
    SHARED int equals[STRIPS];
    (void)indices; // entries lie in the order of their latents
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        int strip = warp_index(), lane = lane_index(), total = 0;
        for (int i = 0; i < STRIPS; i++)
            total += stored_count(counts, (i64)row * STRIPS + i, capacity);
        if (total <= k)
            continue;
        float *slot = values + ((i64)row * STRIPS + strip) * capacity;
        int count = stored_count(counts, (i64)row * STRIPS + strip, capacity);
        // Most strips have no more than 64 entries; those stay in registers.
        int near = lane < count ? (int)bits_of(slot[lane]) : 0;
        int next = lane + 32 < count ? (int)bits_of(slot[lane + 32]) : 0;
        auto above = [&](int limit) {
            int found = (near > limit) + (next > limit);
            for (int i = lane + 64; i < count; i += 32)
                found += (int)bits_of(slot[i]) > limit;
            return found;
        };
        int least = block_kth_largest(k, counters, above);
        // Entries equal to the least one share the places that those above it leave.
        int over = warp_sum(above(least)), same = warp_sum(above(least - 1)) - over;
        if (lane == 0) {
            equals[strip] = same;
            counters[strip] = over;
        }
        __syncthreads();
        int places = k;
        for (int i = 0; i < STRIPS; i++)
            places -= counters[i] + (i < strip ? equals[i] : 0);
        for (int first = 0; first < count; first += 32) {
            int i = first + lane, bits = i < count ? (int)bits_of(slot[i]) : 0;
            unsigned tied = __ballot_sync(ALL_LANES, i < count && bits == least);
            bool keep = bits > least ||
                        (bits == least && __popc(tied & lanes_before()) < places);
            if (i < count && !keep)
                slot[i] = 0;
            places -= __popc(tied);
        }
        __syncthreads();
    }
}

// MARK: Codes

/// A value times the scale of its latent.
static inline float scaled_value(float value, const float *latentScale, int latent) {
    return latentScale ? __fmul_rn(value, latentScale[latent]) : value;
}

/// Counts the entries whose scaled value is not 0: `kept` `[rows, 8]` for each strip, `rowCounts`
/// `[rows]` for each row. A block takes a row, a warp a strip.
KERNEL(count_codes)(const float *__restrict__ values, const int *__restrict__ indices,
                    const int *__restrict__ counts, const float *__restrict__ latentScale,
                    int rows, int capacity, int *kept, i64 *rowCounts) {
    SHARED int found[STRIPS];
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        i64 slot = (i64)row * STRIPS + warp_index();
        int count = stored_count(counts, slot, capacity), mine = 0;
        for (int i = lane_index(); i < count; i += 32) {
            i64 entry = slot * capacity + i;
            mine += scaled_value(values[entry], latentScale, indices[entry]) != 0;
        }
        mine = warp_sum(mine);
        if (lane_index() == 0)
            kept[slot] = found[warp_index()] = mine;
        __syncthreads();
        if (threadIdx.x == 0) {
            i64 all = 0;
            for (int i = 0; i < STRIPS; i++)
                all += found[i];
            rowCounts[row] = all;
        }
        __syncthreads();
    }
}

/// Sums over the lanes up to this one.
static inline i64 warp_running_sum(i64 x) {
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
        i64 other = __shfl_up_sync(ALL_LANES, x, distance);
        if (lane_index() >= distance)
            x += other;
    }
    return x;
}

/// `starts[r]` = the sum of `rowCounts` before r, up to `starts[rows]`, the sum of all. One block
/// of 1,024.
KERNEL(scan_counts)(const i64 *__restrict__ rowCounts, i64 *starts, int rows) {
    SHARED i64 ends[32];
    i64 before = 0;
    for (int first = 0; first < rows; first += 1024) {
        int row = first + (int)threadIdx.x;
        i64 sum = warp_running_sum(row < rows ? rowCounts[row] : 0);
        if (lane_index() == 31)
            ends[warp_index()] = sum;
        __syncthreads();
        if (warp_index() == 0)
            ends[lane_index()] = warp_running_sum(ends[lane_index()]);
        __syncthreads();
        sum += before + (warp_index() > 0 ? ends[warp_index() - 1] : 0);
        if (row < rows)
            starts[row + 1] = sum;
        before += ends[31];
        __syncthreads();
    }
    if (threadIdx.x == 0)
        starts[0] = 0;
}

/// Moves the entries whose scaled value is not 0 to their places: `outIndices` and `outValues` hold
/// those of row r from `starts[r]` on, ascending by latent. A block takes a row, a warp a strip.
KERNEL(compact_codes)(const int *__restrict__ indices, const float *__restrict__ values,
                      const int *__restrict__ counts, const int *__restrict__ kept,
                      const float *__restrict__ latentScale, const i64 *__restrict__ starts,
                      int rows, int capacity, int *outIndices, float *outValues) {
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        i64 slot = (i64)row * STRIPS + warp_index(), place = starts[row];
        for (int i = 0; i < warp_index(); i++)
            place += kept[(i64)row * STRIPS + i];
        int count = stored_count(counts, slot, capacity);
        for (int first = 0; first < count; first += 32) {
            int i = first + lane_index(), latent = 0;
            float value = 0;
            if (i < count) {
                latent = indices[slot * capacity + i];
                value = scaled_value(values[slot * capacity + i], latentScale, latent);
            }
            unsigned lanes = __ballot_sync(ALL_LANES, value != 0);
            if (value != 0) {
                i64 target = place + __popc(lanes & lanes_before());
                outIndices[target] = latent;
                outValues[target] = value;
            }
            place += __popc(lanes);
        }
    }
}
