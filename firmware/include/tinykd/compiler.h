/* SPDX-License-Identifier: Apache-2.0
 * What C99 lacks and every embedded compiler has. */
#ifndef TINYKD_COMPILER_H
#define TINYKD_COMPILER_H

#if defined(__IAR_SYSTEMS_ICC__)
#define TINYKD_PRAGMA(x) _Pragma(#x)
#define TINYKD_ALIGNED(bytes) TINYKD_PRAGMA(data_alignment = bytes)
#elif defined(__GNUC__) || defined(__clang__) || defined(__ARMCC_VERSION)
#define TINYKD_ALIGNED(bytes) __attribute__((aligned(bytes)))
#else
#error "define TINYKD_ALIGNED(bytes) for this compiler"
#endif

/* 1 where the least code is asked for: nothing is written out for speed. Clang gets -Os at every level, where its loops are fastest. */
#if defined(__OPTIMIZE_SIZE__) && !defined(__clang__)
#define TINYKD_SMALL 1
#else
#define TINYKD_SMALL 0
#endif

/* The kernels compute in int32_t, which C promotes to nothing wider only where int is as wide: not on 8- and 16-bit machines. */
typedef char tinykd_int_has_32_bits[sizeof(int) >= 4u ? 1 : -1];

#endif
