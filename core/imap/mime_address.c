/* Addresses of RFC 5322 section 3.4, and what stands for them in the field. One pass. */
#include "base/buf.h"
#include "imap/limits.h"
#include "imap/mime_private.h"

struct address_parser {
    struct arena *arena;
    struct imap_addresses *out;
    size_t cap;
    struct str rest;
    struct str comment; /* the last one since the address began */
    struct buf words;
    bool group;
};

static void address_add(struct address_parser *p, struct str name, struct str route,
                        struct str mailbox, struct str host)
{
    if (p->out->len == LIMIT_ADDRESSES) {
        return;
    }
    p->out->items =
        arena_grow(p->arena, p->out->items, p->out->len, &p->cap, sizeof *p->out->items);
    p->out->items[p->out->len++] = (struct imap_address){name, route, mailbox, host};
}

static struct str null_if_empty(struct str s)
{
    return s.len > 0 ? s : str_make(NULL, 0);
}

static void skip(struct address_parser *p)
{
    p->rest = mime_skip_comments(p->rest, &p->comment);
}

static bool at(const struct address_parser *p, char c)
{
    return p->rest.len > 0 && p->rest.ptr[0] == c;
}

/* An atom or quoted string, with its quotes undone. */
static struct str take_word(struct address_parser *p, const char *stops)
{
    if (at(p, '"')) {
        return mime_take_quoted(p->arena, &p->rest);
    }
    size_t n = 1;
    while (n < p->rest.len && strchr(" \t(\"", p->rest.ptr[n]) == NULL &&
           strchr(stops, p->rest.ptr[n]) == NULL) {
        n++;
    }
    struct str word = str_sub(p->rest, 0, n);
    p->rest = str_from_offset(p->rest, n);
    return word;
}

/* Words up to one of `stops`, comments left out; white space between them is one space with
 * `spaced`, else nothing. */
static struct str take_words(struct address_parser *p, const char *stops, bool spaced)
{
    buf_clear(&p->words);
    for (;;) {
        size_t before = p->rest.len;
        skip(p);
        if (p->rest.len == 0 || strchr(stops, p->rest.ptr[0]) != NULL) {
            return arena_str(p->arena, buf_str(&p->words));
        }
        if (spaced && p->words.len > 0 && p->rest.len < before) {
            buf_add_byte(&p->words, ' ');
        }
        buf_add_str(&p->words, take_word(p, stops));
    }
}

/* Behind `<`. */
static void take_angle(struct address_parser *p, struct str name)
{
    struct str route = str_make(NULL, 0);
    skip(p);
    if (at(p, '@')) {
        route = null_if_empty(take_words(p, ":>", false));
        if (at(p, ':')) {
            p->rest = str_from_offset(p->rest, 1);
        }
    }
    struct str mailbox = take_words(p, "@>", false);
    struct str host = STR_EMPTY;
    if (at(p, '@')) {
        p->rest = str_from_offset(p->rest, 1);
        host = take_words(p, ">", false);
    }
    if (at(p, '>')) {
        p->rest = str_from_offset(p->rest, 1);
    }
    address_add(p, null_if_empty(name), route, mailbox, host);
    (void)take_words(p, ",;", false); /* what follows an address belongs to nothing */
}

static void end_group(struct address_parser *p)
{
    const struct str nil = {NULL, 0};
    if (p->group) {
        address_add(p, nil, nil, nil, nil);
        p->group = false;
    }
}

static void take_address(struct address_parser *p)
{
    const struct str nil = {NULL, 0};
    struct str before = p->rest;
    p->comment = STR_EMPTY;
    struct str words = take_words(p, "<@,;:", true);
    if (at(p, '<')) {
        p->rest = str_from_offset(p->rest, 1);
        take_angle(p, words);
    } else if (at(p, ':')) {
        p->rest = str_from_offset(p->rest, 1);
        end_group(p);
        address_add(p, nil, nil, words, nil);
        p->group = true;
    } else if (at(p, '@')) {
        p->rest = before;
        p->comment = STR_EMPTY;
        struct str mailbox = take_words(p, "@", false);
        p->rest = str_from_offset(p->rest, 1);
        struct str host = take_words(p, ",;<", false);
        (void)take_words(p, ",;", false);
        address_add(p, null_if_empty(p->comment), nil, mailbox, host);
    } else if (words.len > 0) {
        address_add(p, nil, nil, words, STR_EMPTY);
    }
}

void mime_addresses(struct arena *arena, struct str value, struct imap_addresses *out)
{
    struct address_parser p = {.arena = arena, .out = out, .rest = value};
    buf_init(&p.words, 2 * value.len);
    *out = (struct imap_addresses){0};
    while (p.rest.len > 0 && out->len < LIMIT_ADDRESSES) {
        size_t before = p.rest.len;
        take_address(&p);
        if (at(&p, ';')) {
            end_group(&p);
        }
        if (at(&p, ';') || at(&p, ',') || p.rest.len == before) {
            p.rest = str_from_offset(p.rest, 1);
        }
    }
    end_group(&p);
    buf_free(&p.words);
}
