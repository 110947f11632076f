#include "cmd/imap_prompt.h"
#include "base/alloc.h"
#include "base/files.h"
#include "cmd/prompt_words.h"
#include "cmd/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 500

struct prompt {
    struct imap_session *session;
    const struct wake *wake;
    const char *text; /* "work> " */
    int terminal;     /* what is typed comes from it */
    EditLine *editor;
    History *history;
    struct arena *arena; /* of the names to complete */
    const char **mailboxes;
    size_t mailboxes_len;
    bool listed;
    mbstate_t decoding;
};

bool imap_prompt_exists(void)
{
    return true;
}

static struct prompt *prompt_of(EditLine *editor)
{
    void *self = NULL;
    (void)el_get(editor, EL_CLIENTDATA, &self);
    return self;
}

static char *prompt_text(EditLine *editor)
{
    /* The editor does not change it, though the type would let it. */
    return (char *)(uintptr_t)prompt_of(editor)->text;
}

/* ---- input ---- */

/*
 * An interrupt takes away what was typed before it: what could be read a moment ago may be gone
 * when it is read, so nothing but the poll may wait. Opened anew, for whoever shares the terminal
 * goes on to wait in its reads; where that is refused it is waited in ours.
 */
static int open_terminal(void)
{
    char path[64];
    int fd = -1;
    if (ttyname_r(STDIN_FILENO, path, sizeof path) == 0) {
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    return fd >= 0 ? fd : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

/* A byte of the terminal: 1, 0 at the end, -1 when the wake is signalled. */
static int read_byte(const struct prompt *p, char *out)
{
    struct pollfd fds[] = {{.fd = p->terminal, .events = POLLIN},
                           {.fd = p->wake->fd, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return -1;
        }
        if (wake_is_signalled(p->wake)) {
            errno = EINTR;
            return -1;
        }
        if (fds[0].revents == 0) {
            continue;
        }
        ssize_t got = read(p->terminal, out, 1);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
            return (int)got;
        }
    }
}

static int read_char(EditLine *editor, wchar_t *out)
{
    struct prompt *p = prompt_of(editor);
    char byte;
    int got;
    while ((got = read_byte(p, &byte)) > 0) {
        size_t len = mbrtowc(out, &byte, 1, &p->decoding);
        if (len == 1 || len == 0) {
            return 1;
        }
        if (len == (size_t)-1) {
            p->decoding = (mbstate_t){0};
        }
    }
    return got;
}

/* ---- completion ---- */

static void list_mailboxes(struct prompt *p)
{
    struct client *c = p->session->client;
    struct client_mailboxes mailboxes;
    struct error ignored = ERROR_INIT;
    p->listed = true;
    if (client_list(c, STR("*"), p->arena, &mailboxes, &ignored) < 0) {
        return;
    }
    p->mailboxes = arena_array(p->arena, mailboxes.len, sizeof *p->mailboxes);
    for (size_t i = 0; i < mailboxes.len; i++) {
        struct str name;
        (void)client_name_decode(c, p->arena, mailboxes.items[i].entry.name, &name);
        p->mailboxes[p->mailboxes_len++] = arena_printf(p->arena, "%.*s", STR_ARG(name));
    }
}

/* The candidates that begin with `begun`: how many, and what they have in common. */
struct completion {
    struct str begun;
    const char *common;
    size_t common_len, count;
};

static void offer(struct completion *c, const char *name)
{
    if (!str_starts(str_from(name), c->begun)) {
        return;
    }
    if (c->count++ == 0) {
        c->common = name;
        c->common_len = strlen(name);
    }
    while (strncmp(c->common, name, c->common_len) != 0) {
        c->common_len--;
    }
}

static void offer_all(struct prompt *p, struct completion *c, bool operations)
{
    if (operations) {
        for (const struct imap_op *const *family = imap_families; *family != NULL; family++) {
            for (const struct imap_op *op = *family; op->name != NULL; op++) {
                offer(c, op->name);
            }
        }
        return;
    }
    if (!p->listed) {
        list_mailboxes(p);
    }
    for (size_t i = 0; i < p->mailboxes_len; i++) {
        offer(c, p->mailboxes[i]);
    }
}

/* The first word is an operation, the others may be mailboxes. */
static unsigned char complete(EditLine *editor, int key)
{
    struct prompt *p = prompt_of(editor);
    const LineInfo *line = el_line(editor);
    struct str before = str_make(line->buffer, (size_t)(line->cursor - line->buffer));
    ptrdiff_t space = str_rfind(before, ' ');
    struct completion c = {.begun = str_from_offset(before, (size_t)(space + 1))};
    offer_all(p, &c, space < 0);
    if (c.count == 0 || (c.count > 1 && c.common_len == c.begun.len)) {
        return CC_REFRESH_BEEP;
    }
    AUTO_FREE char *rest = xasprintf("%.*s%s", (int)(c.common_len - c.begun.len),
                                     c.common + c.begun.len, c.count == 1 ? " " : "");
    return el_insertstr(editor, rest) < 0 ? CC_ERROR : CC_REFRESH;
}

/* ---- the loop ---- */

static bool is_quit(const char *word)
{
    return imap_word_is(word, "quit") || imap_word_is(word, "exit") || imap_word_is(word, "logout");
}

/* False to end. */
static bool run_line(struct prompt *p, const char *line, int *exit_out)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct prompt_words words;
    if (!prompt_words_split(arena, line, &words)) {
        printf("A quote does not end.\n");
        return true;
    }
    if (words.len == 0) {
        return true;
    }
    if (is_quit(words.items[0])) {
        return false;
    }
    if (imap_word_is(words.items[0], "help")) {
        imap_ops_print();
        return true;
    }
    const struct imap_op *op = imap_op_find(words.items[0]);
    if (op == NULL) {
        printf("There is no operation '%s'; help lists them.\n", words.items[0]);
        return true;
    }
    *exit_out = imap_op_run(p->session, op, words.items + 1, words.len - 1);
    (void)fflush(stdout);
    if (stop_is_for_good()) {
        return false;
    }
    stop_forget();
    return client_failure(p->session->client) == NULL;
}

