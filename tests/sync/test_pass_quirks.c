#include "sync/engine.h"

/* What real servers do, told by changing what ours says: with each, mail goes both ways, and
 * nothing is lost or doubled. */

static bool has(struct str line, const char *words)
{
    return memmem(line.ptr, line.len, words, strlen(words)) != NULL;
}

/* The line with `from` made `to`, once. */
static struct str changed(struct engine *e, struct str line, const char *from, const char *to)
{
    const char *at = memmem(line.ptr, line.len, from, strlen(from));
    if (at == NULL) {
        return line;
    }
    size_t before = (size_t)(at - line.ptr);
    struct str rest = str_from_offset(line, before + strlen(from));
    return str_from(arena_printf(e->arena, "%.*s%s%.*s", (int)before, line.ptr, to, STR_ARG(rest)));
}

/* Gmail: no text behind the code. */
static struct str no_text_behind_a_code(struct engine *e, struct str line)
{
    return changed(e, line, "] Highest\r\n", "]\r\n");
}

/* Zoho. */
static struct str modseq_of_minus_one(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* LIST"))) {
        return line;
    }
    return has(line, "HIGHESTMODSEQ") ? changed(e, line, "HIGHESTMODSEQ ", "HIGHESTMODSEQ -")
                                      : line;
}

/* o2.pl, GreenMail, davmail: FLAGS before UID. */
static struct str uid_behind_flags(struct engine *e, struct str line)
{
    struct str rest = line;
    struct str words[5];
    if (!str_starts(line, STR("* ")) || !has(line, " FETCH (UID ") || !has(line, "FLAGS ())")) {
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
    if (!has(line, " EXISTS\r\n")) {
        return line;
    }
    return str_from(arena_printf(e->arena, "%.*s* 0 FETCH (FLAGS (\\Seen))\r\n", STR_ARG(line)));
}

/* Dovecot: UIDs that nobody knows, more than once. */
static struct str vanished_of_strangers(struct engine *e, struct str line)
{
    return changed(e, line, "* OK [UIDNEXT",
                   "* VANISHED (EARLIER) 900:950\r\n* VANISHED (EARLIER) 900\r\n* OK [UIDNEXT");
}

/* Gmail and Fastmail: FETCH told unasked, without a UID and with it. */
static struct str flags_told_unasked(struct engine *e, struct str line)
{
    return changed(e, line, "* OK [UIDNEXT", "* 1 FETCH (FLAGS ())\r\n* OK [UIDNEXT");
}

/* No UIDNEXT at SELECT. */
static struct str no_uidnext(struct engine *e, struct str line)
{
    return str_starts(line, STR("* OK [UIDNEXT")) ? STR_EMPTY : line;
}

/* iCloud: ENABLE answered without ENABLED. */
static struct str no_enabled(struct engine *e, struct str line)
{
    return str_starts(line, STR("* ENABLED")) ? STR_EMPTY : line;
}

/* LIST-STATUS that leaves mailboxes out. */
static struct str no_status(struct engine *e, struct str line)
{
    return str_starts(line, STR("* STATUS")) ? STR_EMPTY : line;
}

/* SurgeMail: spaces too many. */
static struct str spaces_in_flags(struct engine *e, struct str line)
{
    return has(line, " FETCH (") ? changed(e, line, "FLAGS (", "FLAGS ( ") : line;
}

/* Fastmail: a bracket in a keyword. */
static struct str a_bracket_in_a_keyword(struct engine *e, struct str line)
{
    return changed(e, line, "[PERMANENTFLAGS (", "[PERMANENTFLAGS ($a]b ");
}

static const struct {
    const char *name;
    struct str (*twist)(struct engine *, struct str);
    const char *account;
} QUIRKS[] = {
    {"no text behind a code", no_text_behind_a_code, NULL},
    {"MODSEQ -1", modseq_of_minus_one, NULL},
    {"UID behind FLAGS", uid_behind_flags, "    disable: [QRESYNC, CONDSTORE]\n"},
    {"FETCH of message 0", a_fetch_of_message_0, NULL},
    {"VANISHED of strangers", vanished_of_strangers, NULL},
    {"FETCH unasked", flags_told_unasked, NULL},
    {"no UIDNEXT", no_uidnext, NULL},
    {"no UIDNEXT, plain", no_uidnext, "    disable: [QRESYNC, CONDSTORE, LIST-STATUS]\n"},
    {"no ENABLED", no_enabled, NULL},
    {"no STATUS", no_status, NULL},
    {"spaces in flags", spaces_in_flags, NULL},
    {"a bracket in a keyword", a_bracket_in_a_keyword, NULL},
};

static void law7_mail_goes_both_ways_whatever_the_server_does(void **state)
{
    for (size_t i = 0; i < sizeof QUIRKS / sizeof QUIRKS[0]; i++) {
        struct engine e;
        engine_init(&e, QUIRKS[i].account);
        server_fill(&e, "INBOX", "m", 6);
        e.twist = QUIRKS[i].twist;
        for (int pass = 0; pass < 4; pass++) {
            if (pass == 1) {
                server_expunge(&e, "INBOX", "m2");
                server_flags(&e, "INBOX", "m3", "S");
                (void)server_append(&e, "INBOX", "there", "");
                local_add(&e, "INBOX", "here", "");
                local_remove(&e, "INBOX", "m4");
                local_flags(&e, "INBOX", "m5", "F");
            }
            if (engine_pass(&e, NULL) != 0) {
                engine_tell(&e);
                fail_msg("%s: %s", QUIRKS[i].name, e.report.error.text);
            }
            engine_wait(&e, 61);
        }
        const char *view = "INBOX[here m1 m3/S m5/F m6 there]";
        if (strcmp(local_view(&e), view) != 0 || strcmp(server_view(&e), view) != 0) {
            engine_tell(&e);
            fail_msg("%s: %s and %s", QUIRKS[i].name, local_view(&e), server_view(&e));
        }
        assert_true(e.twisted > 0);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_mail_goes_both_ways_whatever_the_server_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
