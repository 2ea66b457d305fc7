/* SPDX-License-Identifier: Apache-2.0 */

#include "leaf_hash.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/* As many messages as the processor works on at once; more would not fit its registers, and measured no faster. */
#define LANES 4
#define BLOCK 64

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE static inline __attribute__((always_inline)) SHA_TARGET

/* The constants of the 64 rounds: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* A message's state as the instructions want it: the words a, b, e, f in one register and c, d, g, h in another. */
typedef struct {
    __m128i abef;
    __m128i cdgh;
} state;

INLINE state initial(void) {
    return (state){
        _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
        _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
    };
}

#define KEEP(lane) "+x"(states[lane].abef), "+x"(states[lane].cdgh)

/* One block of each of `lanes` messages. `lanes` is known where this is put in, so that all loops but that over the rounds are
 * laid out flat. */
INLINE void compress(state *states, const uint8_t *const *blocks, int lanes) {
    const __m128i bytes_to_words = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i words[LANES][4];
    state before[LANES];
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) {
        before[lane] = states[lane];
#pragma clang loop unroll(full)
        for (int part = 0; part < 4; part++) {
            const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(blocks[lane] + 16 * part));
            words[lane][part] = _mm_shuffle_epi8(bytes, bytes_to_words);
        }
    }
    /* Four rounds a step: the words of steps 0 to 3 are the message's, each later one comes of the four before it. */
#pragma clang loop unroll(full)
    for (int step = 0; step < 16; step++) {
        const __m128i constant = _mm_load_si128((const __m128i *)(const void *)(constants + 4 * step));
#pragma clang loop unroll(full)
        for (int lane = 0; lane < lanes; lane++) {
            __m128i *word = words[lane];
            const int now = step & 3;
            if (step >= 4) {
                const __m128i last = word[(step + 3) & 3];
                __m128i next = _mm_sha256msg1_epu32(word[now], word[(step + 1) & 3]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(last, word[(step + 2) & 3], 4));
                word[now] = _mm_sha256msg2_epu32(next, last);
            }
            const __m128i sum = _mm_add_epi32(word[now], constant);
            states[lane].cdgh = _mm_sha256rnds2_epu32(states[lane].cdgh, states[lane].abef, sum);
            const __m128i rest = _mm_shuffle_epi32(sum, 0x0e);
            states[lane].abef = _mm_sha256rnds2_epu32(states[lane].abef, states[lane].cdgh, rest);
        }
        /* The registers are for the states, on which everything waits: left to itself the compiler parks one of them in memory. */
        if (lanes == LANES) { asm("" : KEEP(0), KEEP(1), KEEP(2), KEEP(3)); }
    }
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) {
        states[lane].abef = _mm_add_epi32(states[lane].abef, before[lane].abef);
        states[lane].cdgh = _mm_add_epi32(states[lane].cdgh, before[lane].cdgh);
    }
}

INLINE void write_digest(state state, uint8_t *digest) {
    const __m128i words_to_bytes = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    const __m128i abef = _mm_shuffle_epi32(state.abef, 0x1b);
    const __m128i cdgh = _mm_shuffle_epi32(state.cdgh, 0x1b);
    const __m128i abcd = _mm_unpacklo_epi64(abef, cdgh);
    const __m128i efgh = _mm_unpackhi_epi64(abef, cdgh);
    _mm_storeu_si128((__m128i *)(void *)digest, _mm_shuffle_epi8(abcd, words_to_bytes));
    _mm_storeu_si128((__m128i *)(void *)(digest + 16), _mm_shuffle_epi8(efgh, words_to_bytes));
}

INLINE void hash(const uint8_t *messages, size_t length, const uint8_t *padding, int lanes, uint8_t *digests) {
    state states[LANES];
    const uint8_t *blocks[LANES];
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) { states[lane] = initial(); }
    for (size_t offset = 0; offset <= length; offset += BLOCK) {
#pragma clang loop unroll(full)
        for (int lane = 0; lane < lanes; lane++) {
            blocks[lane] = offset == length ? padding : messages + (size_t)lane * length + offset;
        }
        compress(states, blocks, lanes);
    }
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) { write_digest(states[lane], digests + 32 * lane); }
}

SHA_TARGET void leaf_hash_sha256(const void *all_messages, size_t length, size_t count, void *all_digests) {
    const uint8_t *messages = all_messages;
    uint8_t *digests = all_digests;
    /* All messages are whole blocks of the same number, and so have the same last one: a one, zeros, and the length in bits. */
    uint8_t padding[BLOCK] = {0x80};
    const uint64_t bits = (uint64_t)length * 8;
    for (int byte = 0; byte < 8; byte++) { padding[BLOCK - 1 - byte] = (uint8_t)(bits >> (8 * byte)); }
    while (count >= LANES) {
        hash(messages, length, padding, LANES, digests);
        messages += LANES * length;
        digests += LANES * 32;
        count -= LANES;
    }
    if (count >= 2) {
        hash(messages, length, padding, 2, digests);
        messages += 2 * length;
        digests += 2 * 32;
        count -= 2;
    }
    if (count > 0) { hash(messages, length, padding, 1, digests); }
}

bool leaf_hash_is_available(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) { return false; }
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

#else

bool leaf_hash_is_available(void) { return false; }

void leaf_hash_sha256(const void *messages, size_t length, size_t count, void *digests) {
    (void)messages;
    (void)length;
    (void)count;
    (void)digests;
}

#endif
