#include "pass/json_text.h"
#include "base/alloc.h"
#include <stdio.h>
#include <time.h>

json_t *json_text_str(struct str text)
{
    json_t *out = json_stringn(text.ptr, text.len);
    if (out != NULL) {
        return out;
    }
    AUTO_FREE char *copy = xstrndup(text.ptr, text.len);
    size_t len = str_make_printable(copy, strlen(copy));
    return json_stringn(copy, len);
}

json_t *json_text(const char *text)
{
    return json_text_str(str_from(text));
}

json_t *json_time(int64_t unix_ms)
{
    char text[32];
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    if (unix_ms == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        return json_null();
    }
    return json_string(text);
}

uint64_t json_number_at(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}
