#include "wire/chars.h"

/* The kinds of bytes that differ in some class. */
enum kind {
    NO = 0,                                      /* NUL, CR, LF */
    QT = CHAR_QUOTABLE,                          /* " */
    BS = QT | CHAR_WORD,                         /* \ */
    CT = QT | CHAR_IN_QUOTES,                    /* controls, space, parentheses */
    BR = CT | CHAR_WORD,                         /* { */
    WC = BR | CHAR_LIST,                         /* % * */
    PL = WC | CHAR_ATOM | CHAR_ASTRING,          /* + */
    RB = WC | CHAR_ASTRING | CHAR_TAG,           /* ] */
    SY = PL | CHAR_TAG,                          /* other signs */
    AL = SY | CHAR_NAME,                         /* letters and - . _ */
    DG = AL | CHAR_DIGIT,                        /* digits */
    HI = CHAR_8BIT | CHAR_WORD | CHAR_IN_QUOTES, /* 8-bit */
};

/* clang-format off */
const uint16_t char_classes[256] = {
    NO, CT, CT, CT, CT, CT, CT, CT, CT, CT, NO, CT, CT, NO, CT, CT,
    CT, CT, CT, CT, CT, CT, CT, CT, CT, CT, CT, CT, CT, CT, CT, CT,
    CT, SY, QT, SY, SY, WC, SY, SY, CT, CT, WC, PL, SY, AL, AL, SY,
    DG, DG, DG, DG, DG, DG, DG, DG, DG, DG, SY, SY, SY, SY, SY, SY,
    SY, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL,
    AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, SY, BS, RB, SY, AL,
    SY, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL,
    AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, BR, SY, SY, SY, CT,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI,
};
/* clang-format on */
