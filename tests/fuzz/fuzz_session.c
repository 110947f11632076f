/*
 * The embedded server hears any bytes: it says the same however they are cut, and what it says is
 * IMAP. An input that begins with `!` is heard before login.
 */
#include "base/alloc.h"
#include "imap/dissect.h"
#include "server/mem_backend.h"
#include "server/session.h"
#include "fuzz/fuzz_stream.h"

#define SAID_MAX ((size_t)8 * 1024 * 1024)

static const char *const messages[] = {
    "From: a@b.c\r\nTo: d@e.f\r\nSubject: one\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "Message-ID: <1@x>\r\n\r\nhello\r\n",
    "From: a@b.c\r\nSubject: Re: one\r\nIn-Reply-To: <1@x>\r\nMessage-ID: <2@x>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "aGVsbG8=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n",
    "\r\n",
};

/* Their challenges differ each time. */
static const enum capability random_ones[] = {CAP_AUTH_CRAM_MD5, CAP_AUTH_SCRAM_SHA_1,
                                              CAP_AUTH_SCRAM_SHA_256, CAP_AUTH_SCRAM_SHA_256_PLUS};

static struct mem_backend *open_backend(void)
{
    struct error err = ERROR_INIT;
    struct mem_backend *backend = mem_backend_new(&fuzz_clock);
    mem_backend_add_user(backend, "u", "p");
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        FUZZ_REQUIRE(mem_backend_append(backend, "u", "INBOX", str_from(messages[i]), 0,
                                        (int64_t)i * 86400, NULL, &err) == 0,
                     STR_EMPTY);
    }
    FUZZ_REQUIRE(mem_backend_create(backend, "u", "Sent", LIST_SENT, &err) == 0, STR_EMPTY);
    return backend;
}

/* Feeds one piece; false when the session has ended, or what follows would be under TLS or
 * deflated. */
static bool feed(struct session *session, struct str piece, struct buf *said)
{
    unsigned turns = 0;
    enum session_next next = session_feed(session, piece, said);
    while (next == SESSION_MORE) {
        next = session_feed(session, STR_EMPTY, said);
        FUZZ_REQUIRE(++turns < 100000, piece);
    }
    return next == SESSION_READ;
}

static void converse(struct str input, size_t chunk, struct buf *said)
{
    struct mem_backend *backend = open_backend();
    struct backend vtable = mem_backend_vtable(backend);
    bool before = str_starts(input, STR("!"));
    struct session_options options = {
        .tls_available = true, .allow_plaintext = true, .preauth = !before, .preauth_user = "u"};
    session_default_capabilities(&options.capabilities);
    for (size_t i = 0; i < sizeof random_ones / sizeof random_ones[0]; i++) {
        capabilities_set(&options.capabilities, random_ones[i], false);
    }
    struct session *session = session_new(&vtable, &options);
    struct str rest = str_from_offset(input, before);
    bool open = feed(session, STR_EMPTY, said);
    if (!before) {
        open = feed(session, STR("s SELECT INBOX\r\n"), said);
    }
    while (open && rest.len > 0) {
        open = feed(session, str_sub(rest, 0, chunk), said);
        rest = str_from_offset(rest, chunk);
    }
    FUZZ_REQUIRE(!said->overflowed, input);
    session_free(&session);
    mem_backend_free(&backend);
}

struct hearer {
    struct str said, input;
};

static int hear(void *self, const struct dissect_unit *unit, struct error *err)
{
    const struct hearer *h = self;
    (void)err;
    if (unit->kind == DISSECT_ERROR) {
        struct str bad = str_sub(h->said, (size_t)unit->offset, (size_t)unit->length);
        fuzz_broken(__FILE__, __LINE__, unit->reason, bad);
    }
    FUZZ_REQUIRE(unit->direction == DISSECT_SERVER, h->said);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct str input = fuzz_copy(data, size);
    struct buf whole AUTO_BUF = BUF_INIT(SAID_MAX);
    struct buf pieces AUTO_BUF = BUF_INIT(SAID_MAX);
    uint64_t bad;
    converse(input, SIZE_MAX, &whole);
    converse(input, 1 + size % 11, &pieces);
    FUZZ_REQUIRE(str_eq(buf_str(&whole), buf_str(&pieces)), buf_str(&whole));
    struct hearer hearer = {buf_str(&whole), input};
    const struct dissect_visitor visitor = {hear, NULL, &hearer};
    FUZZ_REQUIRE(dissect_memory(buf_str(&whole), &visitor, &bad, &err) == 0, input);
    xfree(&input.ptr);
    return 0;
}
