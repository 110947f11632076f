#include "survey/gone.h"

#include "imap/list.h"

static int is_listed(struct pass *pass, struct str name, bool *out, struct error *err)
{
    struct client_mailboxes list = {0};
    /* A name that would be a pattern finds more than itself; only itself counts. */
    int r = client_list(pass->client, name, pass->arena, &list, err);
    *out = false;
    for (size_t i = 0; i < list.len && r == 0; i++) {
        const struct list_entry *entry = &list.items[i].entry;
        bool real = !(entry->attributes & (LIST_NOSELECT | LIST_NONEXISTENT));
        *out = *out || (real && str_eq(entry->name, name));
    }
    return r;
}

/* NOPERM and the like: it is there, but not for us. */
static int is_out_of_view(struct pass *pass, struct str name, bool *out, struct error *err)
{
    struct status_data status;
    struct error told = ERROR_INIT;
    int r = client_status(pass->client, name, STATUS_MESSAGES, pass->arena, &status, &told);
    if (r < 0 && told.scope > SCOPE_MAILBOX) {
        *err = told;
        return r;
    }
    *out = r == 0 ||
           (told.response_code[0] != '\0' && strcmp(told.response_code, "NONEXISTENT") != 0 &&
            strcmp(told.response_code, "TRYCREATE") != 0);
    return 0;
}

int gone_for_good(struct pass *pass, struct str name, bool *out, struct error *err)
{
    bool there = false;
    bool hidden = false;
    int r = is_listed(pass, name, &there, err);
    if (r == 0 && !there)
        r = is_out_of_view(pass, name, &hidden, err);
    if (r == 0 && !there && !hidden)
        r = is_listed(pass, name, &there, err);
    *out = r == 0 && !there && !hidden;
    return r;
}
