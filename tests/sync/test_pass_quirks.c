#include "sync/engine.h"
#include <stdio.h>

/* What real servers do, told by changing what ours says: with each, mail goes both ways in three
 * mailboxes at once, and nothing is lost or doubled. */

struct quirk {
    const char *name;
    /* A line that has all of `in` (NULL: any) gets `to` in the place of `from`; without a `from` it
     * is left out. */
    const char *in, *from, *to;
    struct str (*twist)(struct engine *, struct str); /* instead of that */
    const char *account;
};
static const struct quirk *quirk; /* the one being tried */

/* The line with `from` and `more` characters behind it made `to`, once. */
static struct str exchanged(struct engine *e, struct str line, const char *from, size_t more,
                            const char *to)
{
    const char *at = memmem(line.ptr, line.len, from, strlen(from));
    if (at == NULL) {
        return line;
    }
    size_t before = (size_t)(at - line.ptr);
    struct str rest = str_from_offset(line, before + strlen(from) + more);
    return str_from(arena_printf(e->arena, "%.*s%s%.*s", (int)before, line.ptr, to, STR_ARG(rest)));
}

static struct str changed(struct engine *e, struct str line, const char *from, const char *to)
{
    return exchanged(e, line, from, 0, to);
}

/* What stands behind `from` up to one of `ends` is made `to`. */
static struct str with_value(struct engine *e, struct str line, const char *from, const char *ends,
                             const char *to)
{
    const char *at = memmem(line.ptr, line.len, from, strlen(from));
    if (at == NULL) {
        return line;
    }
    const char *value = at + strlen(from);
    const char *whole = arena_printf(e->arena, "%s%s", from, to);
    return exchanged(e, line, from, strcspn(value, ends), whole);
}

static struct str replaced(struct engine *e, struct str line)
{
    if (quirk->in != NULL && !line_has(line, quirk->in)) {
        return line;
    }
    return quirk->from == NULL ? STR_EMPTY : changed(e, line, quirk->from, quirk->to);
}

/* A number, or what else is one word. */
static struct str another_word(struct engine *e, struct str line)
{
    bool meant = quirk->in == NULL || line_has(line, quirk->in);
    return meant ? with_value(e, line, quirk->from, " )]\r", quirk->to) : line;
}

static struct str another_string(struct engine *e, struct str line)
{
    return with_value(e, line, quirk->from, "\"", quirk->to);
}

/* A code and what stands in its brackets. */
static struct str another_code(struct engine *e, struct str line)
{
    struct str cut = with_value(e, line, quirk->from, "]", "");
    return changed(e, cut, arena_printf(e->arena, "%s]", quirk->from), quirk->to);
}

/* `to` before the line. */
static struct str something_before(struct engine *e, struct str line)
{
    bool meant = line_has(line, quirk->in);
    return meant ? str_from(arena_printf(e->arena, "%s%.*s", quirk->to, STR_ARG(line))) : line;
}

static struct str told_twice(struct engine *e, struct str line)
{
    if (!line_has(line, quirk->in) || line_has(line, "}\r\n")) {
        return line;
    }
    return str_from(arena_printf(e->arena, "%.*s%.*s", STR_ARG(line), STR_ARG(line)));
}

/* Zoho. */
static struct str modseq_of_minus_one(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* LIST"))) {
        return line;
    }
    return line_has(line, "HIGHESTMODSEQ") ? changed(e, line, "HIGHESTMODSEQ ", "HIGHESTMODSEQ -")
                                           : line;
}

/* o2.pl, GreenMail, davmail: FLAGS before UID. */
static struct str uid_behind_flags(struct engine *e, struct str line)
{
    struct str rest = line;
    struct str words[5];
    if (!str_starts(line, STR("* ")) || !line_has(line, " FETCH (UID ") ||
        !line_has(line, "FLAGS ())")) {
        return line;
    }
    for (size_t i = 0; i < 5; i++) {
        (void)str_split(&rest, ' ', &words[i]);
    }
    return str_from(arena_printf(e->arena, "* %.*s FETCH (FLAGS () UID %.*s)\r\n",
                                 STR_ARG(words[1]), STR_ARG(words[4])));
}

