/* Splits ASCII text into words, 64 bytes at a time. The result is the same as that of the portable
   loops in ASCIIText.swift, and it is several times as fast.

   A block of 64 bytes becomes 64-bit masks, one bit for each byte. Arithmetic on the masks finds
   the bytes that are part of a word. Then the bytes of words are moved together, in a way that
   depends on the processor. AVX-512 (VBMI2) has an instruction for that. Else a table gives, for
   each 8 bytes, the order to shuffle them into (pshufb of SSSE3, tbl of NEON). */
#ifndef PMAPUTILS_WORD_KERNEL_H
#define PMAPUTILS_WORD_KERNEL_H

#include "Bytes64.h"
#include <stddef.h>
#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <immintrin.h>
#include <sys/platform/x86.h>
#endif

/* What a word consists of; the same cases as Rule.Words. */
enum cs_words { CS_ASCII_LETTERS, CS_BETWEEN_WHITE_SPACE, CS_UNICODE };

struct cs_word_rule {
    enum cs_words words;
    unsigned char terminator;
    /* The bit that makes a capital small, or 0. */
    unsigned char small;
    /* A byte that joins two letters or digits, in addition to those of the standard. If there is
       none, a byte that is not ASCII. */
    unsigned char hyphen;
    /* The length in bytes of the shortest word to write, from 1 to CS_LONGEST_MINIMUM. */
    unsigned char minimum;
};

#define CS_LONGEST_MINIMUM 64

/* Whether the byte before a block is a letter, and whether it is a digit: 0 or 1. */
struct cs_before { unsigned long long letter, digit; };

/* The rules WB5 to WB13 of Unicode Standard Annex #29, for ASCII without the underscore. Sets a bit
   for each letter and digit, and for each byte that joins the bytes before and after it.

   next: the byte after the block. */
CS_INLINE unsigned long long cs_joined(
    cs_bytes64 bytes, unsigned char next, unsigned char hyphen, struct cs_before *before
) {
    const cs_bytes64 either = cs_equal(bytes, '\'') | cs_equal(bytes, '.');
    const unsigned long long of_letters = cs_bits(either | cs_equal(bytes, ':'));
    const unsigned long long of_digits
        = cs_bits(either | cs_equal(bytes, ',') | cs_equal(bytes, ';'));
    const unsigned long long letters = cs_bits(cs_in_range(bytes | 0x20, 'a', 26));
    const unsigned long long digits = cs_bits(cs_in_range(bytes, '0', 10));
    const unsigned long long next_letter = (unsigned char)((next | 0x20) - 'a') < 26;
    const unsigned long long next_digit = (unsigned char)(next - '0') < 10;
    const unsigned long long after_letter = letters << 1 | before->letter;
    const unsigned long long after_digit = digits << 1 | before->digit;
    const unsigned long long before_letter = letters >> 1 | next_letter << 63;
    const unsigned long long before_digit = digits >> 1 | next_digit << 63;
    before->letter = letters >> 63;
    before->digit = digits >> 63;
    unsigned long long joined = letters | digits
        | (of_letters & after_letter & before_letter) | (of_digits & after_digit & before_digit);
    if (hyphen < 0x80) {
        joined |= cs_bits(cs_equal(bytes, hyphen)) & (after_letter | after_digit)
            & (before_letter | before_digit);
    }
    return joined;
}

/* Sets a bit for each byte of a block that is part of a word. Only the first `count` bytes of the
   block are text if `count` is less than 64. */
CS_INLINE unsigned long long cs_word_bits(
    const unsigned char *text, size_t count, struct cs_word_rule rule, struct cs_before *before
) {
    const cs_bytes64 bytes = cs_load64(text);
    unsigned long long word = 0;
    switch (rule.words) {
    case CS_ASCII_LETTERS: word = cs_bits(cs_in_range(bytes | 0x20, 'a', 26)); break;
    case CS_BETWEEN_WHITE_SPACE:
        word = ~cs_bits(cs_equal(bytes, ' ') | cs_in_range(bytes, '\t', 5) | cs_equal(bytes, 0));
        break;
    case CS_UNICODE:
        word = cs_joined(bytes, count > 64 ? text[64] : 0, rule.hyphen, before);
        break;
    }
    return count < 64 ? word & ((1ULL << count) - 1) : word;
}

/* Clears runs of bits that are shorter than `minimum`. Erosion leaves the places at which a run of
   `minimum` set bits begins. Dilation by the same length restores the runs. Each step at most
   doubles the length.

   ahead: the bits of the next block.
   begun: the places that erosion left in the previous block; set to those of this block. */
CS_INLINE unsigned long long cs_long_runs(
    unsigned long long bits, unsigned long long ahead, unsigned minimum,
    unsigned long long *begun
) {
    for (unsigned length = 1, step; length < minimum; length += step) {
        step = length < minimum - length ? length : minimum - length;
        bits &= bits >> step | ahead << (64 - step);
        ahead &= ahead >> step;
    }
    unsigned long long before = *begun;
    *begun = bits;
    for (unsigned length = 1, step; length < minimum; length += step) {
        step = length < minimum - length ? length : minimum - length;
        bits |= bits << step | before >> (64 - step);
        before |= before << step;
    }
    return bits;
}

