/* SPDX-License-Identifier: Apache-2.0
 * CRC-32 (IEEE 802.3, the one of zlib and PNG): reflected polynomial 0xEDB88320, starts with and ends by inverting all bits. */
#ifndef TINYKD_CRC32_H
#define TINYKD_CRC32_H

#include <stdint.h>

#define TINYKD_CRC32_START 0xFFFFFFFFu

/* The register after `count` more bytes. The checksum is its complement. */
uint32_t tinykd_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

#endif
