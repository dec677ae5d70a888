// Numbers as bits, and float16 in software; used by kernels and by the emulated cuBLAS.
#pragma once

#include <stdint.h>
#include <string.h>

/// The bits of `from` read as another type of the same size.
template <typename To, typename From>
static inline To emulatorBits(From from) {
    static_assert(sizeof(To) == sizeof(From), "sizes differ");
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
}

/// float16 bits as a float; exact.
static inline float emulatorWidenHalf(unsigned short bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
    if (exponent == 31) {
        const uint32_t quiet = fraction ? 0x400000u : 0u;
        return emulatorBits<float>(sign | 0x7F800000u | fraction << 13 | quiet);
    }
    if (exponent == 0) {
        const float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return emulatorBits<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

/// The nearest float16, ties to even; from 65,520 on infinity; NaN becomes sign | 0x7E00.
static inline unsigned short emulatorNarrowHalf(float x) {
    const uint32_t bits = emulatorBits<uint32_t>(x), magnitude = bits & 0x7FFFFFFFu;
    const uint32_t sign = bits >> 16 & 0x8000;
    if (magnitude > 0x7F800000u) return (unsigned short)(sign | 0x7E00);
    if (magnitude >= 0x477FF000u) return (unsigned short)(sign | 0x7C00);
    if (magnitude < 0x38800000u) {
        // Below 2⁻¹⁴: a float of this size has its last binary place at 2⁻²⁴.
        const float shifted = emulatorBits<float>(magnitude) + 0.5f;
        const uint32_t places = emulatorBits<uint32_t>(shifted) - emulatorBits<uint32_t>(0.5f);
        return (unsigned short)(sign | places);
    }
    const uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
    return (unsigned short)(sign | (rounded - 0x38000000u) >> 13);
}
