#include "cmd/demo_mail.h"
#include "base/base64.h"
#include "imap/flags.h"
#include <inttypes.h>
#include <time.h>

#define DAY_S 86400
#define MESSAGE_BYTES_MAX (64 * 1024)

struct sample {
    const char *mailbox;
    const char *from;
    const char *subject;
    const char *text;
    unsigned flags; /* enum imap_flag */
    int days_ago;
};

const char *const demo_mailboxes[] = {
    "INBOX", "Archive", DEMO_ARCHIVE, DEMO_DRAFTS, "Список рассылки", "日本語", NULL,
};

static const struct sample samples[] = {
    {"INBOX", "Ada <ada@example.org>", "Welcome", "This mail came from the server.", FLAG_SEEN, 9},
    {"INBOX", "Grace <grace@example.org>", "Lunch on Friday?", "At noon, by the fountain.", 0, 3},
    {"INBOX", "Ada <ada@example.org>", "Re: Lunch on Friday?", "With pleasure.", FLAG_ANSWERED, 2},
    {"INBOX", "Builds <ci@example.org>", "Build 1024 passed", "All tests are green.", 0, 1},
    {"INBOX", "Grace <grace@example.org>", "Grüße aus Köln", "Der Dom steht noch.", FLAG_FLAGGED,
     1},
    {DEMO_ARCHIVE, "Tax office <tax@example.org>", "Your return", "It has come.", FLAG_SEEN, 300},
    {DEMO_ARCHIVE, "Bank <bank@example.org>", "Statement", "Nothing has changed.", FLAG_SEEN, 290},
    {DEMO_ARCHIVE, "Shop <shop@example.org>", "Your order", "It is on its way.", FLAG_SEEN, 280},
    {DEMO_DRAFTS, "Me <demo@example.org>", "Entwurf", "Noch nicht fertig …", FLAG_DRAFT | FLAG_SEEN,
     5},
    {"Список рассылки", "Лев <lev@example.org>", "Добро пожаловать", "Это список рассылки.", 0, 20},
    {"Список рассылки", "Анна <anna@example.org>", "Re: Добро пожаловать", "Спасибо!", FLAG_SEEN,
     19},
    {"日本語", "Yuki <yuki@example.org>", "こんにちは", "お元気ですか。", 0, 7},
};

/* RFC 2047: header text beyond ASCII travels in base64. */
static void add_header(struct buf *out, const char *name, const char *text)
{
    buf_addf(out, "%s: ", name);
    if (str_is_ascii(str_from(text))) {
        buf_add_cstr(out, text);
    } else {
        buf_add_cstr(out, "=?UTF-8?B?");
        base64_encode(out, str_from(text));
        buf_add_cstr(out, "?=");
    }
    buf_add_cstr(out, "\r\n");
}

static void add_from(struct buf *out, const char *from)
{
    const char *address = strchr(from, '<');
    struct str name = str_trim(str_make(from, (size_t)(address - from)));
    if (str_is_ascii(name)) {
        buf_addf(out, "From: %s\r\n", from);
        return;
    }
    buf_add_cstr(out, "From: =?UTF-8?B?");
    base64_encode(out, name);
    buf_addf(out, "?= %s\r\n", address);
}

void demo_mail_compose(struct buf *out, const char *from, const char *subject, const char *text,
                       int64_t date_s)
{
    char date[64] = "";
    time_t time = (time_t)date_s;
    struct tm parts;
    if (gmtime_r(&time, &parts) != NULL) {
        (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    }
    add_from(out, from);
    buf_add_cstr(out, "To: Me <demo@example.org>\r\n");
    add_header(out, "Subject", subject);
    buf_addf(out, "Date: %s\r\n", date);
    buf_addf(out, "Message-ID: <%016" PRIx64 "@example.org>\r\n",
             str_hash(str_from(subject)) ^ str_hash(str_from(text)));
    buf_add_cstr(out, "MIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: 8bit\r\n"
                      "\r\n");
    buf_addf(out, "%s\r\n", text);
}

static int create_mailboxes(struct mem_backend *backend, struct error *err)
{
    for (const char *const *name = demo_mailboxes; *name != NULL; name++) {
        uint32_t use = strcmp(*name, DEMO_DRAFTS) == 0 ? LIST_DRAFTS : 0;
        bool exists = strcmp(*name, "INBOX") == 0;
        if (!exists && mem_backend_create(backend, DEMO_USER, *name, use, err) < 0) {
            return -(int)err->code;
        }
    }
    return 0;
}

int demo_mail_fill(struct mem_backend *backend, int64_t now_s, size_t *count_out, struct error *err)
{
    mem_backend_add_user(backend, DEMO_USER, DEMO_PASSWORD);
    if (create_mailboxes(backend, err) < 0) {
        return -(int)err->code;
    }
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        int64_t date_s = now_s - (int64_t)s->days_ago * DAY_S;
        struct buf message = BUF_INIT(MESSAGE_BYTES_MAX);
        uint32_t uid;
        demo_mail_compose(&message, s->from, s->subject, s->text, date_s);
        int result = mem_backend_append(backend, DEMO_USER, s->mailbox, buf_str(&message), s->flags,
                                        date_s, &uid, err);
        buf_free(&message);
        if (result < 0) {
            return result;
        }
    }
    *count_out = sizeof samples / sizeof *samples;
    return 0;
}
