// The AVX2 tile: 12 accumulators of 8 floats, two halves of 4 rows by 24 columns.
//
// Inline assembly rather than intrinsics so that debug builds run at the same speed.
#include "Internal.h"

#if defined(__x86_64__)

#define FMA1(x) "vfmadd231ps %%ymm0, %%ymm3, %%ymm" x "\n\t"
#define FMA2(x, y) FMA1(x) "vfmadd231ps %%ymm1, %%ymm3, %%ymm" y "\n\t"
#define FMA3(x, y, z) FMA2(x, y) "vfmadd231ps %%ymm2, %%ymm3, %%ymm" z "\n\t"
#define BROADCAST(offset) "vbroadcastss " offset "(%[a]), %%ymm3\n\t"
#define B1 "vmovaps (%[b]), %%ymm0\n\t"
#define B2 B1 "vmovaps 32(%[b]), %%ymm1\n\t"
#define B3 B2 "vmovaps 64(%[b]), %%ymm2\n\t"
#define ZERO(offset, x) "vxorps %%ymm" x ", %%ymm" x ", %%ymm" x "\n\t"
#define ADD(offset, x) "vaddps " offset "(%[t]), %%ymm" x ", %%ymm" x "\n\t"
#define STORE(offset, x) "vmovups %%ymm" x ", " offset "(%[t])\n\t"
#define NEXT "add %[stride], %[t]\n\t"

#define EACH1(f) f("0", "4") NEXT f("0", "5") NEXT f("0", "6") NEXT f("0", "7")
#define PAIR(f, x, y) f("0", x) f("32", y)
#define EACH2(f) PAIR(f, "4", "5") NEXT PAIR(f, "6", "7") NEXT PAIR(f, "8", "9") NEXT \
    PAIR(f, "10", "11")
#define TRIPLE(f, x, y, z) f("0", x) f("32", y) f("64", z)
#define EACH3(f) \
    TRIPLE(f, "4", "5", "6") NEXT TRIPLE(f, "7", "8", "9") NEXT TRIPLE(f, "10", "11", "12") NEXT \
    TRIPLE(f, "13", "14", "15")

#define STEP1 BROADCAST("0") FMA1("4") BROADCAST("4") FMA1("5") BROADCAST("8") FMA1("6") \
    BROADCAST("12") FMA1("7")
#define STEP2 \
    BROADCAST("0") FMA2("4", "5") BROADCAST("4") FMA2("6", "7") BROADCAST("8") FMA2("8", "9") \
    BROADCAST("12") FMA2("10", "11")
#define STEP3 \
    BROADCAST("0") FMA3("4", "5", "6") BROADCAST("4") FMA3("7", "8", "9") \
    BROADCAST("8") FMA3("10", "11", "12") BROADCAST("12") FMA3("13", "14", "15")

/// The body of one half tile: clear, the loop over steps, add what is there, store.
#define HALF(each, columns, step) \
    __asm__ volatile("mov %[c], %[t]\n\t" each(ZERO) ".p2align 5\n\t" \
                     "4:\n\t" columns step \
                     "add $32, %[a]\n\t" \
                     "add $96, %[b]\n\t" \
                     "dec %[steps]\n\t" \
                     "jnz 4b\n\t" \
                     "test %[accumulate], %[accumulate]\n\t" \
                     "jz 5f\n\t" \
                     "mov %[c], %[t]\n\t" each(ADD) "5:\n\t" \
                     "mov %[c], %[t]\n\t" each(STORE) \
                     : [a] "+r"(a), [b] "+r"(b), [steps] "+r"(steps), [t] "=&r"(t) \
                     : [c] "r"(c), [stride] "r"(stride), [accumulate] "r"((long)accumulate) \
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

/// Four rows of a tile.
__attribute__((target("avx2,fma"))) static void
half_tile(long steps, const float *a, const float *b, float *c, long stride, long vectors,
          bool accumulate) {
    float *t;
    if (vectors == 3) {
        HALF(EACH3, B3, STEP3);
    } else if (vectors == 2) {
        HALF(EACH2, B2, STEP2);
    } else {
        HALF(EACH1, B1, STEP1);
    }
    (void)t;
}

void ck_tile_avx2(long steps, const float *a, const float *b, float *c, long c_stride, long vectors,
                  bool accumulate) {
    long stride = c_stride * (long)sizeof(float);
    half_tile(steps, a, b, c, stride, vectors, accumulate);
    half_tile(steps, a + 4, b, c + 4 * c_stride, stride, vectors, accumulate);
}

#endif
