// Selection of the largest entries of a row.
#include "CKernels.h"

#include <string.h>

/// The k-th largest of `count` floats, 1 ≤ k ≤ count; reorders them. Quickselect with a median of three.
static float kth_largest(float *x, long count, long k) {
    long low = 0, high = count - 1, wanted = k - 1;
    while (low < high) {
        float a = x[low], b = x[low + (high - low) / 2], c = x[high];
        float pivot = a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
        long i = low, j = high;
        while (i <= j) {
            while (x[i] > pivot) i++;
            while (x[j] < pivot) j--;
            if (i <= j) {
                float swapped = x[i];
                x[i++] = x[j];
                x[j--] = swapped;
            }
        }
        if (wanted <= j) {
            high = j;
        } else if (wanted >= i) {
            low = i;
        } else {
            return pivot;
        }
    }
    return x[wanted];
}

long ck_keep_largest(int32_t *indices, float *values, long count, long k, float *work, float *smallest) {
    if (count <= k) {
        float least = count > 0 ? values[0] : 0;
        for (long i = 1; i < count; i++) least = values[i] < least ? values[i] : least;
        *smallest = least;
        return count;
    }
    memcpy(work, values, (size_t)count * sizeof(float));
    float least = kth_largest(work, count, k);
    long above = 0, kept = 0;
    for (long i = 0; i < count; i++) above += values[i] > least;
    long equal = k - above;
    for (long i = 0; i < count; i++) {
        if (values[i] > least || (values[i] == least && equal-- > 0)) {
            indices[kept] = indices[i];
            values[kept++] = values[i];
        }
    }
    *smallest = least;
    return kept;
}
