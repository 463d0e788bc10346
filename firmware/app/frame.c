/* SPDX-License-Identifier: Apache-2.0
 * Frames over a port's byte stream. */
#include "frame.h"

#include "tinykd/port.h"

/* CRC-32 of the sixteen half-bytes: small enough for any flash, and twice as fast as bit by bit. */
static const uint32_t half_bytes[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ half_bytes[crc & 15u];
        crc = (crc >> 4) ^ half_bytes[crc & 15u];
    }
    return crc;
}

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

int tinykd_frame_open(struct tinykd_frame *frame, uint8_t *kind, uint32_t *length)
{
    uint8_t head[5] = {0};

    do {
        if (tinykd_port_read(head, 1u) != 1u) {
            return 0;
        }
    } while (head[0] != TINYKD_FRAME_START);
    frame->crc = 0xFFFFFFFFu;
    if (!tinykd_frame_read(frame, head, sizeof head)) {
        return 0;
    }
    *kind = head[0];
    *length = word_from(head + 1);
    return 1;
}

int tinykd_frame_read(struct tinykd_frame *frame, void *buffer, uint32_t bytes)
{
    if (tinykd_port_read(buffer, bytes) != bytes) {
        return 0;
    }
    frame->crc = crc32(frame->crc, (const uint8_t *)buffer, bytes);
    return 1;
}

int tinykd_frame_close(const struct tinykd_frame *frame)
{
    uint8_t bytes[4];

    return tinykd_port_read(bytes, 4u) == 4u && word_from(bytes) == ~frame->crc;
}

void tinykd_frame_begin(struct tinykd_frame *frame, uint8_t kind, uint32_t length)
{
    const uint8_t start = TINYKD_FRAME_START;

    (void)tinykd_port_write(&start, 1u);
    frame->crc = 0xFFFFFFFFu;
    tinykd_frame_write(frame, &kind, 1u);
    tinykd_frame_word(frame, length);
}

void tinykd_frame_write(struct tinykd_frame *frame, const void *bytes, uint32_t count)
{
    (void)tinykd_port_write(bytes, count);
    frame->crc = crc32(frame->crc, (const uint8_t *)bytes, count);
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
