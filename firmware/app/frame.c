/* SPDX-License-Identifier: Apache-2.0
 * Frames over a port's byte stream. */
#include "frame.h"

#include "crc32.h"
#include "tinykd/port.h"

static uint32_t word_from(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void word_to(uint8_t *bytes, uint32_t word)
{
    for (uint32_t i = 0; i < 4u; ++i) {
        bytes[i] = (uint8_t)(word >> (8u * i) & 0xFFu);
    }
}

enum tinykd_heard tinykd_frame_open(struct tinykd_frame *frame, uint8_t *kind, uint8_t *tag, uint32_t *length)
{
    uint8_t head[6] = {0};
    int32_t came;

    do {
        came = tinykd_port_read(head, 1u); /* a pause between frames is none of our business */
        if (came < 0) {
            return TINYKD_ENDED;
        }
    } while (came == 0 || head[0] != TINYKD_FRAME_START);
    frame->crc = TINYKD_CRC32_START;

    const enum tinykd_heard heard = tinykd_frame_read(frame, head, sizeof head);

    *kind = head[0];
    *tag = head[1];
    *length = word_from(head + 2);
    return heard;
}

enum tinykd_heard tinykd_frame_read(struct tinykd_frame *frame, void *buffer, uint32_t bytes)
{
    uint8_t *to = (uint8_t *)buffer;

    /* The checksum is computed as the bytes come: a serial port holds one or two, and the next are on their way. */
    while (bytes != 0u) {
        const int32_t came = tinykd_port_read(to, bytes);
        if (came <= 0) {
            return came == 0 ? TINYKD_PAUSED : TINYKD_ENDED;
        }
        frame->crc = tinykd_crc32(frame->crc, to, (uint32_t)came);
        to += came;
        bytes -= (uint32_t)came;
    }
    return TINYKD_HEARD;
}

enum tinykd_heard tinykd_frame_close(const struct tinykd_frame *frame)
{
    struct tinykd_frame apart = *frame;
    uint8_t bytes[4];
    const enum tinykd_heard heard = tinykd_frame_read(&apart, bytes, 4u);

    return heard == TINYKD_HEARD && word_from(bytes) != ~frame->crc ? TINYKD_DAMAGED : heard;
}

void tinykd_frame_begin(struct tinykd_frame *frame, uint8_t kind, uint8_t tag, uint32_t length)
{
    const uint8_t start = TINYKD_FRAME_START, head[2] = {kind, tag};

    (void)tinykd_port_write(&start, 1u);
    frame->crc = TINYKD_CRC32_START;
    tinykd_frame_write(frame, head, sizeof head);
    tinykd_frame_word(frame, length);
}

void tinykd_frame_write(struct tinykd_frame *frame, const void *bytes, uint32_t count)
{
    (void)tinykd_port_write(bytes, count);
    frame->crc = tinykd_crc32(frame->crc, (const uint8_t *)bytes, count);
}

void tinykd_frame_word(struct tinykd_frame *frame, uint32_t word)
{
    uint8_t bytes[4];

    word_to(bytes, word);
    tinykd_frame_write(frame, bytes, 4u);
}

void tinykd_frame_end(const struct tinykd_frame *frame)
{
    uint8_t bytes[4];

    word_to(bytes, ~frame->crc);
    (void)tinykd_port_write(bytes, 4u);
}
