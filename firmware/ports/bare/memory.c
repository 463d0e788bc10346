/* SPDX-License-Identifier: Apache-2.0
 * memcpy and its kin for firmware that links no C library. Compilers turn such loops into calls of the very function
 * they stand in; STAY keeps them from it. */
#include <stdint.h>
#include <string.h>

#define STAY __asm__ volatile("" ::: "memory")

/* A word that may alias anything. */
typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *t = (unsigned char *)to;
    const unsigned char *f = (const unsigned char *)from;

    if ((((uintptr_t)t | (uintptr_t)f) & 3u) == 0u) {
        for (; bytes >= 4u; bytes -= 4u, t += 4, f += 4) {
            *(word *)(void *)t = *(const word *)(const void *)f;
            STAY;
        }
    }
    for (; bytes != 0u; --bytes) {
        *t++ = *f++;
        STAY;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = (unsigned char *)to;
    const unsigned char *f = (const unsigned char *)from;

    if ((uintptr_t)t <= (uintptr_t)f) {
        for (; bytes != 0u; --bytes) {
            *t++ = *f++;
            STAY;
        }
    } else {
        for (; bytes != 0u; --bytes) {
            t[bytes - 1u] = f[bytes - 1u];
            STAY;
        }
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *t = (unsigned char *)to;
    const uint32_t pattern = ((uint32_t)value & 0xFFu) * 0x01010101u;

    if (((uintptr_t)t & 3u) == 0u) {
        for (; bytes >= 4u; bytes -= 4u, t += 4) {
            *(word *)(void *)t = pattern;
            STAY;
        }
    }
    for (; bytes != 0u; --bytes) {
        *t++ = (unsigned char)(pattern & 0xFFu);
        STAY;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;

    for (; bytes != 0u; --bytes, ++x, ++y) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
        STAY;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        ++length;
        STAY;
    }
    return length;
}
