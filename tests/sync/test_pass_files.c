#include "base/files.h"
#include "sync/engine.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What other programs leave in a Maildir beside mail, and mail that is odd: what is no mail stays
 * where it is and stops nothing, mail is sent. */

enum kind { TEXT, DIRECTORY, PIPE, LINK };

static const struct odd {
    const char *name;
    enum kind kind;
    const char *path;    /* in INBOX */
    const char *content; /* of TEXT; of LINK where to */
    unsigned sent;       /* messages */
    int ends;            /* 1: held */
} ODD[] = {
    {"an empty file", TEXT, "new/empty", "", 0, 1},
    {"a message without a header", TEXT, "new/bare", "\nwords\n", 1, 0},
    {"a message without an end of line", TEXT, "new/open", "Subject: x\n\nwords", 1, 0},
    {"a message of a header alone", TEXT, "cur/head:2,", "Subject: x\n", 1, 0},
    {"a line end alone", TEXT, "new/line", "\n", 1, 0},
    {"no info in cur", TEXT, "cur/noinfo", "Subject: x\n\nwords\n", 1, 0},
    {"another kind of info", TEXT, "cur/other:1,S", "Subject: x\n\nwords\n", 1, 0},
    {"info in new", TEXT, "new/info:2,S", "Subject: x\n\nwords\n", 1, 0},
    {"unknown letters", TEXT, "cur/letters:2,SZa", "Subject: x\n\nwords\n", 1, 0},
    {"tags of other tools", TEXT, "cur/1.2.host,U=7,FMD5=abc:2,S", "Subject: x\n\nwords\n", 1, 0},
    {"a name with a dot", TEXT, "cur/.nfs0001", "Subject: x\n\nwords\n", 0, 0},
    {"a directory", DIRECTORY, "cur/sub", NULL, 0, 0},
    {"a pipe", PIPE, "new/pipe", NULL, 0, 0},
    {"a link to a file", LINK, "new/link", "/etc/passwd", 0, 0},
    {"a link to nowhere", LINK, "cur/dangling:2,", "nowhere", 0, 0},
    {"files of Dovecot", TEXT, "dovecot-uidlist", "3 V1 N1\n", 0, 0},
    {"a file of mbsync", TEXT, ".mbsyncstate", "FarUidValidity 1\n", 0, 0},
};

static void make(struct engine *e, const struct odd *odd)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    const char *path = arena_printf(e->arena, "%s/INBOX/%s", e->root, odd->path);
    switch (odd->kind) {
    case TEXT:
        assert_int_equal(file_open(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600, &fd, &err), 0);
        assert_int_equal(file_write(fd, odd->content, strlen(odd->content), path, &err), 0);
        break;
    case DIRECTORY:
        assert_int_equal(file_mkdir(AT_FDCWD, path, 0700, &err), 0);
        break;
    case PIPE:
        assert_int_equal(mkfifo(path, 0600), 0);
        break;
    case LINK:
        assert_int_equal(symlink(odd->content, path), 0);
        break;
    }
}

static bool count_one(void *self, const struct backend_message *message, struct str body)
{
    unsigned *count = self;
    *count += 1;
    return true;
}

/* Whatever they are. */
static unsigned messages_there(struct engine *e)
{
    struct error err = ERROR_INIT;
    unsigned count = 0;
    assert_int_equal(
        mem_backend_each(e->env.backend, LOCKSTEP_USER, "INBOX", count_one, &count, &err), 0);
    return count;
}

