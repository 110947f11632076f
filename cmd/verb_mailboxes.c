#include "base/alloc.h"
#include "imap/list.h"
#include "account/account.h"
#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include "cmd/stop.h"
#include <stdio.h>
#include <unistd.h>

static const char help[] =
    "What the server has and what is here, side by side, with the number of messages on each.\n"
    "--format mutt prints `mailboxes` lines for a muttrc: \"=\" stands for mutt's $folder, which\n"
    "is the account's Maildir; of several accounts the paths are given in full.\n";

struct listing {
    const struct config_account *account;
    struct mailbox_rows rows;
    struct error error;
};

/* ---- a table ---- */

#define WIDTH_MAX 60

/* Of a column of names, its heading among them. */
static size_t widest(size_t width, const char *text)
{
    size_t columns = columns_of(text);
    columns = columns < WIDTH_MAX ? columns : WIDTH_MAX;
    return columns > width ? columns : width;
}

static bool is_on_server(const struct mailbox_row *row)
{
    return row->remote_name.len > 0;
}

static bool can_be_opened(const struct mailbox_row *row)
{
    return (row->attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) == 0;
}

static bool is_counted(const struct mailbox_row *row)
{
    return row->remote_counted && can_be_opened(row);
}

static void add_count(struct buf *out, bool known, uint32_t count)
{
    if (known) {
        buf_addf(out, "  %8u", count);
    } else {
        buf_addf(out, "  %8s", "-");
    }
}

static const char *shown_path(const struct mailbox_row *row)
{
    return row->path == NULL ? "-" : row->path;
}

/* The state last: why a mailbox is left as it is takes a sentence. */
static void print_row(const struct mailbox_row *row, size_t name_width, size_t path_width)
{
    struct buf line = BUF_INIT(64 * 1024);
    AUTO_FREE char *name = xstrndup(row->name.ptr, row->name.len);
    buf_add_cstr(&line, "  ");
    columns_pad(&line, name, name_width);
    add_count(&line, is_counted(row), row->remote_messages);
    add_count(&line, row->path != NULL, row->local_messages);
    buf_add_cstr(&line, "  ");
    columns_pad(&line, shown_path(row), path_width);
    buf_addf(&line, "  %s", row->state);
    printf("%s\n", line.data);
    buf_free(&line);
}

static void print_table(const struct listing *listing)
{
    size_t name_width = widest(0, "MAILBOX");
    size_t path_width = widest(0, "FOLDER");
    for (size_t i = 0; i < listing->rows.len; i++) {
        const struct mailbox_row *row = &listing->rows.items[i];
        AUTO_FREE char *name = xstrndup(row->name.ptr, row->name.len);
        name_width = widest(name_width, name);
        path_width = widest(path_width, shown_path(row));
    }
    printf("%s, in %s\n", listing->account->name, listing->account->maildir.root);
    printf("  %-*s  %8s  %8s  %-*s  %s\n", (int)name_width, "MAILBOX", "SERVER", "HERE",
           (int)path_width, "FOLDER", "STATE");
    for (size_t i = 0; i < listing->rows.len; i++) {
        print_row(&listing->rows.items[i], name_width, path_width);
    }
}

/* ---- for mutt ---- */

static void print_mutt(const struct listing *listing, bool in_full)
{
    for (size_t i = 0; i < listing->rows.len; i++) {
        const struct mailbox_row *row = &listing->rows.items[i];
        struct buf path = BUF_INIT(64 * 1024);
        if (row->path == NULL || !can_be_opened(row)) {
            continue;
        }
        if (row->path[0] != '/') {
            buf_addf(&path, "%s%s", in_full ? listing->account->maildir.root : "=",
                     in_full ? "/" : "");
        }
        buf_add_cstr(&path, row->path);
        printf("mailboxes \"");
        for (const char *c = path.data; *c != '\0'; c++) {
            /* What mutt would expand inside of double quotes. */
            printf("%s%c", strchr("\"\\$`", *c) != NULL ? "\\" : "", *c);
        }
        printf("\"\n");
        buf_free(&path);
    }
}

/* ---- JSON ---- */

