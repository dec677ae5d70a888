// The loops over rows and elements with AVX2, FMA and F16C.
#if defined(__x86_64__)
#pragma clang diagnostic ignored "-Wpsabi"
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#pragma STDC FP_CONTRACT OFF
#define CK_AVX2 1
#define FN(name) name##_avx2
#include "Elementwise.h"
#include "LinearProbe.h"
#include "SparseCodes.h"
#pragma clang attribute pop
#endif
