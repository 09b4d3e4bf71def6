/* ASCII text to words, 64 bytes at a time, on x86 with the byte compression of AVX-512
   (VBMI2): what ASCIIText.swift does in portable loops, several times as fast. */
#ifndef PMAPUTILS_WORD_KERNEL_H
#define PMAPUTILS_WORD_KERNEL_H

#include <stddef.h>

/* What a word is made of, as Rule.Words has it. */
enum cs_words { CS_ASCII_LETTERS, CS_BETWEEN_WHITE_SPACE, CS_UNICODE };

struct cs_word_rule {
    enum cs_words words;
    unsigned char terminator;
    /* The bit that makes a capital small, or 0. */
    unsigned char small;
    /* What joins two letters or digits beside the standard's own, or a byte that is not ASCII. */
    unsigned char hyphen;
};

#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <immintrin.h>
#include <sys/platform/x86.h>

#define CS_KERNEL __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))

/* Whether processor and kernel can do it, as glibc found at the start: a cpuid of our own
   would take microseconds on a virtual machine. */
static inline int cs_has_word_kernel(void) {
    return CPU_FEATURE_ACTIVE(AVX512_VBMI2) && CPU_FEATURE_ACTIVE(AVX512BW)
        && CPU_FEATURE_ACTIVE(POPCNT);
}

CS_KERNEL static inline __mmask64 cs_in_range(__m512i bytes, char first, char count) {
    return _mm512_cmplt_epu8_mask(
        _mm512_sub_epi8(bytes, _mm512_set1_epi8(first)), _mm512_set1_epi8(count));
}

CS_KERNEL static inline __mmask64 cs_equal(__m512i bytes, unsigned char byte) {
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)byte));
}

CS_KERNEL static inline __mmask64 cs_letters(__m512i bytes) {
    return cs_in_range(_mm512_or_si512(bytes, _mm512_set1_epi8(0x20)), 'a', 26);
}

/* The first `count` of 64 bytes, or all of them; zeros for the rest. */
CS_KERNEL static inline __m512i cs_load(const unsigned char *bytes, size_t count) {
    if (count >= 64) return _mm512_loadu_si512(bytes);
    return _mm512_maskz_loadu_epi8(((__mmask64)1 << count) - 1, bytes);
}

/* WB5 to WB13 of Unicode Standard Annex #29 for ASCII without the underscore: a letter or a
   digit, and what stands between two of them and joins them. */
CS_KERNEL static inline __mmask64 cs_joined(
    __m512i bytes, __m512i next, __mmask64 letters, unsigned char hyphen,
    __mmask64 *last_letter, __mmask64 *last_digit
) {
    const __mmask64 digits = cs_in_range(bytes, '0', 10);
    const __mmask64 behind_letter = letters << 1 | *last_letter;
    const __mmask64 behind_digit = digits << 1 | *last_digit;
    const __mmask64 before_letter = cs_letters(next), before_digit = cs_in_range(next, '0', 10);
    *last_letter = letters >> 63;
    *last_digit = digits >> 63;
    const __mmask64 either = cs_equal(bytes, '\'') | cs_equal(bytes, '.');
    const __mmask64 of_letters = either | cs_equal(bytes, ':');
    const __mmask64 of_digits = either | cs_equal(bytes, ',') | cs_equal(bytes, ';');
    return letters | digits | (of_letters & behind_letter & before_letter)
        | (of_digits & behind_digit & before_digit)
        | (cs_equal(bytes, hyphen) & (behind_letter | behind_digit)
           & (before_letter | before_digit));
}

/* Writes the words of a text, each with the terminator behind it.

   text: ASCII, without an underscore by Unicode's rule; the last byte is white space.
   room: for `count` bytes and 64 more.
   Returns the bytes written. */
CS_KERNEL static inline size_t cs_write_words(
    const unsigned char *text, size_t count, unsigned char *room, struct cs_word_rule rule
) {
    const __m512i terminators = _mm512_set1_epi8((char)rule.terminator);
    const __m512i small = _mm512_set1_epi8((char)rule.small);
    __mmask64 last_letter = 0, last_digit = 0, last = 0;
    unsigned char *end = room;
    for (size_t place = 0; place < count; place += 64) {
        const __m512i bytes = cs_load(text + place, count - place);
        const __mmask64 letters = cs_letters(bytes);
        __mmask64 word = letters, recased = ~(__mmask64)0;
        if (rule.words == CS_UNICODE) {
            const __m512i next = cs_load(text + place + 1, count - place - 1);
            word = cs_joined(bytes, next, letters, rule.hyphen, &last_letter, &last_digit);
        } else if (rule.words == CS_BETWEEN_WHITE_SPACE) {
            word = ~(cs_equal(bytes, ' ') | cs_in_range(bytes, '\t', 5) | cs_equal(bytes, 0));
            recased = letters;
        }
        const __m512i printed = _mm512_mask_blend_epi8(
            word, terminators, _mm512_or_si512(bytes, _mm512_maskz_mov_epi8(recased, small)));
        const __mmask64 kept = word | word << 1 | last;
        last = word >> 63;
        _mm512_storeu_si512(end, _mm512_maskz_compress_epi8(kept, printed));
        end += _mm_popcnt_u64(kept);
    }
    return (size_t)(end - room);
}

#undef CS_KERNEL
#else
static inline int cs_has_word_kernel(void) { return 0; }
static inline size_t cs_write_words(
    const unsigned char *text, size_t count, unsigned char *room, struct cs_word_rule rule
) {
    (void)text, (void)count, (void)room, (void)rule;
    __builtin_trap();
}
#endif
#endif