/* Courier: a FETCH of message 0. */
static struct str a_fetch_of_message_0(struct engine *e, struct str line)
{
    if (!line_has(line, " EXISTS\r\n")) {
        return line;
    }
    return str_from(arena_printf(e->arena, "%.*s* 0 FETCH (FLAGS (\\Seen))\r\n", STR_ARG(line)));
}

/* Cyrus: a FETCH of a message before the EXISTS that tells of it. */
static struct str a_fetch_before_exists(struct engine *e, struct str line)
{
    unsigned exists = 0;
    if (!line_has(line, " EXISTS\r\n") || sscanf(line.ptr, "* %u EXISTS", &exists) != 1 ||
        exists == 0) {
        return line;
    }
    return str_from(arena_printf(e->arena, "* %u FETCH (FLAGS ())\r\n%.*s", exists, STR_ARG(line)));
}

/* 163.com. */
static struct str status_of_nothing(struct engine *e, struct str line)
{
    bool status = str_starts(line, STR("* STATUS "));
    return status ? changed(e, with_value(e, line, " (", ")", ""), " ()", " ()") : line;
}

static struct str small_letters(struct engine *e, struct str line)
{
    const char *at = memmem(line.ptr, line.len, quirk->in, strlen(quirk->in));
    if (at == NULL) {
        return line;
    }
    char *copy = arena_strdup(e->arena, arena_str(e->arena, line).ptr);
    for (char *c = copy + (at - line.ptr); *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return str_from(copy);
}

/* Yahoo: HIGHESTMODSEQ is told, and CONDSTORE is not announced. */
static struct str condstore_not_announced(struct engine *e, struct str line)
{
    if (!line_has(line, "CAPABILITY ")) {
        return line;
    }
    return changed(e, changed(e, line, " CONDSTORE", ""), " QRESYNC", "");
}

static struct str no_modseq_in_fetch(struct engine *e, struct str line)
{
    if (!line_has(line, " FETCH (")) {
        return line;
    }
    return changed(e, with_value(e, line, " MODSEQ (", ")", ""), " MODSEQ ()", "");
}

/* Domino: the name of a mailbox as a literal. */
static struct str names_as_literals(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* LIST "))) {
        return changed(e, line, " INBOX\r\n", " {5}\r\nINBOX\r\n");
    }
    bool status = str_starts(line, STR("* STATUS "));
    return status ? changed(e, line, " INBOX (", " {5}\r\nINBOX (") : line;
}

static struct str another_inbox(struct engine *e, struct str line)
{
    bool meant = str_starts(line, STR("* LIST ")) || str_starts(line, STR("* STATUS "));
    return meant ? changed(e, line, " INBOX", " Inbox") : line;
}

/* What is there already, and more that nobody asked for. */
static struct str further_items(struct engine *e, struct str line)
{
    if (!line_has(line, " FETCH (") || !line_has(line, ")\r\n")) {
        return line;
    }
    return changed(e, line, ")\r\n", " X-LABELS (\\Inbox [a+b \"c\") X-SIZE {3}\r\nabc)\r\n");
}

static struct str spaces_at_the_end(struct engine *e, struct str line)
{
    bool meant = str_starts(line, STR("* ")) && line_has(line, ")\r\n");
    return meant ? changed(e, line, ")\r\n", ")  \r\n") : line;
}

/* The last first. */
static struct str descending(struct engine *e, struct str line)
{
    static struct str kept;
    if (line_has(line, " FETCH (") && line_has(line, ")\r\n") && !line_has(line, "}")) {
        kept = str_from(arena_printf(e->arena, "%.*s%.*s", STR_ARG(line), STR_ARG(kept)));
        return STR_EMPTY;
    }
    struct str all = str_from(arena_printf(e->arena, "%.*s%.*s", STR_ARG(kept), STR_ARG(line)));
    kept = STR_EMPTY;
    return all;
}

#define PLAIN "    disable: [QRESYNC, CONDSTORE]\n"
#define PLAINEST "    disable: [QRESYNC, CONDSTORE, LIST-STATUS]\n"

