/* Base64, dates, and text to be shown. */
#include "base/alloc.h"
#include "base/base64.h"
#include "imap/date.h"
#include "imap/mime.h"
#include "fuzz/fuzz.h"

static void try_base64(struct str text)
{
    struct buf bytes AUTO_BUF = BUF_INIT(1000000);
    struct buf again AUTO_BUF = BUF_INIT(1000000);
    if (base64_decode(&bytes, text)) {
        base64_encode(&again, buf_str(&bytes));
        FUZZ_REQUIRE(str_eq(buf_str(&again), text), text);
    } else {
        FUZZ_REQUIRE(bytes.len == 0, text);
    }
    buf_clear(&bytes);
    buf_clear(&again);
    base64_encode(&bytes, text);
    FUZZ_REQUIRE(base64_decode(&again, buf_str(&bytes)), text);
    FUZZ_REQUIRE(str_eq(buf_str(&again), text), text);
}

static void try_civil(int64_t unix_s)
{
    int year;
    unsigned month, day, hour, minute, second;
    date_to_civil(unix_s, &year, &month, &day, &hour, &minute, &second);
    FUZZ_REQUIRE(month >= 1 && month <= 12 && day >= 1 && day <= 31, STR_EMPTY);
    FUZZ_REQUIRE(date_from_civil(year, month, day, hour, minute, second) == unix_s, STR_EMPTY);
}

static void try_date(struct str text)
{
    struct imap_date date, again;
    int64_t time_s;
    int32_t zone_s;
    if (imap_date_parse(text, &date)) {
        struct writer w;
        struct error err = ERROR_INIT;
        try_civil(date.unix_s);
        writer_init(&w, WRITER_LITERAL_SERVER, false, 1000);
        imap_date_write(&w, &date);
        if (writer_finish(&w, &err) == 0) {
            struct str written = str_sub(buf_str(&w.buf), 1, w.buf.len - 2);
            FUZZ_REQUIRE(imap_date_parse(written, &again), text);
            FUZZ_REQUIRE(again.unix_s == date.unix_s && again.zone_s == date.zone_s, text);
        }
        writer_free(&w);
    }
    if (imap_day_parse(text, &time_s)) {
        try_civil(time_s);
    }
    if (mime_date(text, &time_s, &zone_s)) {
        try_civil(time_s);
    }
}

static void try_shown(struct str text)
{
    AUTO_FREE char *copy = xmemdup(text.ptr, text.len);
    size_t len = str_make_printable(copy, text.len);
    FUZZ_REQUIRE(len <= text.len && str_is_utf8(str_make(copy, len)), text);
    for (size_t i = 0; i < len; i++) {
        FUZZ_REQUIRE((uint8_t)copy[i] >= 32 && copy[i] != 127, text);
    }
    size_t good = 0, step;
    while ((step = str_utf8_char(str_from_offset(text, good))) > 0) {
        good += step;
    }
    FUZZ_REQUIRE((good == text.len) == str_is_utf8(text), text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    struct str rest = str_from_offset(input, 1);
    if (str_starts(input, STR("6"))) {
        try_base64(rest);
    } else if (str_starts(input, STR("d"))) {
        try_date(rest);
    } else if (str_starts(input, STR("s"))) {
        try_shown(rest);
    } else if (rest.len >= 7) {
        int64_t unix_s = 0;
        memcpy(&unix_s, rest.ptr, 7);
        try_civil((unix_s >> 20) - ((int64_t)1 << 35));
    }
    xfree(&input.ptr);
    return 0;
}
