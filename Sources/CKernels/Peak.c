// Work that does nothing but multiply and add, for measuring what a core can do at best.
#include "Internal.h"

#if defined(__x86_64__)

/// Sixteen chains of AVX-512.
__attribute__((target("avx512f"))) static void chains_avx512(long rounds) {
    __asm__ volatile(
        "1:\n\t"
        "vfmadd231ps %%zmm0, %%zmm1, %%zmm16\n\tvfmadd231ps %%zmm0, %%zmm1, %%zmm17\n\t"
        "vfmadd231ps %%zmm0, %%zmm1, %%zmm18\n\tvfmadd231ps %%zmm0, %%zmm1, %%zmm19\n\t"
        "vfmadd231ps %%zmm0, %%zmm1, %%zmm20\n\tvfmadd231ps %%zmm0, %%zmm1, %%zmm21\n\t"
        "vfmadd231ps %%zmm0, %%zmm1, %%zmm22\n\tvfmadd231ps %%zmm0, %%zmm1, %%zmm23\n\t"
        "vfmadd231ps %%zmm0, %%zmm1, %%zmm24\n\tvfmadd231ps %%zmm0, %%zmm1, %%zmm25\n\t"
        "vfmadd231ps %%zmm0, %%zmm1, %%zmm26\n\tvfmadd231ps %%zmm0, %%zmm1, %%zmm27\n\t"
        "dec %[rounds]\n\tjnz 1b\n\t"
        : [rounds] "+r"(rounds)
        :
        : "cc", "zmm16", "zmm17", "zmm18", "zmm19", "zmm20", "zmm21", "zmm22", "zmm23", "zmm24",
          "zmm25", "zmm26", "zmm27");
}

/// Twelve chains of AVX2.
__attribute__((target("avx2,fma"))) static void chains_avx2(long rounds) {
    __asm__ volatile(
        "1:\n\t"
        "vfmadd231ps %%ymm0, %%ymm1, %%ymm4\n\tvfmadd231ps %%ymm0, %%ymm1, %%ymm5\n\t"
        "vfmadd231ps %%ymm0, %%ymm1, %%ymm6\n\tvfmadd231ps %%ymm0, %%ymm1, %%ymm7\n\t"
        "vfmadd231ps %%ymm0, %%ymm1, %%ymm8\n\tvfmadd231ps %%ymm0, %%ymm1, %%ymm9\n\t"
        "vfmadd231ps %%ymm0, %%ymm1, %%ymm10\n\tvfmadd231ps %%ymm0, %%ymm1, %%ymm11\n\t"
        "vfmadd231ps %%ymm0, %%ymm1, %%ymm12\n\tvfmadd231ps %%ymm0, %%ymm1, %%ymm13\n\t"
        "vfmadd231ps %%ymm0, %%ymm1, %%ymm14\n\tvfmadd231ps %%ymm0, %%ymm1, %%ymm15\n\t"
        "dec %[rounds]\n\tjnz 1b\n\t"
        : [rounds] "+r"(rounds)
        :
        : "cc", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
          "xmm14", "xmm15");
}

double ck_peak_work(int level, long rounds) {
    if (rounds <= 0 || level <= 0)
        return 0;
    if (level == 2) {
        chains_avx512(rounds);
        return (double)rounds * 12 * 32;
    }
    chains_avx2(rounds);
    return (double)rounds * 12 * 16;
}

#else

double ck_peak_work(int level, long rounds) {
    (void)level;
    (void)rounds;
    return 0;
}

#endif
