/* SPDX-License-Identifier: Apache-2.0
 * The firmware's frame reader under random streams: a port of memory whose bytes come in pieces of any size, with pauses anywhere.
 *
 * Every stream is noise, a pause, and one intact frame. Whatever the noise was, frames of it included, the frame after the pause must be
 * heard as it was sent, no more bytes may be written than were asked for, and no read may go on after the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "frame.h"
#include "tinykd/port.h"

#define MOST 600u
#define ROOM 64u

static uint8_t stream[MOST];
static uint32_t at, pause_at, end;
static int paused, ended, reads_after_end;
static uint32_t state;

static uint32_t below(uint32_t limit)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * limit >> 32);
}

int32_t tinykd_port_read(void *buffer, uint32_t bytes)
{
    uint32_t left, came;

    if (at == pause_at && !paused) {
        paused = 1;
        return 0;
    }
    if (at == end) {
        reads_after_end += ended;
        ended = 1;
        return -1;
    }
    left = (at < pause_at ? pause_at : end) - at;
    came = 1u + below(bytes < left ? bytes : left);
    memcpy(buffer, stream + at, came);
    at += came;
    return (int32_t)came;
}

static uint8_t written[MOST];
static uint32_t written_bytes;

uint32_t tinykd_port_write(const void *buffer, uint32_t bytes)
{
    memcpy(written + written_bytes, buffer, bytes);
    written_bytes += bytes;
    return bytes;
}

/* Noise: any bytes, or many start bytes, or whole frames with a damaged length, checksum or payload. */
static uint32_t put_noise(uint32_t from)
{
    const uint32_t count = below(200u), flavour = below(3u);

    for (uint32_t i = 0; i < count; ++i) {
        stream[from + i] = flavour == 0u || below(3u) != 0u ? (uint8_t)below(256u) : (uint8_t)TINYKD_FRAME_START;
    }
    if (flavour == 2u && count > 40u) {
        struct tinykd_frame frame;
        uint8_t payload[16];

        for (uint32_t i = 0; i < sizeof payload; ++i) {
            payload[i] = (uint8_t)below(256u);
        }
        written_bytes = 0;
        tinykd_frame_begin(&frame, 'R', (uint8_t)below(256u), below(4u) == 0u ? below(0xFFFFFFFFu) : sizeof payload);
        tinykd_frame_write(&frame, payload, sizeof payload);
        tinykd_frame_end(&frame);
        written[below(written_bytes)] ^= (uint8_t)below(2u);
        memcpy(stream + from + count - written_bytes, written, written_bytes);
    }
    return count;
}

/* Listens as serve() of main.c does. Returns 1 if the last frame heard is the one that was sent after the pause. */
static int listen(const uint8_t *sent, uint32_t sent_bytes, uint8_t sent_tag)
{
    uint8_t guarded[ROOM + 8u], tag = 0, kind = 0, skipped;
    uint32_t length = 0;
    int last_is_it = 0;

    for (;;) {
        struct tinykd_frame frame;
        enum tinykd_heard heard = tinykd_frame_open(&frame, &kind, &tag, &length);

        if (heard == TINYKD_ENDED) {
            return last_is_it;
        }
        memset(guarded, 0xEE, sizeof guarded);
        if (heard == TINYKD_HEARD && length <= ROOM) {
            heard = tinykd_frame_read(&frame, guarded, length);
        } else {
            for (uint32_t i = 0; heard == TINYKD_HEARD && i < length; ++i) {
                heard = tinykd_frame_read(&frame, &skipped, 1u);
            }
        }
        if (heard == TINYKD_HEARD) {
            heard = tinykd_frame_close(&frame);
        }
        if (length <= ROOM) {
            for (uint32_t i = length; i < sizeof guarded; ++i) {
                if (guarded[i] != 0xEEu) {
                    return 0;
                }
            }
        }
        last_is_it = heard == TINYKD_HEARD && kind == 'K' && tag == sent_tag && length == sent_bytes && memcmp(guarded, sent, sent_bytes) == 0;
    }
}

int main(int count, char **words)
{
    const uint32_t rounds = count > 1 ? (uint32_t)strtoul(words[1], 0, 10) : 1000u;

    state = count > 2 ? (uint32_t)strtoul(words[2], 0, 10) : 1u;
    for (uint32_t round = 0; round < rounds; ++round) {
        const uint32_t before = state, bytes = below(ROOM + 1u);
        const uint8_t tag = (uint8_t)below(256u);
        struct tinykd_frame frame;
        uint8_t payload[ROOM];

        for (uint32_t i = 0; i < bytes; ++i) {
            payload[i] = (uint8_t)below(256u);
        }
        pause_at = put_noise(0u);
        written_bytes = 0;
        tinykd_frame_begin(&frame, 'K', tag, bytes);
        tinykd_frame_write(&frame, payload, bytes);
        tinykd_frame_end(&frame);
        memcpy(stream + pause_at, written, written_bytes);
        end = pause_at + written_bytes;
        at = 0;
        paused = ended = reads_after_end = 0;
        if (!listen(payload, bytes, tag) || reads_after_end != 0) {
            (void)printf("round %u, state %u\n", (unsigned)round, (unsigned)before);
            return 1;
        }
    }
    return 0;
}
