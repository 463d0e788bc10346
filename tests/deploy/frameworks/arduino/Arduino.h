/* Of Arduino's API what the example sketches use, on a desktop machine. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct Print {
    void begin(unsigned long) {}
    void print(const char *text) { fputs(text, stdout); }
    void print(int value) { printf("%d", value); }
    void print(unsigned long value) { printf("%lu", value); }
    void println(const char *text) { print(text), print("\n"); }
    void println(unsigned long value) { print(value), print("\n"); }
};

static Print Serial;

static inline unsigned long micros() { return 0; }
static inline void delay(unsigned long) {}

void setup();
void loop();

#endif
