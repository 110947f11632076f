#include "imap/list.h"
#include "pass/broken.h"
#include "pass/connect.h"
#include "pass/state.h"
#include "survey/local.h"
#include "survey/remote.h"
#include "survey/survey.h"
#include "account/account.h"

/* `maildird mailboxes`: what both sides and the index have, without changing any of them. */

static const char *state_word(const struct mailbox_pair *pair)
{
    switch (pair->action) {
    case PAIR_SYNC:
        return pair->record.id != 0 ? "synced" : "new on both sides";
    case PAIR_CREATE_LOCAL:
        return "new on the server";
    case PAIR_CREATE_REMOTE:
        return "new here";
    case PAIR_LEAVE:
    case PAIR_REFUSE:
        break;
    }
    return pair->why;
}

/* What a pass would not ask about, or not yet: what is left out, what is new. */
static bool is_untold(const struct mailbox_pair *pair)
{
    return pair->remote_exists && !pair->has_status;
}

static struct mailbox_row row_of(struct pass *pass, const struct mailbox_pair *pair)
{
    return (struct mailbox_row){
        .name = pair->record.utf8,
        .remote_name = pair->remote_exists ? pair->record.name : STR_EMPTY,
        .path = pair->local_exists ? pair->record.path.ptr : NULL,
        .attributes = pair->attributes,
        .remote_counted = pair->remote_exists && pair->has_status,
        .remote_messages = pair->status_messages,
        .local_messages = pair->local_exists ? local_count(pass, pair) : 0,
        .state = state_word(pair),
    };
}

int account_mailboxes(const struct config *config, const struct config_account *account,
                      const struct clock *clock, const struct wake *wake, struct arena *arena,
                      struct mailbox_rows *out, struct error *err)
{
    const struct pass_options options = {.dry_run = true, .clock = clock, .wake = wake};
    struct report report = {.account = account->name};
    struct pass *pass = pass_new(config, account, &options, &report);
    struct dialer *dialer = dialer_new(account, clock, NULL);
    struct connection *connection = NULL;
    int r = state_open(pass, err);
    if (r == 0)
        r = connection_open(dialer, wake, &connection, err);
    if (r == 0) {
        pass->client = connection_client(connection);
        r = broken_apply(pass, err);
    }
    if (r == 0)
        r = survey_mailboxes(pass, err);
    if (r == 0)
        r = remote_status_of_pairs(pass, is_untold, err);
    if (r == 0) {
        out->items = arena_array(arena, pass->pairs.len + 1, sizeof *out->items);
        VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
            struct mailbox_row row = row_of(pass, pair);
            row.name = arena_str(arena, row.name);
            row.remote_name = arena_str(arena, row.remote_name);
            row.path = row.path != NULL ? arena_strdup(arena, row.path) : NULL;
            out->items[out->len++] = row;
        }
    }
    if (connection != NULL)
        connection_close(&connection);
    dialer_free(&dialer);
    pass_free(&pass);
    return r;
}