/* Writes the kept bytes of a block of 64, and up to 64 bytes of garbage after them. A kept byte
   that is not part of a word is written as the terminator. Returns the number of kept bytes. */
typedef size_t cs_put(
    unsigned char *room, const cs_bytes64 *bytes, unsigned char terminator,
    unsigned long long word, unsigned long long kept);

/* Finds the words of a block before it writes those of the previous one. `minimum` needs that. It
   also lets the processor do both at once, which is 1.2 times as fast. */
CS_INLINE size_t cs_write_words_by(
    cs_put *put, const unsigned char *text, size_t count, unsigned char *room,
    struct cs_word_rule rule
) {
    struct cs_before before = {0, 0};
    unsigned long long last = 0, begun = 0;
    unsigned long long ahead = count == 0 ? 0 : cs_word_bits(text, count, rule, &before);
    unsigned char *end = room;
    for (size_t place = 0; place < count; place += 64) {
        unsigned long long word = ahead;
        ahead = 0;
        if (count - place > 64) {
            ahead = cs_word_bits(text + place + 64, count - place - 64, rule, &before);
        }
        if (rule.minimum > 1) word = cs_long_runs(word, ahead, rule.minimum, &begun);
        const cs_bytes64 bytes = cs_load64(text + place);
        cs_bytes64 small = (cs_bytes64){0} + rule.small;
        if (rule.words == CS_BETWEEN_WHITE_SPACE) small &= cs_in_range(bytes, 'A', 26);
        const cs_bytes64 printed = bytes | small;
        end += put(end, &printed, rule.terminator, word, word | word << 1 | last);
        last = word >> 63;
    }
    return (size_t)(end - room);
}

/* Compiles a loop for each kind of word. With one loop for all kinds, Unicode's rule took 1.4 times
   as long. */
CS_INLINE size_t cs_write_words_with(
    cs_put *put, const unsigned char *text, size_t count, unsigned char *room,
    struct cs_word_rule rule
) {
    switch (rule.words) {
    case CS_ASCII_LETTERS:
        rule.words = CS_ASCII_LETTERS;
        return cs_write_words_by(put, text, count, room, rule);
    case CS_BETWEEN_WHITE_SPACE:
        rule.words = CS_BETWEEN_WHITE_SPACE;
        return cs_write_words_by(put, text, count, room, rule);
    default:
        rule.words = CS_UNICODE;
        return cs_write_words_by(put, text, count, room, rule);
    }
}

#if defined(__x86_64__) || defined(__aarch64__)
/* For each value of 8 bits: the places of the bits that are set, a byte each, lowest first. */
#define CS_BIT(bits, n) ((unsigned long long)(bits) >> (n) & 1)
#define CS_PUT(bits, n, rest) ((rest) << 8 * CS_BIT(bits, n) | (n) * CS_BIT(bits, n))
#define CS_PLACES(bits) CS_PUT(bits, 0, CS_PUT(bits, 1, CS_PUT(bits, 2, CS_PUT(bits, 3, \
    CS_PUT(bits, 4, CS_PUT(bits, 5, CS_PUT(bits, 6, CS_PUT(bits, 7, 0ULL))))))))
#define CS_PLACES4(bits) \
    CS_PLACES(bits), CS_PLACES(bits + 1), CS_PLACES(bits + 2), CS_PLACES(bits + 3)
#define CS_PLACES16(bits) \
    CS_PLACES4(bits), CS_PLACES4(bits + 4), CS_PLACES4(bits + 8), CS_PLACES4(bits + 12)
#define CS_PLACES64(bits) \
    CS_PLACES16(bits), CS_PLACES16(bits + 16), CS_PLACES16(bits + 32), CS_PLACES16(bits + 48)
static const unsigned long long cs_places[256] = {
    CS_PLACES64(0), CS_PLACES64(64), CS_PLACES64(128), CS_PLACES64(192)};

/* For each byte of a 64-bit word: the number of bits set in it and in the bytes below it. */
CS_INLINE unsigned long long cs_running_counts(unsigned long long bits) {
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
    return bits * 0x0101010101010101;
}
#endif

#ifdef CPU_FEATURE_ACTIVE
#define CS_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))
#define CS_AVX2 __attribute__((target("avx2")))
#define CS_SSSE3 __attribute__((target("ssse3")))

CS_AVX512 static inline size_t cs_put_avx512(
    unsigned char *room, const cs_bytes64 *bytes, unsigned char terminator,
    unsigned long long word, unsigned long long kept
) {
    const __m512i printed = _mm512_mask_blend_epi8(
        word, _mm512_set1_epi8((char)terminator), *(const __m512i *)bytes);
    _mm512_storeu_si512(room, _mm512_maskz_compress_epi8(kept, printed));
    return (size_t)_mm_popcnt_u64(kept);
}

