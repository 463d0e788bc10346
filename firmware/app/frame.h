/* SPDX-License-Identifier: Apache-2.0
 * Frames over a byte stream (docs/serial_protocol.md). Numbers are little-endian.
 *
 *   offset  bytes  meaning
 *   0       1      0xA5, where a receiver that lost its place looks for the next frame
 *   1       1      kind, a letter
 *   2       1      tag: an answer bears the tag of what it answers, whatever else is sent bears 0
 *   3       4      length of the payload in bytes
 *   7       n      payload
 *   7 + n   4      CRC-32 (IEEE 802.3) of kind, tag, length and payload
 */
#ifndef TINYKD_FRAME_H
#define TINYKD_FRAME_H

#include <stdint.h>

#define TINYKD_FRAME_START 0xA5u

/* A frame on its way: the checksum so far. */
struct tinykd_frame {
    uint32_t crc;
};

/* What became of a read: all of it came, the sender paused inside a frame, the checksum is wrong, or the stream has ended. */
enum tinykd_heard { TINYKD_HEARD, TINYKD_PAUSED, TINYKD_DAMAGED, TINYKD_ENDED };

/* Waits for a frame and reads it up to the payload. Bytes before a start byte are skipped. */
enum tinykd_heard tinykd_frame_open(struct tinykd_frame *frame, uint8_t *kind, uint8_t *tag, uint32_t *length);

/* The next `bytes` of the payload. */
enum tinykd_heard tinykd_frame_read(struct tinykd_frame *frame, void *buffer, uint32_t bytes);

/* Reads the checksum and compares. */
enum tinykd_heard tinykd_frame_close(const struct tinykd_frame *frame);

/* Starts a frame of `length` payload bytes; the payload follows in any number of pieces; then the checksum. */
void tinykd_frame_begin(struct tinykd_frame *frame, uint8_t kind, uint8_t tag, uint32_t length);
void tinykd_frame_write(struct tinykd_frame *frame, const void *bytes, uint32_t count);
void tinykd_frame_word(struct tinykd_frame *frame, uint32_t word);
void tinykd_frame_end(const struct tinykd_frame *frame);

#endif
