#include "store/index.h"
#include "store/index_txn.h"
#include <assert.h>

int index_intent_put(struct index_txn *txn, struct index_intent *intent, struct error *err)
{
    assert(txn->writing && intent->message.mailbox != 0);
    if (intent->id == 0) {
        int rc = index_next_number(txn, INDEX_NEXT_INTENT, &intent->id, err);
        if (rc < 0) {
            return rc;
        }
    }
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_intent(&record, intent);
    struct index_key key = index_key_u64(intent->id);
    return index_put(txn, INDEX_DB_INTENT, index_key_str(&key), &record, err);
}

bool index_intent_expunges(const struct index_intent *intent)
{
    bool by_server = intent->kind == INTENT_COPY || intent->kind == INTENT_MOVE;
    return intent->kind == INTENT_EXPUNGE || (by_server && intent->message.uid != 0);
}

int index_intent_delete(struct index_txn *txn, uint64_t id, struct error *err)
{
    struct index_key key = index_key_u64(id);
    return index_delete(txn, INDEX_DB_INTENT, index_key_str(&key), err);
}

int index_intent_next(struct index_txn *txn, struct arena *arena, uint64_t *cursor,
                      struct index_intent *out, struct error *err)
{
    if (*cursor == UINT64_MAX) {
        return 0;
    }
    struct index_key key = index_key_u64(*cursor + 1);
    struct str at = index_key_str(&key);
    struct str value;
    int rc = index_seek(txn, INDEX_DB_INTENT, &at, &value, err);
    if (rc <= 0) {
        return rc;
    }
    uint32_t *keywords = arena_array(arena, INDEX_KEYWORDS_MAX, sizeof *keywords);
    if (!index_decode_intent(value, keywords, out)) {
        return index_damaged(txn->index->path, "the record of an intent", err);
    }
    out->id = *cursor = index_key_to_u64(at);
    out->message.base = arena_str(arena, out->message.base);
    out->message.email_id = arena_str(arena, out->message.email_id);
    return 1;
}

int index_intent_delete_mailbox(struct index_txn *txn, uint32_t mailbox, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_intent intent;
    uint64_t cursor = 0;
    int rc;
    while ((rc = index_intent_next(txn, arena, &cursor, &intent, err)) == 1) {
        if (intent.message.mailbox == mailbox) {
            rc = index_intent_delete(txn, intent.id, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return rc;
}