CS_SSSE3 static inline size_t cs_put_ssse3(
    unsigned char *room, const cs_bytes64 *bytes, unsigned char terminator,
    unsigned long long word, unsigned long long kept
) {
    const cs_bytes64 truth = cs_truth(word);
    const cs_bytes64 printed = (*bytes & truth) | (terminator & ~truth);
    const unsigned long long counts = cs_running_counts(kept);
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
        const __m128i eight = _mm_loadl_epi64((const __m128i *)((const char *)&printed + 8 * i));
        const __m128i places
            = _mm_loadl_epi64((const __m128i *)&cs_places[kept >> 8 * i & 0xFF]);
        unsigned char *to = room + (counts << 8 >> 8 * i & 0xFF);
        _mm_storel_epi64((__m128i *)to, _mm_shuffle_epi8(eight, places));
    }
    return counts >> 56;
}

CS_AVX512 static inline size_t cs_write_words_avx512(
    const unsigned char *text, size_t count, unsigned char *room, struct cs_word_rule rule
) {
    return cs_write_words_with(cs_put_avx512, text, count, room, rule);
}

CS_AVX2 static inline size_t cs_write_words_avx2(
    const unsigned char *text, size_t count, unsigned char *room, struct cs_word_rule rule
) {
    return cs_write_words_with(cs_put_ssse3, text, count, room, rule);
}

CS_SSSE3 static inline size_t cs_write_words_ssse3(
    const unsigned char *text, size_t count, unsigned char *room, struct cs_word_rule rule
) {
    return cs_write_words_with(cs_put_ssse3, text, count, room, rule);
}
#endif

#ifdef __aarch64__
static inline size_t cs_put_neon(
    unsigned char *room, const cs_bytes64 *bytes, unsigned char terminator,
    unsigned long long word, unsigned long long kept
) {
    const cs_bytes64 truth = cs_truth(word);
    const cs_bytes64 printed = (*bytes & truth) | (terminator & ~truth);
    const unsigned long long counts = cs_running_counts(kept);
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
        const uint8x8_t eight = vld1_u8((const unsigned char *)&printed + 8 * i);
        const uint8x8_t places = vcreate_u8(cs_places[kept >> 8 * i & 0xFF]);
        vst1_u8(room + (counts << 8 >> 8 * i & 0xFF), vtbl1_u8(eight, places));
    }
    return counts >> 56;
}
#endif

enum cs_kernel { CS_NO_KERNEL, CS_KERNEL_NEON, CS_KERNEL_SSSE3, CS_KERNEL_AVX2, CS_KERNEL_AVX512 };

/* Whether the processor and the system can run a kernel. glibc found that out when the program
   started. A cpuid instruction here would take microseconds on a virtual machine. */
static inline int cs_can_run(enum cs_kernel kernel) {
    switch (kernel) {
#ifdef CPU_FEATURE_ACTIVE
    case CS_KERNEL_AVX512:
        return CPU_FEATURE_ACTIVE(AVX512_VBMI2) && CPU_FEATURE_ACTIVE(AVX512BW)
            && CPU_FEATURE_ACTIVE(POPCNT);
    case CS_KERNEL_AVX2: return CPU_FEATURE_ACTIVE(AVX2);
    case CS_KERNEL_SSSE3: return CPU_FEATURE_ACTIVE(SSSE3);
#endif
#ifdef __aarch64__
    case CS_KERNEL_NEON: return 1;
#endif
    default: return 0;
    }
}

/* The fastest kernel that can be run, or CS_NO_KERNEL. */
static inline enum cs_kernel cs_best_kernel(void) {
    for (int kernel = CS_KERNEL_AVX512; kernel > CS_NO_KERNEL; kernel--) {
        if (cs_can_run((enum cs_kernel)kernel)) return (enum cs_kernel)kernel;
    }
    return CS_NO_KERNEL;
}

/* Writes the words of a text, each followed by the terminator.

   kernel: a kernel that this processor can run.
   text: ASCII text, or any bytes with -a. By Unicode's rule it must not contain an underscore. Its
   last byte must not be part of a word. Up to 63 bytes after it are read; they may have any value.
   room: memory for `count` + 64 bytes.
   Returns the number of bytes written. */
static inline size_t cs_write_words(
    enum cs_kernel kernel, const unsigned char *text, size_t count, unsigned char *room,
    struct cs_word_rule rule
) {
    switch (kernel) {
#ifdef CPU_FEATURE_ACTIVE
    case CS_KERNEL_AVX512: return cs_write_words_avx512(text, count, room, rule);
    case CS_KERNEL_AVX2: return cs_write_words_avx2(text, count, room, rule);
    case CS_KERNEL_SSSE3: return cs_write_words_ssse3(text, count, room, rule);
#endif
#ifdef __aarch64__
    case CS_KERNEL_NEON:
        return cs_write_words_with(cs_put_neon, text, count, room, rule);
#endif
    default: __builtin_trap();
    }
}

#endif
