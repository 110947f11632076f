#include "core/imap/noise.h"
#include <stdint.h>
#include <string.h>

size_t noise_damage(struct dice *dice, char *text, size_t len, size_t max)
{
    static const char odd[] = " ()[]{}\"\\\r\n*%+-.:,0\xff\0~<>9";
    for (uint32_t left = 1 + dice_below(dice, 4); left > 0 && len > 1; left--) {
        size_t at = dice_below(dice, (uint32_t)len);
        size_t span = dice_below(dice, (uint32_t)(len - at)) + 1;
        switch (dice_below(dice, 4)) {
        case 0:
            text[at] = odd[dice_below(dice, sizeof odd)];
            break;
        case 1:
            text[at] = (char)dice_below(dice, 256);
            break;
        case 2:
            span = span > 4 ? 4 : span;
            memmove(text + at, text + at + span, len - at - span);
            len -= span;
            break;
        default:
            span = span < max - len ? span : max - len;
            memmove(text + at + span, text + at, len - at);
            len += span;
            break;
        }
    }
    return len;
}
