#include <stdint.h>
#include <stdio.h>
#define printk printf