static json_t *attributes_json(uint32_t attributes)
{
    json_t *out = json_array();
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name =
            (attributes >> bit & 1) == 0 ? NULL : list_attribute_name(UINT32_C(1) << bit);
        if (name != NULL) {
            json_array_append_new(out, json_string(name));
        }
    }
    return out;
}

static json_t *row_json(const struct mailbox_row *row)
{
    json_t *remote_name = is_on_server(row) ? json_text_str(row->remote_name) : json_null();
    json_t *path = row->path == NULL ? json_null() : json_text(row->path);
    json_t *remote = is_counted(row) ? json_integer(row->remote_messages) : json_null();
    json_t *local = row->path == NULL ? json_null() : json_integer(row->local_messages);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "name", json_text_str(row->name),
                     "remote_name", remote_name, "path", path, "attributes",
                     attributes_json(row->attributes), "remote_messages", remote, "local_messages",
                     local, "state", row->state);
}

static json_t *listing_json(const struct listing *listing)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < listing->rows.len; i++) {
        json_array_append_new(rows, row_json(&listing->rows.items[i]));
    }
    json_t *error = json_null();
    if (error_is_set(&listing->error)) {
        error = json_pack("{s:i, s:o}", "code", exit_code_of(&listing->error), "text",
                          json_text(listing->error.text));
    }
    return json_pack("{s:s, s:o, s:o}", "name", listing->account->name, "error", error, "mailboxes",
                     rows);
}

/* ---- all accounts ---- */

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_MUTT };

static int list_all(const struct selection *selection, enum format format, const struct wake *wake)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const struct targets *targets = &selection->targets;
    json_t *accounts = json_array();
    int exit_code = 0;
    for (size_t i = 0; i < targets->len && !stop_is_asked(); i++) {
        struct listing listing = {.account = targets->items[i].account};
        if (account_mailboxes(selection->config, listing.account, &clock_system, wake, arena,
                              &listing.rows, &listing.error) < 0) {
            log_error(&(struct log_scope){listing.account->name, NULL}, "%s", listing.error.text);
            exit_code = exit_code_worse(exit_code, exit_code_of(&listing.error));
        }
        if (format == FORMAT_JSON) {
            json_array_append_new(accounts, listing_json(&listing));
        } else if (!error_is_set(&listing.error) && format == FORMAT_MUTT) {
            print_mutt(&listing, targets->len > 1);
        } else if (!error_is_set(&listing.error)) {
            print_table(&listing);
        }
    }
    json_t *document = json_pack("{s:o}", "accounts", accounts);
    if (format == FORMAT_JSON) {
        json_print(&document);
    }
    json_decref(document); /* of NULL: nothing */
    return stop_is_asked() ? exit_code_worse(exit_code, EXIT_INTERRUPTED) : exit_code;
}

static int list_words(const struct invocation *invocation, const struct arguments *words,
                      enum format format)
{
    int exit_code = 0;
    struct error err = ERROR_INIT;
    struct selection selection;
    const struct wake *wake;
    if (!selection_open(invocation, words, &selection, &exit_code)) {
        return exit_code;
    }
    if (stop_on_signals(&wake, &err) < 0) {
        exit_code = command_failed(&err);
    } else {
        exit_code = list_all(&selection, format, wake);
    }
    selection_close(&selection);
    return exit_code;
}

static int mailboxes_main(struct invocation *invocation)
{
    bool json = false;
    const char *format = NULL;
    const struct option options[] = {
        {0, "json", NULL, "one JSON document on standard output", &json, NULL, NULL},
        {0, "format", "mutt", "lines for a muttrc", NULL, &format, NULL},
    };
    struct arguments arguments;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (format != NULL && strcmp(format, "mutt") != 0) {
        exit_code = usage_error(invocation->verb, "unknown format '%s'; there is: mutt", format);
    } else if (format != NULL && json) {
        exit_code = usage_error(invocation->verb, "--json and --format exclude each other");
    } else {
        enum format other = format != NULL ? FORMAT_MUTT : FORMAT_TABLE;
        exit_code = list_words(invocation, &arguments, json ? FORMAT_JSON : other);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_mailboxes = {
    .name = "mailboxes",
    .arguments = "[ACCOUNT…]",
    .summary = "the mailboxes of the server and those here, side by side",
    .run = mailboxes_main,
};
