/* Operations on 64 bytes at once. Results are often a word with a bit for each byte; the first byte
   is the lowest bit.

   These are the compiler's vector types. The compiler uses four registers of 16 bytes, two of 32 or
   one of 64, depending on the target of the function that it inlines this into. Every x86-64 has
   SSE2 and every arm64 has NEON, so nothing here has to check the processor. */
#ifndef PMAPUTILS_BYTES64_H
#define PMAPUTILS_BYTES64_H

#include <stddef.h>

#ifdef __aarch64__
#include <arm_neon.h>
#endif

/* Always inlined: a vector must not become an argument of a function that is compiled for
   another processor. */
#define CS_INLINE static inline __attribute__((always_inline))

typedef unsigned char cs_bytes64 __attribute__((vector_size(64)));

#define CS_TIMES8(a) a, a, a, a, a, a, a, a
#define CS_BIT_OF_BYTE 1, 2, 4, 8, 16, 32, 64, 128

CS_INLINE cs_bytes64 cs_load64(const unsigned char *bytes) {
    cs_bytes64 loaded;
    __builtin_memcpy(&loaded, bytes, 64);
    return loaded;
}

/* 0xFF for each byte from `first` to `first` + `count` - 1, and 0 for each other byte. */
CS_INLINE cs_bytes64 cs_in_range(cs_bytes64 bytes, unsigned char first, unsigned char count) {
    return (cs_bytes64)(bytes - first < count);
}

CS_INLINE cs_bytes64 cs_equal(cs_bytes64 bytes, unsigned char byte) {
    return (cs_bytes64)(bytes == byte);
}

/* Sets a bit for each byte that is 0xFF. All other bytes must be 0. */
#ifdef __aarch64__
/* On arm64 the compiler's conversion to bits, below, takes twice as many instructions. */
CS_INLINE unsigned long long cs_bits(cs_bytes64 truth) {
    const uint8x16_t bit = {CS_BIT_OF_BYTE, CS_BIT_OF_BYTE};
    union { cs_bytes64 all; uint8x16_t part[4]; } of = {truth};
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) of.part[i] = vandq_u8(of.part[i], bit);
    const uint8x16_t pairs = vpaddq_u8(
        vpaddq_u8(of.part[0], of.part[1]), vpaddq_u8(of.part[2], of.part[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
}
#else
CS_INLINE unsigned long long cs_bits(cs_bytes64 truth) {
    typedef _Bool bool64 __attribute__((ext_vector_type(64)));
    union { bool64 bools; unsigned long long bits; } of = {
        __builtin_convertvector(truth, bool64)};
    return of.bits;
}
#endif

/* The reverse of cs_bits: 0xFF for each bit that is set, else 0. */
CS_INLINE cs_bytes64 cs_truth(unsigned long long bits) {
    typedef unsigned long long words8 __attribute__((vector_size(64)));
    const cs_bytes64 bit = {
        CS_BIT_OF_BYTE, CS_BIT_OF_BYTE, CS_BIT_OF_BYTE, CS_BIT_OF_BYTE,
        CS_BIT_OF_BYTE, CS_BIT_OF_BYTE, CS_BIT_OF_BYTE, CS_BIT_OF_BYTE};
    const cs_bytes64 all = (cs_bytes64)((words8){0} + bits);
    const cs_bytes64 spread = __builtin_shufflevector(
        all, all, CS_TIMES8(0), CS_TIMES8(1), CS_TIMES8(2), CS_TIMES8(3),
        CS_TIMES8(4), CS_TIMES8(5), CS_TIMES8(6), CS_TIMES8(7));
    return (cs_bytes64)((spread & bit) != 0);
}

/* Sets a bit for each of 64 bytes that is equal to `byte`. */
static inline unsigned long long cs_matches64(const unsigned char *bytes, unsigned char byte) {
    return cs_bits(cs_equal(cs_load64(bytes), byte));
}

/* How many of the bytes are equal to `byte`. Each lane counts up to 255 before the lanes are
   added. */
static inline size_t cs_occurrences(const unsigned char *bytes, size_t count, unsigned char byte) {
    size_t found = 0;
    while (count >= 64) {
        cs_bytes64 lanes = {0};
        for (int i = 0; i < 255 && count >= 64; i++, bytes += 64, count -= 64) {
            lanes -= cs_equal(cs_load64(bytes), byte);
        }
        for (int i = 0; i < 64; i++) found += lanes[i];
    }
    for (; count; bytes++, count--) found += *bytes == byte;
    return found;
}

/* Sets a bit for each of 64 bytes that is not ASCII or is equal to `byte`. */
static inline unsigned long long cs_specials64(const unsigned char *bytes, unsigned char byte) {
    const cs_bytes64 loaded = cs_load64(bytes);
    return cs_bits((cs_bytes64)((loaded | cs_equal(loaded, byte)) >= 0x80));
}

#endif
