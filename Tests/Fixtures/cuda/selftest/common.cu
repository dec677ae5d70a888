// Kernels that test the emulator; the first are right, the others wrong on purpose.

#define KERNEL(name) extern "C" __global__ void name

/// out[block] = Σ over the block's 256 threads of x; shared memory and barriers alone.
KERNEL(sum_by_barriers)(const float* x, float* out) {
    SHARED float parts[256];
    parts[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    for (int width = 128; width > 0; width /= 2) {
        if (threadIdx.x < width) parts[threadIdx.x] += parts[threadIdx.x + width];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = parts[0];
}

/// The same with shuffles, dynamic shared memory for a number of each warp, and any block size.
KERNEL(sum_by_shuffles)(const float* x, float* out) {
    SHARED_BYTES(bytes);
    float* parts = reinterpret_cast<float*>(bytes);
    float sum = x[blockIdx.x * blockDim.x + threadIdx.x];
    const unsigned mask = __ballot_sync(__activemask(), 1);
    for (int width = 16; width > 0; width /= 2) {
        const float other = __shfl_down_sync(mask, sum, width);
        if (threadIdx.x % 32 + width < __popc(mask)) sum += other;
    }
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x > 0) return;
    for (int warp = 1; warp < (blockDim.x + 31) / 32; warp++) sum += parts[warp];
    out[blockIdx.x] = sum;
}

/// Every way of asking other lanes and threads: out[thread, 0 ... 7]; one block.
KERNEL(votes)(int* out) {
    const int lane = threadIdx.x % 32;
    int* mine = out + threadIdx.x * 8;
    mine[0] = __shfl_sync(0xFFFFFFFFu, lane, 5);
    mine[1] = __shfl_xor_sync(0xFFFFFFFFu, lane, 3);
    mine[2] = __shfl_up_sync(0xFFFFFFFFu, lane, 2, 8);
    mine[3] = (int)__ballot_sync(0xFFFFFFFFu, lane % 3 == 0);
    mine[4] = __any_sync(0xFFFFFFFFu, lane == 31) * 2 + __all_sync(0xFFFFFFFFu, lane == 31);
    mine[5] = __syncthreads_count(threadIdx.x % 4 == 0);
    mine[6] = __syncthreads_or(threadIdx.x == 7) * 2 + __syncthreads_and(threadIdx.x == 7);
    mine[7] = lane < 10 ? __reduce_add_sync(0x3FFu, lane) : __reduce_max_sync(0xFFFFFC00u, lane);
}

/// x += amount, going around the grid.
KERNEL(add_number)(float* x, long long count, float amount) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < count; i += step) {
        x[i] += amount;
    }
}

/// Wrong: no barrier between writing and reading.
KERNEL(forgotten_barrier)(const float* x, float* out) {
    SHARED float parts[256];
    parts[threadIdx.x] = x[threadIdx.x];
    out[threadIdx.x] = parts[255 - threadIdx.x];
}

/// Wrong: where `offset` is not in x: writes there.
KERNEL(write_at)(float* x, long long offset) {
    if (threadIdx.x == 0) x[offset] = 1;
}

/// Wrong where `offset` is behind x: x[0] = x[offset].
KERNEL(copy_number)(float* x, long long offset) {
    if (threadIdx.x == 0) x[0] = x[offset];
}

/// Wrong: half of the threads do not come to the barrier.
KERNEL(uneven_barrier)(float* x) {
    if (threadIdx.x < 128) __syncthreads();
    x[threadIdx.x] = 1;
}

/// Wrong: the halves wait at different barriers.
KERNEL(two_barriers)(float* x) {
    if (threadIdx.x < 128) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    x[threadIdx.x] = 1;
}

/// Wrong: writes behind the dynamic shared memory.
KERNEL(write_behind_shared)(float* x, int bytes) {
    SHARED_BYTES(memory);
    if (threadIdx.x == 0) memory[bytes] = 1;
    x[threadIdx.x] = 1;
}

/// Bits of numbers after rounding: out[0] = a * b + c rounded twice, out[1] once.
KERNEL(roundings)(float* out, float a, float b, float c) {
    out[0] = __fadd_rn(__fmul_rn(a, b), c);
    out[1] = __fmaf_rn(a, b, c);
}