static void loop(struct prompt *p, int *exit_out)
{
    for (;;) {
        int len = 0;
        const char *text = el_gets(p->editor, &len);
        if (text == NULL && stop_is_asked() && !stop_is_for_good()) {
            stop_forget();
            (void)putchar('\n');
            continue;
        }
        if (text == NULL || len <= 0) {
            (void)putchar('\n');
            return;
        }
        AUTO_FREE char *line = xstrndup(text, strcspn(text, "\n"));
        if (line[0] != '\0' && line[0] != ' ') {
            HistEvent event;
            (void)history(p->history, &event, H_ENTER, line);
        }
        if (!run_line(p, line, exit_out)) {
            return;
        }
    }
}

static void begin_history(struct prompt *p, const char *path)
{
    HistEvent event;
    p->history = history_init();
    (void)history(p->history, &event, H_SETSIZE, HISTORY_LINES);
    (void)history(p->history, &event, H_SETUNIQUE, 1);
    (void)history(p->history, &event, H_LOAD, path);
}

static void end_history(struct prompt *p, const char *path)
{
    HistEvent event;
    mode_t before = umask(077);
    (void)history(p->history, &event, H_SAVE, path);
    (void)umask(before);
    history_end(p->history);
}

int imap_prompt_run(struct imap_session *session, const struct wake *wake, const char *account,
                    const char *history_path)
{
    int exit_code = 0;
    AUTO_ARENA struct arena *arena = arena_new();
    struct prompt p = {.session = session, .wake = wake, .arena = arena};
    p.text = arena_printf(arena, "%s> ", account);
    p.terminal = open_terminal();
    (void)setlocale(LC_CTYPE, "");
    p.editor = el_init("maildird", stdin, stdout, stderr);
    if (p.editor == NULL) {
        fprintf(stderr, "maildird: the terminal cannot be used\n");
        file_close(&p.terminal);
        return 70;
    }
    begin_history(&p, history_path);
    (void)el_set(p.editor, EL_CLIENTDATA, &p);
    (void)el_set(p.editor, EL_PROMPT, prompt_text);
    (void)el_set(p.editor, EL_EDITOR, "emacs");
    (void)el_set(p.editor, EL_SIGNAL, 0);
    (void)el_set(p.editor, EL_HIST, history, p.history);
    (void)el_set(p.editor, EL_GETCFN, read_char);
    (void)el_wset(p.editor, EL_ADDFN, L"complete", L"complete the word", complete);
    (void)el_set(p.editor, EL_BIND, "^I", "complete", NULL);
    loop(&p, &exit_code);
    el_end(p.editor);
    end_history(&p, history_path);
    file_close(&p.terminal);
    return exit_code;
}
