#include "pass/view.h"

#define FACT "view"
#define VIEW_BYTES_MAX (1 << 20)

/* Each with its length, so that no two configurations read alike. */
static void add(struct buf *out, const char *text)
{
    text = text != NULL ? text : "";
    buf_addf(out, "%zu:%s,", strlen(text), text);
}

static void add_strings(struct buf *out, const struct config_strings *strings)
{
    buf_addf(out, "[%zu]", strings->len);
    for (size_t i = 0; i < strings->len; i++)
        add(out, strings->items[i]);
}

static void add_pairs(struct buf *out, const struct config_pairs *pairs)
{
    buf_addf(out, "[%zu]", pairs->len);
    for (size_t i = 0; i < pairs->len; i++) {
        add(out, pairs->items[i].key);
        add(out, pairs->items[i].value);
    }
}

/* As 32 hexadecimal digits. */
static void describe(const struct config_account *account, char out[33])
{
    AUTO_BUF struct buf text = BUF_INIT(VIEW_BYTES_MAX);
    add(&text, account->host);
    add(&text, account->tunnel);
    add(&text, account->user);
    add(&text, account->authzid);
    add(&text, account->namespace_prefix);
    add(&text, account->maildir.root);
    add(&text, account->maildir.separator);
    add(&text, account->maildir.inbox);
    buf_addf(&text, "%d,%d,", account->maildir.layout, account->subscribed_only);
    add_strings(&text, &account->patterns);
    add_pairs(&text, &account->rename);
    add_pairs(&text, &account->special);
    struct digester *digester = digester_new();
    digester_add(digester, text.data, text.len);
    struct digest digest = digester_finish(digester);
    digester_free(&digester);
    digest_to_hex(&digest, out);
}

int view_has_changed(struct pass *pass, bool *out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    char now[33];
    struct str before = STR_EMPTY;
    describe(pass->account, now);
    int r = index_begin_read(pass->index, &txn, err);
    if (r == 0)
        r = index_fact_get(txn, pass->arena, FACT, &before, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        r = 0;
    }
    *out = !str_eq(before, str_from(now));
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

int view_store(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    char now[33];
    describe(pass->account, now);
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_fact_put(txn, FACT, str_from(now), err);
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
