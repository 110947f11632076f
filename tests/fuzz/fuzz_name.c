/* Mailbox names: modified UTF-7 both ways, and patterns. */
#include "base/alloc.h"
#include "imap/mailbox_name.h"
#include "fuzz/fuzz.h"

static void try_wire_name(struct str name)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str utf8, again;
    if (mailbox_name_decode(arena, name, &utf8)) {
        FUZZ_REQUIRE(str_is_utf8(utf8) && mailbox_name_encode(arena, utf8, &again), name);
        FUZZ_REQUIRE(str_eq(again, name), name);
    } else {
        FUZZ_REQUIRE(str_eq(utf8, name), name);
    }
}

static void try_utf8_name(struct str name)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str wire, again;
    bool good = mailbox_name_encode(arena, name, &wire);
    FUZZ_REQUIRE(good == str_is_utf8(name), name);
    if (good && memchr(name.ptr, 0, name.len) == NULL) {
        FUZZ_REQUIRE(str_is_ascii(wire), name);
        FUZZ_REQUIRE(mailbox_name_decode(arena, wire, &again) && str_eq(again, name), name);
    }
}

/* The plain, slow definition of what matches. */
static bool slowly(struct str name, struct str pattern, char delimiter)
{
    if (pattern.len == 0) {
        return name.len == 0;
    }
    char p = pattern.ptr[0];
    struct str rest = str_from_offset(pattern, 1);
    if (p != '*' && p != '%') {
        return name.len > 0 && name.ptr[0] == p &&
               slowly(str_from_offset(name, 1), rest, delimiter);
    }
    for (size_t n = 0; n <= name.len; n++) {
        if (slowly(str_from_offset(name, n), rest, delimiter)) {
            return true;
        }
        if (p == '%' && delimiter != 0 && n < name.len && name.ptr[n] == delimiter) {
            return false;
        }
    }
    return false;
}

/* "PATTERN\nNAME" */
static void try_pattern(struct str input)
{
    struct str name = input, pattern = STR_EMPTY;
    if (str_split(&name, '\n', &pattern) && !str_starts_nocase(name, STR("INBOX")) &&
        pattern.len <= 6 && name.len <= 12) {
        FUZZ_REQUIRE(mailbox_name_matches(name, pattern, '/') == slowly(name, pattern, '/'), input);
        FUZZ_REQUIRE(mailbox_name_matches(name, pattern, 0) == slowly(name, pattern, 0), input);
    } else {
        (void)mailbox_name_matches(name, pattern, '.');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    struct str rest = str_from_offset(input, 1);
    (void)mailbox_name_is_inbox(rest);
    if (str_starts(input, STR("w"))) {
        try_wire_name(rest);
    } else if (str_starts(input, STR("u"))) {
        try_utf8_name(rest);
    } else if (str_starts(input, STR("p"))) {
        try_pattern(rest);
    }
    xfree(&input.ptr);
    return 0;
}