static void law8_what_is_no_mail_stops_nothing(void **state)
{
    for (size_t i = 0; i < sizeof ODD / sizeof ODD[0]; i++) {
        const struct odd *odd = &ODD[i];
        struct engine e;
        struct stat found;
        engine_init(&e, NULL);
        server_fill(&e, "INBOX", "m", 2);
        engine_pass_ends(&e, 0);
        make(&e, odd);
        local_add(&e, "INBOX", "here", "");
        int ends = 0;
        for (int pass = 0; pass < 3; pass++) {
            ends = engine_pass(&e, NULL);
            engine_wait(&e, 61);
        }
        unsigned there = messages_there(&e);
        if (ends != odd->ends || there != 3 + odd->sent) {
            fail_msg("%s: ended with %d (%s), %u messages on the server", odd->name, ends,
                     e.report.error.text, there);
        }
        const char *path = arena_printf(e.arena, "%s/INBOX/%s", e.root, odd->path);
        assert_true(odd->sent > 0 || lstat(path, &found) == 0);
        engine_free(&e);
    }
}

/* ---- what mail programs do to a message that is in step ---- */

static const struct habit {
    const char *name;
    const char *from, *to; /* in INBOX; of m1, a message that was read, and has an F */
    bool stays;            /* the old name too */
    const char *view;      /* of both sides */
} HABITS[] = {
    {"neomutt makes it new again", "cur/%s:2,FS", "new/%s", false, "INBOX[m1 m2]"},
    {"without info", "cur/%s:2,FS", "cur/%s", false, "INBOX[m1 m2]"},
    {"letters in another order", "cur/%s:2,FS", "cur/%s:2,SF", false, "INBOX[m1/FS m2]"},
    {"a letter twice", "cur/%s:2,FS", "cur/%s:2,FFS", false, "INBOX[m1/FS m2]"},
    {"T alone, as maildir_trash", "cur/%s:2,FS", "cur/%s:2,FST", false, "INBOX[m1/FST m2]"},
    {"another name, as mu4e gives", "cur/%s:2,FS", "cur/1.another:2,FS", false, "INBOX[m1/FS m2]"},
    {"another name and new", "cur/%s:2,FS", "new/1.another", false, "INBOX[m1 m2]"},
    {"a hard link of another name", "cur/%s:2,FS", "cur/1.another:2,S", true,
     "INBOX[m1/FS m1/S m2]"},
    {"the same name twice", "cur/%s:2,FS", "cur/%s:2,R", true, "INBOX[m1/FS m2]"},
    {"and in new", "cur/%s:2,FS", "new/%s", true, "INBOX[m1/FS m2]"},
};

static const char *path_in_inbox(struct engine *e, const char *words, const char *base)
{
    const char *at = strstr(words, "%s");
    if (at == NULL) {
        return arena_printf(e->arena, "%s/INBOX/%s", e->root, words);
    }
    return arena_printf(e->arena, "%s/INBOX/%.*s%s%s", e->root, (int)(at - words), words, base,
                        at + 2);
}

static const char *base_of_only(struct engine *e)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(maildir_scan(e->maildir, "INBOX", &snapshot, &err), 0);
    assert_int_equal(snapshot.files.len, 1);
    const char *base = arena_str(e->arena, snapshot.files.items[0].parsed.base).ptr;
    maildir_snapshot_free(&snapshot);
    return base;
}

static void law8_habits_of_mail_programs_are_understood(void **state)
{
    for (size_t i = 0; i < sizeof HABITS / sizeof HABITS[0]; i++) {
        const struct habit *h = &HABITS[i];
        struct engine e;
        engine_init(&e, NULL);
        (void)server_append(&e, "INBOX", "m1", "FS");
        engine_pass_ends(&e, 0);
        const char *base = base_of_only(&e);
        (void)server_append(&e, "INBOX", "m2", "");
        engine_pass_ends(&e, 0);
        const char *from = path_in_inbox(&e, h->from, base);
        const char *to = path_in_inbox(&e, h->to, base);
        assert_int_equal(h->stays ? link(from, to) : rename(from, to), 0);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        if (strcmp(local_view(&e), h->view) != 0 || strcmp(server_view(&e), h->view) != 0) {
            fail_msg("%s: %s and %s", h->name, local_view(&e), server_view(&e));
        }
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law8_what_is_no_mail_stops_nothing),
        cmocka_unit_test(law8_habits_of_mail_programs_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
