/*
 * What: SipHash-1-3 with 64 bits and SipHash-2-4 with 128.
 *
 * Why this way: ids come from strangers, and a table that strangers can fill with collisions is a way to stop
 * the daemon. SipHash costs some nanoseconds more than the fastest unkeyed mixes and takes that worry away.
 *
 * Always true: words are read little end first, so the value does not depend on the machine.
 *
 * Not here: no cryptographic digests (policy hashes are the wire's).
 */
#include "base/hash.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotated(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void
sip_round(struct sip *sip)
{
    sip->v0 += sip->v1;
    sip->v1 = rotated(sip->v1, 13) ^ sip->v0;
    sip->v0 = rotated(sip->v0, 32);
    sip->v2 += sip->v3;
    sip->v3 = rotated(sip->v3, 16) ^ sip->v2;
    sip->v0 += sip->v3;
    sip->v3 = rotated(sip->v3, 21) ^ sip->v0;
    sip->v2 += sip->v1;
    sip->v1 = rotated(sip->v1, 17) ^ sip->v2;
    sip->v2 = rotated(sip->v2, 32);
}

static inline struct sip
sip_keyed(uint64_t key_low, uint64_t key_high)
{
    return (struct sip){key_low ^ 0x736f6d6570736575U, key_high ^ 0x646f72616e646f6dU,
                        key_low ^ 0x6c7967656e657261U, key_high ^ 0x7465646279746573U};
}

static inline uint64_t
little_end_first(const unsigned char *at, size_t count)
{
    uint64_t word = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count == 8) {
        memcpy(&word, at, 8);
        return word;
    }
#endif
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)at[i] << 8 * i;
    return word;
}

/* The last `left` (under 8) bytes of so many, which end behind `at`: out of the word they share, if there is
 * one. */
static inline uint64_t
tail_of(const unsigned char *at, size_t left, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count >= 8 && left > 0)
        return little_end_first(at + left - 8, 8) >> (64 - 8 * left);
#endif
    (void)count;
    return little_end_first(at, left);
}

static inline void
sip_absorb(struct sip *sip, uint64_t word, int rounds)
{
    sip->v3 ^= word;
    for (int i = 0; i < rounds; i++)
        sip_round(sip);
    sip->v0 ^= word;
}

/* Inlined, so that the four words stay in registers: keys are short. */
static inline __attribute__((always_inline)) void
sip_absorb_bytes(struct sip *sip, const void *bytes, size_t count, int rounds)
{
    const unsigned char *at = bytes;
    size_t left = count;

    for (; left >= 8; left -= 8, at += 8)
        sip_absorb(sip, little_end_first(at, 8), rounds);
    sip_absorb(sip, tail_of(at, left, count) | (uint64_t)(count & 0xff) << 56, rounds);
}

static inline uint64_t
sip_squeeze(struct sip *sip, int rounds)
{
    for (int i = 0; i < rounds; i++)
        sip_round(sip);
    return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}

uint64_t
hash_bytes(uint64_t seed, const void *bytes, size_t count)
{
    struct sip sip = sip_keyed(seed, 0);

    sip_absorb_bytes(&sip, bytes, count, 1);
    sip.v2 ^= 0xff;
    return sip_squeeze(&sip, 3);
}

struct hash128
hash_bytes128(struct hash128 key, const void *bytes, size_t count)
{
    struct sip sip = sip_keyed(key.low, key.high);
    struct hash128 hash;

    sip.v1 ^= 0xee;
    sip_absorb_bytes(&sip, bytes, count, 2);
    sip.v2 ^= 0xee;
    hash.low = sip_squeeze(&sip, 4);
    sip.v1 ^= 0xdd;
    hash.high = sip_squeeze(&sip, 4);
    return hash;
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
little_endian(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Two lanes, so that the multiplications do not wait for each other. */
uint64_t
hash_content(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    uint64_t a = UINT64_C(0x9e3779b97f4a7c15) ^ count, b = UINT64_C(0xd1b54a32d192ed03);
    size_t left = count;

    for (; left >= 16; left -= 16, at += 16) {
        a = mix(a ^ little_endian(at), UINT64_C(0xa0761d6478bd642f));
        b = mix(b ^ little_endian(at + 8), UINT64_C(0xe7037ed1a0b428db));
    }
    if (left >= 8) {
        a = mix(a ^ little_endian(at), UINT64_C(0x8ebc6af09c88c6e3));
        left -= 8;
        at += 8;
    }
    if (left > 0)
        b = mix(b ^ tail_of(at, left, count), UINT64_C(0x8ebc6af09c88c6e3));
    return mix(a ^ b, UINT64_C(0x589965cc75374cc3));
}