static const struct quirk QUIRKS[] = {
    /* Gmail */
    {"no text behind a code", .in = "* OK [", .from = "] Highest\r\n", .to = "]\r\n"},
    {"FETCH unasked", .from = "* OK [UIDNEXT", .to = "* 1 FETCH (FLAGS ())\r\n* OK [UIDNEXT"},
    {"FETCH told twice", .in = " FETCH (", .twist = told_twice},
    {"FETCH told twice, plain", .in = " FETCH (", .twist = told_twice, .account = PLAIN},
    {"labels and other items", .twist = further_items},
    {"LIST told twice", .in = "* LIST (", .twist = told_twice},
    {"attributes", .from = "* LIST (", .to = "* LIST (\\X-Odd \\Marked \"\\HasNoChildren\" "},
    {"\\Recent", .in = " FETCH (", .from = "FLAGS (", .to = "FLAGS (\\Recent "},
    /* Zoho, Yahoo, Dovecot: what they say of HIGHESTMODSEQ */
    {"MODSEQ -1", .twist = modseq_of_minus_one},
    {"CONDSTORE not announced", .twist = condstore_not_announced},
    {"NOMODSEQ", .from = "[HIGHESTMODSEQ", .to = "[NOMODSEQ]", .twist = another_code},
    {"HIGHESTMODSEQ 0", .from = "HIGHESTMODSEQ ", .to = "0", .twist = another_word},
    {"HIGHESTMODSEQ 1", .from = "HIGHESTMODSEQ ", .to = "1", .twist = another_word},
    {"no MODSEQ", .twist = no_modseq_in_fetch},
    /* Dovecot: UIDs that nobody knows, more than once */
    {"VANISHED of strangers", .from = "* OK [UIDNEXT",
     .to = "* VANISHED (EARLIER) 900:950\r\n* VANISHED (EARLIER) 900\r\n* OK [UIDNEXT"},
    {"Still here", .in = " EXISTS\r\n", .to = "* OK Still here\r\n", .twist = something_before},
    /* James */
    {"no CLOSED", .in = "* OK [CLOSED]"},
    {"empty VANISHED", .in = " EXISTS\r\n",
     .to = "* VANISHED (EARLIER)\r\n* VANISHED (EARLIER) \r\n* VANISHED\r\n",
     .twist = something_before},
    /* o2.pl, GreenMail, davmail */
    {"UID behind FLAGS", .twist = uid_behind_flags, .account = PLAIN},
    {"descending", .twist = descending},
    {"descending, plain", .twist = descending, .account = PLAIN},
    /* Courier, Cyrus, SurgeMail, InterMail */
    {"FETCH of message 0", .twist = a_fetch_of_message_0},
    {"FETCH before EXISTS", .twist = a_fetch_before_exists},
    {"spaces in flags", .in = " FETCH (", .from = "FLAGS (", .to = "FLAGS ( "},
    {"spaces at the end", .twist = spaces_at_the_end},
    {"quoted flags", .in = " FETCH (", .from = "\\Seen", .to = "\"\\\\Seen\""},
    {"flags in small letters", .from = "\\Seen", .to = "\\seen"},
    /* Fastmail, iCloud, 163.com, Yandex, mail.ru, seznam.cz */
    {"a bracket in a keyword", .from = "[PERMANENTFLAGS (", .to = "[PERMANENTFLAGS ($a]b "},
    {"no ENABLED", .in = "* ENABLED"},
    {"STATUS ()", .twist = status_of_nothing},
    {"STATUS (), asked for", .twist = status_of_nothing, .account = PLAINEST},
    {"BYE again and again", .in = "* BYE",
     .to = "* BYE x\r\n* BYE x\r\n* BYE x\r\n* BYE x\r\n* BYE x\r\n", .twist = something_before},
    {"a size that is none", .from = "RFC822.SIZE ", .to = "9.3736e+03", .twist = another_word,
     .account = "    sync: {max_size: 1M}\n"},
    {"no delimiter", .in = "* LIST", .from = "\"/\"", .to = "NIL"},
    {"NAMESPACE NIL", .in = "* NAMESPACE", .from = "((\"\" \"/\"))", .to = "NIL"},
    /* Exchange, Domino */
    {"a bare continuation", .from = "+ Go ahead", .to = "+",
     .account = "    disable: [LITERAL+, LITERAL-]\n"},
    {"literals", .twist = names_as_literals},
    {"a day of none", .from = "INTERNALDATE \"", .to = "00-Jan-0000 00:00:00 +0000",
     .twist = another_string},
    {"a date of none", .from = "INTERNALDATE \"", .to = "yesterday", .twist = another_string},
    {"an empty date", .from = "INTERNALDATE \"", .to = "", .twist = another_string},
    /* Any */
    {"capabilities in small letters", .in = "CAPABILITY ", .twist = small_letters},
    {"LITERAL +", .in = "CAPABILITY ", .from = " LITERAL+", .to = " LITERAL +"},
    {"Inbox", .twist = another_inbox},
    {"no UIDNEXT", .in = "* OK [UIDNEXT"},
    {"no UIDNEXT, plain", .in = "* OK [UIDNEXT", .account = PLAINEST},
    {"UIDNEXT 0", .in = "UIDNEXT", .from = "UIDNEXT ", .to = "0", .twist = another_word},
    {"no STATUS", .in = "* STATUS"},
    {"no FLAGS", .in = "* FLAGS ("},
    {"no PERMANENTFLAGS", .in = "[PERMANENTFLAGS"},
    {"no READ-WRITE", .from = "[READ-WRITE] ", .to = ""},
    {"no APPENDUID", .from = "[APPENDUID", .to = "", .twist = another_code},
    {"APPENDUID 0", .from = "[APPENDUID", .to = "[APPENDUID 0 0]", .twist = another_code},
    {"what nobody asked for", .in = " EXISTS\r\n",
     .to =
         "* NO Nearly full\r\n* BAD Odd\r\n* OK [ALERT] x\r\n* SEARCH 1 2 3\r\n* X-FOO (a {1}\r\nb)"
         "\r\n* QUOTA \"\" (STORAGE 1 2)\r\n",
     .twist = something_before},
};

