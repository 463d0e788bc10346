/* SPDX-License-Identifier: Apache-2.0
 * Repeats the golden vectors, then answers frames until the stream ends.
 *
 *   to the firmware               from the firmware
 *                                 'B' at the start: protocol, input bytes, output bytes, golden vectors,
 *                                     golden bytes compared, golden bytes that differ (six words)
 *   'R' all inputs end to end     'T' for each layer, if compiled with TINYKD_TRACE: tensor (a word), its data
 *                                     or, with TINYKD_PROFILE too, 'P': tensor, clock since the last 'P' (low word, high word)
 *                                 'R' ticks (low word, high word), all outputs end to end
 *   'Z'                           'Z' and the model's state, if it has one, is as at the start
 *   'S'                           'S' stack high water, stack reserved, arena (three words, bytes)
 *   'Q'                           ends the program
 *   anything else                 'E' what was wrong (a word, enum complaint)
 *
 * Exit code 0: every golden byte agreed; 1: some did not; 2: the stream broke inside a frame. */
#include <string.h>

#include "frame.h"
#include "tinykd/compiler.h"
#include "tinykd/port.h"
#include "tinykd_model.h"

#define PROTOCOL 1u

enum complaint { UNKNOWN_KIND = 1, WRONG_LENGTH = 2, WRONG_CHECKSUM = 3, INFERENCE_FAILED = 4 };

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

static uint32_t total_input_bytes(void)
{
    uint32_t bytes = 0, total = 0;

    for (uint32_t k = 0; k < TINYKD_MODEL_INPUTS; ++k) {
        (void)tinykd_model_input(arena, k, &bytes);
        total += bytes;
    }
    return total;
}

static uint32_t total_output_bytes(void)
{
    uint32_t bytes = 0, total = 0;

    for (uint32_t k = 0; k < TINYKD_MODEL_OUTPUTS; ++k) {
        (void)tinykd_model_output(arena, k, &bytes);
        total += bytes;
    }
    return total;
}

static struct golden check_golden_vectors(void)
{
    const uint32_t input_bytes = total_input_bytes(), output_bytes = total_output_bytes();
    struct golden golden = {0u, 0u};

    for (uint32_t v = 0; v < tinykd_golden_count; ++v) {
        check(&golden, tinykd_golden_inputs + v * input_bytes, tinykd_golden_outputs + v * output_bytes);
    }
    return golden;
}

static void send_words(uint8_t kind, const uint32_t *words, uint32_t count)
{
    struct tinykd_frame frame;

    tinykd_frame_begin(&frame, kind, 4u * count);
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
        tinykd_frame_begin(&frame, 'T', 4u + bytes);
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
    tinykd_frame_begin(&frame, 'R', 8u + total_output_bytes());
    tinykd_frame_word(&frame, (uint32_t)(ticks & 0xFFFFFFFFu));
    tinykd_frame_word(&frame, (uint32_t)(ticks >> 32));
    for (uint32_t k = 0; k < TINYKD_MODEL_OUTPUTS; ++k) {
        const void *output = tinykd_model_output(arena, k, &bytes);
        tinykd_frame_write(&frame, output, bytes);
    }
    tinykd_frame_end(&frame);
}

/* Reads `length` bytes of payload: into the inputs if they are exactly that long, else nowhere. Returns 0 if the stream ends. */
static int read_payload(struct tinykd_frame *frame, uint8_t kind, uint32_t length)
{
    uint32_t bytes = 0;
    uint8_t skipped;

    if (kind == 'R' && length == total_input_bytes()) {
        for (uint32_t k = 0; k < TINYKD_MODEL_INPUTS; ++k) {
            void *input = tinykd_model_input(arena, k, &bytes);
            if (!tinykd_frame_read(frame, input, bytes)) {
                return 0;
            }
        }
        return 1;
    }
    for (uint32_t i = 0; i < length; ++i) {
        if (!tinykd_frame_read(frame, &skipped, 1u)) {
            return 0;
        }
    }
    return 1;
}

/* Answers frames until 'Q' or the end of the stream. Returns 0, or 2 if it ended inside a frame. */
static uint32_t serve(void)
{
    struct tinykd_frame frame;
    uint32_t length;
    uint8_t kind;

    while (tinykd_frame_open(&frame, &kind, &length)) {
        if (!read_payload(&frame, kind, length)) {
            return 2u;
        }
        if (!tinykd_frame_close(&frame)) {
            complain(WRONG_CHECKSUM);
        } else if (kind == 'Q') {
            return 0u;
        } else if (kind == 'S') {
            const uint32_t words[3] = {tinykd_port_stack_high_water(), tinykd_port_stack_bytes(), sizeof arena};
            send_words('S', words, 3u);
        } else if (kind == 'Z') {
            tinykd_model_reset(arena);
            send_words('Z', 0, 0u);
        } else if (kind != 'R') {
            complain(UNKNOWN_KIND);
        } else if (length != total_input_bytes()) {
            complain(WRONG_LENGTH);
        } else {
            infer();
        }
    }
    return 0u;
}

int main(void)
{
    tinykd_port_init();
    const struct golden golden = check_golden_vectors();
    const uint32_t boot[6] = {PROTOCOL, total_input_bytes(), total_output_bytes(),
                              tinykd_golden_count, golden.compared, golden.differing};

    tinykd_model_reset(arena);
    tinykd_port_text(golden.differing == 0u ? TINYKD_MODEL_NAME ": golden vectors agree\n" : TINYKD_MODEL_NAME ": GOLDEN VECTORS DIFFER\n");
    send_words('B', boot, 6u);
#ifdef TINYKD_TRACE
    tracing = 1;
#endif
    const uint32_t broken = serve();
    tinykd_port_exit(golden.differing != 0u ? 1u : broken);
    return 0;
}
