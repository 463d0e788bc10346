/* SPDX-License-Identifier: Apache-2.0
 * Checks the model's constants and repeats the golden vectors, then answers frames until the stream ends (docs/serial_protocol.md).
 *
 *   to the firmware               from the firmware
 *   'B'                           'B' (at the start too, unasked, with tag 0): protocol, input bytes, output bytes, golden vectors,
 *                                     golden bytes compared, golden bytes that differ, CRC-32 of the model's constants as exported,
 *                                     as found in memory, clock in hertz (nine words); model's SHA-256, name, tinykd's version (lines)
 *   'R' all inputs end to end     'T' for each layer, if compiled with TINYKD_TRACE: tensor (a word), its data
 *                                     or, with TINYKD_PROFILE too, 'P': tensor, clock since the last 'P' (low word, high word)
 *                                 'R' ticks (low word, high word), all outputs end to end
 *   'Z'                           'Z' and the model's state, if it has one, is as at the start
 *   'S'                           'S' stack high water, stack reserved, arena (three words, bytes)
 *   'Q'                           ends the program
 *   anything else                 'E' what was wrong (a word, enum complaint)
 *
 * Exit code 0: constants and golden vectors agreed; 1: they did not; 2: the stream broke inside a frame. */
#include <string.h>

#include "crc32.h"
#include "frame.h"
#include "tinykd/compiler.h"
#include "tinykd/port.h"
#include "tinykd_model.h"

#define PROTOCOL 2u

enum complaint { UNKNOWN_KIND = 1, WRONG_LENGTH = 2, WRONG_CHECKSUM = 3, INFERENCE_FAILED = 4, CUT_OFF = 5 };

/* What the answers on their way bear. */
static uint8_t tag;

static TINYKD_ALIGNED(16) uint8_t arena[TINYKD_MODEL_ARENA_BYTES];

struct golden {
    uint32_t compared; /* bytes */
    uint32_t differing;
};

/* Runs one golden vector: `fed` holds its inputs, `expected` its outputs, end to end. */
static void check(struct golden *golden, const uint8_t *fed, const uint8_t *expected)
{
    uint32_t bytes = 0;

    tinykd_model_reset(arena);
    for (uint32_t k = 0; k < TINYKD_MODEL_INPUTS; ++k, fed += bytes) {
        void *input = tinykd_model_input(arena, k, &bytes);
        memcpy(input, fed, bytes);
    }
    const int status = tinykd_model_invoke(arena);
    for (uint32_t k = 0; k < TINYKD_MODEL_OUTPUTS; ++k, expected += bytes) {
        const uint8_t *output = (const uint8_t *)tinykd_model_output(arena, k, &bytes);
        for (uint32_t i = 0; i < bytes; ++i) {
            golden->differing += (status != 0 || output[i] != expected[i]) ? 1u : 0u;
        }
        golden->compared += bytes;
    }
}

static struct golden check_golden_vectors(void)
{
    const uint32_t input_bytes = TINYKD_MODEL_INPUT_BYTES, output_bytes = TINYKD_MODEL_OUTPUT_BYTES;
    struct golden golden = {0u, 0u};

    for (uint32_t v = 0; v < tinykd_golden_count; ++v) {
        check(&golden, tinykd_golden_inputs + v * input_bytes, tinykd_golden_outputs + v * output_bytes);
    }
    return golden;
}

/* What the model's constants are now. */
static uint32_t constants_crc(void)
{
    uint32_t crc = TINYKD_CRC32_START;

    for (uint32_t k = 0; k < tinykd_constant_count; ++k) {
        crc = tinykd_crc32(crc, (const uint8_t *)tinykd_constants[k].at, tinykd_constants[k].bytes);
    }
    return ~crc;
}

static void send_words(uint8_t kind, const uint32_t *words, uint32_t count)
{
    struct tinykd_frame frame;

    tinykd_frame_begin(&frame, kind, tag, 4u * count);
    for (uint32_t i = 0; i < count; ++i) {
        tinykd_frame_word(&frame, words[i]);
    }
    tinykd_frame_end(&frame);
}

static void complain(enum complaint complaint)
{
    const uint32_t word = (uint32_t)complaint;

    send_words('E', &word, 1u);
}

#ifdef TINYKD_TRACE
static int tracing;

/* The generated model calls this after each layer. */
void tinykd_trace(int tensor, const void *data, uint32_t bytes);
#endif

#ifdef TINYKD_PROFILE
/* The clock when the last call ended, so that what the call itself takes counts for no layer. */
static uint64_t since;

void tinykd_trace(int tensor, const void *data, uint32_t bytes)
{
    (void)data;
    (void)bytes;
    if (tracing) {
        const uint64_t elapsed = tinykd_port_tick_sum(TINYKD_PROFILE) - since;
        const uint32_t words[3] = {(uint32_t)tensor, (uint32_t)(elapsed & 0xFFFFFFFFu), (uint32_t)(elapsed >> 32)};
        send_words('P', words, 3u);
        since = tinykd_port_tick_sum(TINYKD_PROFILE);
    }
}

/* Two calls with no layer between them show what the calls cost; one after the last layer shows what is left. */
#define MARK() tinykd_trace(-1, 0, 0u)
#else
#define MARK() ((void)0)
#endif

#if defined(TINYKD_TRACE) && !defined(TINYKD_PROFILE)
void tinykd_trace(int tensor, const void *data, uint32_t bytes)
{
    struct tinykd_frame frame;

    if (tracing) {
        tinykd_frame_begin(&frame, 'T', tag, 4u + bytes);
        tinykd_frame_word(&frame, (uint32_t)tensor);
        tinykd_frame_write(&frame, data, bytes);
        tinykd_frame_end(&frame);
    }
}
#endif