static const char *const BOXES[][2] = {{"INBOX", "m"}, {"Box", "a"}, {"Lists", "b"}};
#define BOXES_LEN (sizeof BOXES / sizeof BOXES[0])

static const char *named(struct engine *e, const char *prefix, const char *rest)
{
    return arena_printf(e->arena, "%s%s", prefix, rest);
}

/* Of each mailbox the UIDs and the numbers are others. */
static void fill(struct engine *e)
{
    for (size_t i = 0; i < BOXES_LEN; i++) {
        const char *box = BOXES[i][0];
        if (i > 0) {
            server_create(e, box);
        }
        for (size_t gone = 0; gone < i; gone++) {
            (void)server_append(e, box, "gone", "");
            server_expunge(e, box, "gone");
        }
        server_fill(e, box, BOXES[i][1], 6);
    }
}

static void change_both_sides(struct engine *e)
{
    for (size_t i = 0; i < BOXES_LEN; i++) {
        const char *box = BOXES[i][0];
        const char *prefix = BOXES[i][1];
        server_expunge(e, box, named(e, prefix, "2"));
        server_flags(e, box, named(e, prefix, "3"), "S");
        (void)server_append(e, box, named(e, prefix, "there"), "");
        local_add(e, box, named(e, prefix, "here"), "");
        local_remove(e, box, named(e, prefix, "4"));
        local_flags(e, box, named(e, prefix, "5"), "F");
    }
}

static void try_quirk(void)
{
    static const char view[] =
        "Box[a1 a3/S a5/F a6 ahere athere] INBOX[m1 m3/S m5/F m6 mhere mthere] "
        "Lists[b1 b3/S b5/F b6 bhere bthere]";
    struct engine e;
    engine_init(&e, quirk->account);
    fill(&e);
    e.twist = quirk->twist != NULL ? quirk->twist : replaced;
    for (int pass = 0; pass < 4; pass++) {
        if (pass == 1) {
            change_both_sides(&e);
        }
        if (engine_pass(&e, NULL) != 0) {
            engine_tell(&e);
            fail_msg("%s: %s", quirk->name, e.report.error.text);
        }
        engine_wait(&e, 61);
    }
    if (strcmp(local_view(&e), view) != 0 || strcmp(server_view(&e), view) != 0) {
        engine_tell(&e);
        fail_msg("%s: %s and %s", quirk->name, local_view(&e), server_view(&e));
    }
    if (e.twisted == 0) {
        fail_msg("%s: nothing was changed", quirk->name);
    }
    engine_free(&e);
}

static void law7_mail_goes_both_ways_whatever_the_server_does(void **state)
{
    for (size_t i = 0; i < sizeof QUIRKS / sizeof QUIRKS[0]; i++) {
        quirk = &QUIRKS[i];
        try_quirk();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_mail_goes_both_ways_whatever_the_server_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
