/* What the core of an Arduino board does, once around. */
#include <Arduino.h>

int main()
{
    (void)Serial;
    setup();
    loop();
    return 0;
}