/* Answers an inference whose inputs are in the arena. */
static void infer(void)
{
    struct tinykd_frame frame;
    uint32_t bytes = 0;
    const uint64_t before = tinykd_port_ticks();

    MARK();
    MARK();
    const int status = tinykd_model_invoke(arena);
    MARK();
    const uint64_t ticks = tinykd_port_ticks() - before;

    if (status != 0) {
        complain(INFERENCE_FAILED);
        return;
    }
    tinykd_frame_begin(&frame, 'R', tag, 8u + TINYKD_MODEL_OUTPUT_BYTES);
    tinykd_frame_word(&frame, (uint32_t)(ticks & 0xFFFFFFFFu));
    tinykd_frame_word(&frame, (uint32_t)(ticks >> 32));
    for (uint32_t k = 0; k < TINYKD_MODEL_OUTPUTS; ++k) {
        const void *output = tinykd_model_output(arena, k, &bytes);
        tinykd_frame_write(&frame, output, bytes);
    }
    tinykd_frame_end(&frame);
}

/* Reads `length` bytes of payload: into the inputs if they are exactly that long, else nowhere. */
static enum tinykd_heard read_payload(struct tinykd_frame *frame, uint8_t kind, uint32_t length)
{
    enum tinykd_heard heard = TINYKD_HEARD;
    uint32_t bytes = 0;
    uint8_t skipped;

    if (kind == 'R' && length == TINYKD_MODEL_INPUT_BYTES) {
        for (uint32_t k = 0; k < TINYKD_MODEL_INPUTS && heard == TINYKD_HEARD; ++k) {
            void *input = tinykd_model_input(arena, k, &bytes);
            heard = tinykd_frame_read(frame, input, bytes);
        }
        return heard;
    }
    for (uint32_t i = 0; i < length && heard == TINYKD_HEARD; ++i) {
        heard = tinykd_frame_read(frame, &skipped, 1u);
    }
    return heard;
}

/* What was found at the start. */
struct boot {
    struct golden golden;
    uint32_t constants_crc;
};

static int is_sound(const struct boot *boot)
{
    return boot->golden.differing == 0u && boot->constants_crc == tinykd_constants_crc;
}

static void send_boot(const struct boot *boot)
{
    static const char text[] = TINYKD_MODEL_SHA256 "\n" TINYKD_MODEL_NAME "\n" TINYKD_VERSION "\n";
    const uint32_t words[9] = {PROTOCOL, TINYKD_MODEL_INPUT_BYTES, TINYKD_MODEL_OUTPUT_BYTES,
                               tinykd_golden_count, boot->golden.compared, boot->golden.differing,
                               tinykd_constants_crc, boot->constants_crc, tinykd_port_clock_hz()};
    struct tinykd_frame frame;

    tinykd_frame_begin(&frame, 'B', tag, 4u * 9u + sizeof text - 1u);
    for (uint32_t i = 0; i < 9u; ++i) {
        tinykd_frame_word(&frame, words[i]);
    }
    tinykd_frame_write(&frame, text, sizeof text - 1u);
    tinykd_frame_end(&frame);
}

/* Answers an intact frame. */
static void answer(const struct boot *boot, uint8_t kind, uint32_t length)
{
    if (kind == 'R' && length == TINYKD_MODEL_INPUT_BYTES) {
        infer();
    } else if (kind == 'R') {
        complain(WRONG_LENGTH);
    } else if (kind == 'B') {
        send_boot(boot);
    } else if (kind == 'S') {
        const uint32_t words[3] = {tinykd_port_stack_high_water(), tinykd_port_stack_bytes(), sizeof arena};
        send_words('S', words, 3u);
    } else if (kind == 'Z') {
        tinykd_model_reset(arena);
        send_words('Z', 0, 0u);
    } else {
        complain(UNKNOWN_KIND);
    }
}

/* Answers frames until 'Q' or the end of the stream. Returns 0, or 2 if it ended inside a frame. */
static uint32_t serve(const struct boot *boot)
{
    struct tinykd_frame frame;
    enum tinykd_heard heard;
    uint32_t length;
    uint8_t kind;

    while ((heard = tinykd_frame_open(&frame, &kind, &tag, &length)) != TINYKD_ENDED) {
        if (heard == TINYKD_HEARD) {
            heard = read_payload(&frame, kind, length);
        }
        if (heard == TINYKD_HEARD) {
            heard = tinykd_frame_close(&frame);
        }
        if (heard == TINYKD_ENDED) {
            return 2u;
        }
        if (heard != TINYKD_HEARD) {
            complain(heard == TINYKD_PAUSED ? CUT_OFF : WRONG_CHECKSUM);
        } else if (kind == 'Q') {
            return 0u;
        } else {
            answer(boot, kind, length);
        }
    }
    return 0u;
}

int main(void)
{
    struct boot boot;

    tinykd_port_init();
    tinykd_port_text("tinykd " TINYKD_VERSION ", " TINYKD_MODEL_NAME ", model " TINYKD_MODEL_SHA256 "\n");
    boot.constants_crc = constants_crc();
    tinykd_port_text(boot.constants_crc == tinykd_constants_crc ? "weights intact\n" : "WEIGHTS DAMAGED\n");
    boot.golden = check_golden_vectors();
    tinykd_model_reset(arena);
    tinykd_port_text(boot.golden.differing == 0u ? "golden vectors agree\n" : "GOLDEN VECTORS DIFFER\n");
    send_boot(&boot);
#ifdef TINYKD_TRACE
    tracing = 1;
#endif
    const uint32_t broken = serve(&boot);
    tinykd_port_exit(is_sound(&boot) ? broken : 1u);
    return 0;
}
