#include "base/alloc.h"
#include "base/files.h"
#include "imap/list.h"
#include "pass/connect.h"
#include "cmd/columns.h"
#include "cmd/init.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Mailboxes that are told one by one. */
#define SHOWN_MAX 40
#define NAME_WIDTH 40
#define YAML_BYTES_MAX (64 * 1024)

/* ---- what is there ---- */

static void add_size(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    uint64_t tenths = bytes * 10;
    while (tenths >= 10240 && unit + 1 < sizeof units / sizeof *units) {
        tenths /= 1024;
        unit++;
    }
    if (unit == 0) {
        buf_addf(out, "%" PRIu64 " B", bytes);
    } else {
        buf_addf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
    }
}

static void print_line(const char *name, uint64_t messages, uint64_t size, bool has_size)
{
    AUTO_BUF struct buf line = BUF_INIT(4096);
    columns_pad(&line, name, NAME_WIDTH);
    buf_addf(&line, " %8" PRIu64 " message%s", messages, messages == 1 ? "" : "s");
    if (has_size) {
        buf_add_cstr(&line, messages == 1 ? "    " : "   ");
        add_size(&line, size);
    }
    printf("  %s\n", line.data);
}

static int read_status(struct client *client, struct client_mailbox *m, unsigned items,
                       struct arena *arena, struct error *err)
{
    bool selectable = (m->entry.attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) == 0;
    if (!selectable || m->status.have != 0) {
        return 0;
    }
    int r = client_status(client, m->entry.name, items, arena, &m->status, err);
    if (r < 0 && err->scope <= SCOPE_MAILBOX) {
        error_clear(err);
        r = 0;
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    const struct client_mailbox *x = a, *y = b;
    bool inbox = str_eq_nocase(x->entry.name, STR("INBOX"));
    if (inbox != str_eq_nocase(y->entry.name, STR("INBOX"))) {
        return inbox ? -1 : 1;
    }
    return str_cmp(x->entry.name, y->entry.name);
}

static int show_mailboxes(struct client *client, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct client_mailboxes list;
    bool sizes = client_has(client, CAP_STATUS_SIZE) || client_has(client, CAP_IMAP4REV2);
    unsigned items = STATUS_MESSAGES | (sizes ? STATUS_SIZE : 0u);
    uint64_t messages = 0, size = 0;
    int r = client_has(client, CAP_LIST_STATUS)
                ? client_list_status(client, STR("*"), items, arena, &list, err)
                : client_list_special(client, STR("*"), arena, &list, err);
    if (r == 0 && list.len > 0) {
        qsort(list.items, list.len, sizeof *list.items, by_name);
    }
    for (size_t i = 0; r == 0 && i < list.len; i++) {
        struct client_mailbox *m = &list.items[i];
        struct str name;
        r = read_status(client, m, items, arena, err);
        if (r < 0 || m->status.have == 0) {
            continue;
        }
        (void)client_name_decode(client, arena, m->entry.name, &name);
        messages += m->status.messages;
        size += m->status.size;
        if (i < SHOWN_MAX) {
            print_line(arena_str(arena, name).ptr, m->status.messages, m->status.size, sizes);
        }
    }
    if (r == 0) {
        if (list.len > SHOWN_MAX) {
            printf("  and %zu more\n", list.len - SHOWN_MAX);
        }
        print_line("in all", messages, size, sizes);
    }
    return r;
}

/* ---- the connection ---- */

static void tell_problem(void *self, const char *file, unsigned line, const char *text)
{
    struct error *first = self;
    if (first->code == ERR_NONE) {
        (void)error_set(first, ERR_CONFIG, SCOPE_ACCOUNT, "%s", text);
    }
}

static int load(const struct setup *setup, const char *path, struct config **out, struct error *err)
{
    AUTO_BUF struct buf yaml = BUF_INIT(YAML_BYTES_MAX);
    AUTO_FREE char *beside = xasprintf("%s.try", path);
    struct error problem = ERROR_INIT;
    const struct config_problems problems = {tell_problem, &problem};
    setup_yaml(setup, &yaml);
    int r = file_replace(beside, buf_str(&yaml), 0600, err);
    if (r == 0) {
        r = config_load(beside, &problems, out, err);
    }
    if (r < 0 && problem.code != ERR_NONE) {
        *err = problem;
    }
    (void)unlink(beside);
    return r < 0 ? -(int)err->code : 0;
}

/* Where in the file something stands says nothing when the file is gone. */
static void cut_place(const char *path, struct error *err)
{
    AUTO_FREE char *place = xasprintf(" (%s.try:", path);
    char *at = strstr(err->text, place);
    if (at != NULL) {
        *at = '\0';
    }
}

int setup_try(const struct setup *setup, const char *path, const struct wake *wake, bool show,
              struct error *err)
{
    struct config *config = NULL;
    struct connection *connection = NULL;
    int r = load(setup, path, &config, err);
    if (r < 0) {
        return r;
    }
    const struct config_account *account = &config->accounts[0];
    struct dialer *dialer = dialer_new(account, &clock_system, NULL);
    printf("Trying %s, port %u …\n", account->host, account->port);
    (void)fflush(stdout);
    r = connection_open(dialer, wake, &connection, err);
    if (r == 0) {
        printf("It works.\n");
        if (show) {
            r = show_mailboxes(connection_client(connection), err);
        }
        connection_close(&connection);
    }
    if (r < 0) {
        cut_place(path, err);
    }
    dialer_free(&dialer);
    config_free(&config);
    return r;
}
