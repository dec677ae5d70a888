// The AVX-512 tile: 24 accumulators of 16 floats, 8 rows by 48 columns.
//
// The versions and their times are in Product.c. Inline assembly rather than intrinsics so that
// debug builds run at the same speed.
#include "Internal.h"

#if defined(__x86_64__)

#define FMA1(r, x) "vfmadd231ps %%zmm0, %%zmm" r ", %%zmm" x "\n\t"
#define FMA2(r, x, y) FMA1(r, x) "vfmadd231ps %%zmm1, %%zmm" r ", %%zmm" y "\n\t"
#define FMA3(r, x, y, z) FMA2(r, x, y) "vfmadd231ps %%zmm2, %%zmm" r ", %%zmm" z "\n\t"
#define BROADCAST(offset, r) "vbroadcastss " offset "(%[a]), %%zmm" r "\n\t"
#define B1 "vmovaps (%[b]), %%zmm0\n\t"
#define B2 B1 "vmovaps 64(%[b]), %%zmm1\n\t"
#define B3 B2 "vmovaps 128(%[b]), %%zmm2\n\t"
#define ZERO(x) "vpxorq %%zmm" x ", %%zmm" x ", %%zmm" x "\n\t"
#define ADD(offset, x) "vaddps " offset "(%[t]), %%zmm" x ", %%zmm" x "\n\t"
#define STORE(offset, x) "vmovups %%zmm" x ", " offset "(%[t])\n\t"
#define NEXT "add %[stride], %[t]\n\t"

/// The body of one tile: clear, the loop over steps, add what is there, store.
#define TILE(clear, sum, columns, step, store) \
    __asm__ volatile(clear ".p2align 5\n\t" \
                     "4:\n\t" columns step \
                     "add $32, %[a]\n\t" \
                     "add $192, %[b]\n\t" \
                     "dec %[steps]\n\t" \
                     "jnz 4b\n\t" \
                     "test %[accumulate], %[accumulate]\n\t" \
                     "jz 5f\n\t" \
                     "mov %[c], %[t]\n\t" sum "5:\n\t" \
                     "mov %[c], %[t]\n\t" store \
                     : [a] "+r"(a), [b] "+r"(b), [steps] "+r"(steps), [t] "=&r"(t) \
                     : [c] "r"(c), [stride] "r"(stride), [accumulate] "r"((long)accumulate) \
                     : "memory", "cc", "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm8", "zmm9", \
                       "zmm10", "zmm11", "zmm12", "zmm13", "zmm14", "zmm15", "zmm16", "zmm17", \
                       "zmm18", "zmm19", "zmm20", "zmm21", "zmm22", "zmm23", "zmm24", "zmm25", \
                       "zmm26", "zmm27", "zmm28", "zmm29", "zmm30", "zmm31")

#define EACH1(f) \
    f("0", "8") NEXT f("0", "9") NEXT f("0", "10") NEXT f("0", "11") NEXT f("0", "12") NEXT \
    f("0", "13") NEXT f("0", "14") NEXT f("0", "15")
#define PAIR(f, x, y) f("0", x) f("64", y)
#define EACH2(f) \
    PAIR(f, "8", "9") NEXT PAIR(f, "10", "11") NEXT PAIR(f, "12", "13") NEXT PAIR(f, "14", "15") \
    NEXT \
    PAIR(f, "16", "17") NEXT PAIR(f, "18", "19") NEXT PAIR(f, "20", "21") NEXT PAIR(f, "22", "23")
#define TRIPLE(f, x, y, z) f("0", x) f("64", y) f("128", z)
#define EACH3(f) \
    TRIPLE(f, "8", "9", "10") NEXT TRIPLE(f, "11", "12", "13") NEXT TRIPLE(f, "14", "15", "16") \
    NEXT \
    TRIPLE(f, "17", "18", "19") NEXT TRIPLE(f, "20", "21", "22") NEXT TRIPLE(f, "23", "24", "25") \
    NEXT \
    TRIPLE(f, "26", "27", "28") NEXT TRIPLE(f, "29", "30", "31")

#define ZERO8 ZERO("8") ZERO("9") ZERO("10") ZERO("11") ZERO("12") ZERO("13") ZERO("14") ZERO("15")
#define ZERO16 \
    ZERO8 ZERO("16") ZERO("17") ZERO("18") ZERO("19") ZERO("20") ZERO("21") ZERO("22") ZERO("23")
#define ZERO24 \
    ZERO16 ZERO("24") ZERO("25") ZERO("26") ZERO("27") ZERO("28") ZERO("29") ZERO("30") ZERO("31")

#define STEP1 \
    BROADCAST("0", "3") FMA1("3", "8") BROADCAST("4", "4") FMA1("4", "9") \
    BROADCAST("8", "3") FMA1("3", "10") BROADCAST("12", "4") FMA1("4", "11") \
    BROADCAST("16", "3") FMA1("3", "12") BROADCAST("20", "4") FMA1("4", "13") \
    BROADCAST("24", "3") FMA1("3", "14") BROADCAST("28", "4") FMA1("4", "15")
#define STEP2 \
    BROADCAST("0", "3") FMA2("3", "8", "9") BROADCAST("4", "4") FMA2("4", "10", "11") \
    BROADCAST("8", "3") FMA2("3", "12", "13") BROADCAST("12", "4") FMA2("4", "14", "15") \
    BROADCAST("16", "3") FMA2("3", "16", "17") BROADCAST("20", "4") FMA2("4", "18", "19") \
    BROADCAST("24", "3") FMA2("3", "20", "21") BROADCAST("28", "4") FMA2("4", "22", "23")
#define STEP3 \
    BROADCAST("0", "3") FMA3("3", "8", "9", "10") BROADCAST("4", "4") FMA3("4", "11", "12", "13") \
    BROADCAST("8", "3") FMA3("3", "14", "15", "16") BROADCAST("12", "4") \
    FMA3("4", "17", "18", "19") \
    BROADCAST("16", "3") FMA3("3", "20", "21", "22") BROADCAST("20", "4") \
    FMA3("4", "23", "24", "25") \
    BROADCAST("24", "3") FMA3("3", "26", "27", "28") BROADCAST("28", "4") \
    FMA3("4", "29", "30", "31")

__attribute__((target("avx512f"))) void ck_tile_avx512(long steps, const float *a, const float *b,
                                                       float *c, long c_stride, long vectors,
                                                       bool accumulate) {
    long stride = c_stride * (long)sizeof(float);
    float *t;
    if (vectors == 3) {
        TILE(ZERO24, EACH3(ADD), B3, STEP3, EACH3(STORE));
    } else if (vectors == 2) {
        TILE(ZERO16, EACH2(ADD), B2, STEP2, EACH2(STORE));
    } else {
        TILE(ZERO8, EACH1(ADD), B1, STEP1, EACH1(STORE));
    }
    (void)t;
}

#endif
