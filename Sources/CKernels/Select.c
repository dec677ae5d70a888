// Selection of the largest entries of a row.
#include "CKernels.h"

#include <string.h>

/// How many of some numbers lie above another.
static long count_above(const int32_t *numbers, long count, int32_t limit) {
    int32_t above = 0;
    for (long i = 0; i < count; i++)
        above += numbers[i] > limit;
    return above;
}

/// The k-th largest of `count` numbers, 1 ≤ k ≤ count: the least one with fewer than k above it.
/// Bisection takes at most 31 passes without a branch on the data, which beats quickselect on the
/// few hundred numbers of a row.
static int32_t kth_largest(const int32_t *numbers, long count, long k) {
    int32_t low = numbers[0], high = numbers[0];
    for (long i = 1; i < count; i++) {
        low = numbers[i] < low ? numbers[i] : low;
        high = numbers[i] > high ? numbers[i] : high;
    }
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (count_above(numbers, count, middle) < k) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

long ck_keep_largest(int32_t *indices, float *values, long count, long k, int32_t *work,
                     float *smallest) {
    if (count < k || k <= 0)
        return count;
    // Positive floats are in the order of their bits.
    memcpy(work, values, (size_t)count * sizeof(float));
    int32_t least = kth_largest(work, count, k);
    long equal = k - count_above(work, count, least), kept = 0;
    for (long i = 0; i < count; i++) {
        bool ties = work[i] == least && equal > 0;
        equal -= ties;
        indices[kept] = indices[i];
        values[kept] = values[i];
        kept += work[i] > least || ties;
    }
    memcpy(smallest, &least, sizeof least);
    return kept;
}
