/* SPDX-License-Identifier: Apache-2.0
 * The memory protection unit as a fence: flash of the budget can be read and run, RAM of the budget read and written, and
 * nothing else touched but the core's own registers and, where the port needs them, the devices': what a chip of that size would do.
 * Cores without the unit do without.
 * RAM is fenced to 32 bytes, flash roughly where regions are few. */
#include "core.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define MPU_TYPE REGISTER(0xE000ED90u)
#define MPU_CTRL REGISTER(0xE000ED94u)
#define MPU_RNR REGISTER(0xE000ED98u)
#define MPU_RBAR REGISTER(0xE000ED9Cu)
#define MPU_RASR REGISTER(0xE000EDA0u) /* RLAR on Armv8-M */
#define MPU_MAIR0 REGISTER(0xE000EDC0u)
#define ON 1u

/* Where Armv6-M, Armv7-M and Armv8-M have the registers of devices: half a gigabyte. */
#define DEVICES 0x40000000u
#define DEVICES_LAST 0x5FFFFFFFu

enum kind { DATA, PROGRAM };

/* Memory from `start` to before `end`. */
struct span {
    const uint8_t *start, *end;
};

/* The budget, from link.ld: all that may be written, and flash, of which only the addresses mean anything. */
extern const struct span tinykd_ram_spans[], tinykd_ram_spans_end[];
extern uint8_t flash_origin[], flash_limit[];

#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__) || defined(__ARM_ARCH_8M_BASE__)

/* Opens a span by region number `region`; one is enough. Returns how many were used. */
static uint32_t open_span(const struct span *span, enum kind kind, uint32_t region, uint32_t most)
{
    static const uint32_t rights[2] = {[DATA] = 1u /* never run */, [PROGRAM] = 2u << 1 /* read only */};

    (void)most;
    MPU_MAIR0 = 0x04AAu; /* attribute 0: normal memory, written through; 1: device, nGnRE */
    MPU_RNR = region;
    MPU_RBAR = (uint32_t)(uintptr_t)span->start | rights[kind];
    MPU_RASR = (((uint32_t)(uintptr_t)span->end - 1u) & ~31u) | ON;
    return 1u;
}

static void open_devices(uint32_t region)
{
    MPU_RNR = region;
    MPU_RBAR = DEVICES | 1u; /* never run */
    MPU_RASR = (DEVICES_LAST & ~31u) | 1u << 1 | ON;
}

#else

/* One region of Armv7-M: the eighths [first, count) of an aligned block. */
struct eighths {
    uint32_t log2; /* of the bytes of one */
    uint32_t base, first, count;
};

/* The region that opens the most of `next` to `end`, and if it is the last one all of it and no more than needs be. */
static struct eighths choose(uint32_t next, uint32_t end, int last)
{
    struct eighths best = {5u, next & ~0xFFu, (next & 0xFFu) >> 5, (next & 0xFFu) >> 5};
    uint32_t reached = next;

    for (uint32_t log2 = 5u; log2 < 29u && (last || (next & ((1u << log2) - 1u)) == 0u); ++log2) {
        const uint32_t base = next & ~((8u << log2) - 1u), up = last ? (1u << log2) - 1u : 0u;
        const uint32_t there = (end - base + up) >> log2, count = there < 8u ? there : 8u;

        if (base + (count << log2) > reached) {
            best = (struct eighths){log2, base, (next - base) >> log2, count};
            reached = base + (count << log2);
        }
        if (last && there <= 8u) {
            break;
        }
    }
    return best;
}

/* Opens a span by regions from number `region` on, `most` of them at most. Returns how many were used. */
static uint32_t open_span(const struct span *span, enum kind kind, uint32_t region, uint32_t most)
{
    static const uint32_t rights[2] = {[DATA] = 1u << 28 | 1u << 24 /* never run */, [PROGRAM] = 5u << 24 /* read only */};
    const uint32_t end = (uint32_t)(uintptr_t)span->end;
    uint32_t next = (uint32_t)(uintptr_t)span->start, used = 0u;

    /* The last few bytes, less than an eighth can be, come with the eighth that they begin. */
    for (const uint32_t whole = (end + 31u) & ~31u; next < whole && used < most; ++used) {
        const struct eighths e = choose(next, whole, used + 1u == most);
        const uint32_t closed = 0xFFu & ~(((1u << (e.count - e.first)) - 1u) << e.first);

        MPU_RNR = region + used;
        MPU_RBAR = e.base;
        MPU_RASR = rights[kind] | 1u << 17 /* written through */ | closed << 8 | (e.log2 + 2u) << 1 | ON;
        next = e.base + (e.count << e.log2);
    }
    return used;
}

static void open_devices(uint32_t region)
{
    MPU_RNR = region;
    MPU_RBAR = DEVICES;
    MPU_RASR = 1u << 28 | 3u << 24 /* never run */ | 1u << 16 /* device */ | 28u << 1 /* 2^29 bytes */ | ON;
}

#endif

void tinykd_core_fence(void)
{
    const struct span flash = {flash_origin, flash_limit};
    const uint32_t count = (uint32_t)(tinykd_ram_spans_end - tinykd_ram_spans);
    uint32_t used = 0u, regions = MPU_TYPE >> 8 & 0xFFu;

    if (regions > 0u && &tinykd_port_has_devices != 0) {
        regions -= 1u;
        open_devices(regions);
    }
    if (regions > count) {
        for (uint32_t k = 0u; k < count; ++k) {
            used += open_span(&tinykd_ram_spans[k], DATA, used, regions - used - (count - k));
        }
        (void)open_span(&flash, PROGRAM, used, regions - used);
        __asm__ volatile("dsb" ::: "memory");
        MPU_CTRL = ON; /* no default map; off within faults, so that they can be reported */
        __asm__ volatile("dsb\n\tisb" ::: "memory");
    }
}
