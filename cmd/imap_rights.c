/* Operations on rights, quotas and metadata. */
#include "client/cmd_acl.h"
#include "client/cmd_metadata.h"
#include "client/cmd_quota.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"

/* ---- ACL ---- */

static int get_acl(struct imap_call *call, struct str mailbox, struct error *err)
{
    struct acl acl;
    int r = client_getacl(call->client, mailbox, call->arena, &acl, err);
    if (r == 0) {
        acl.mailbox = str_from(call->words[0]);
        call->result = json_acl(&acl);
    }
    return r;
}

static int set_acl(struct imap_call *call, struct str mailbox, struct error *err)
{
    struct acl_set set = {.mailbox = mailbox, .identifier = str_from(call->words[2])};
    if (!acl_change_parse(str_from(call->words[3]), &set)) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "'%s' are no rights", call->words[3]);
    }
    return client_setacl(call->client, &set, err);
}

static int delete_acl(struct imap_call *call, struct str mailbox, struct error *err)
{
    return client_deleteacl(call->client, mailbox, str_from(call->words[2]), err);
}

static int list_rights(struct imap_call *call, struct str mailbox, struct error *err)
{
    struct acl_list_rights rights;
    int r = client_listrights(call->client, mailbox, str_from(call->words[2]), call->arena, &rights,
                              err);
    if (r == 0) {
        rights.mailbox = str_from(call->words[0]);
        call->result = json_list_rights(&rights);
    }
    return r;
}

static int my_rights(struct imap_call *call, struct str mailbox, struct error *err)
{
    struct acl_my_rights rights;
    int r = client_myrights(call->client, mailbox, call->arena, &rights, err);
    if (r == 0) {
        rights.mailbox = str_from(call->words[0]);
        call->result = json_my_rights(&rights);
    }
    return r;
}

static int run_acl(struct imap_call *call, struct error *err)
{
    static const struct {
        const char *word;
        size_t len; /* of the whole */
        int (*run)(struct imap_call *call, struct str mailbox, struct error *err);
    } rows[] = {
        {"get", 2, get_acl},        {"set", 4, set_acl},    {"delete", 3, delete_acl},
        {"rights", 3, list_rights}, {"mine", 2, my_rights},
    };
    struct str mailbox = imap_mailbox(call, call->words[0]);
    if (call->len == 1) {
        return get_acl(call, mailbox, err);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (imap_word_is(call->words[1], rows[i].word) && call->len == rows[i].len) {
            return rows[i].run(call, mailbox, err);
        }
    }
    return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "usage: acl %s", call->op->arguments);
}

/* ---- QUOTA ---- */

static json_t *quotas_json(const struct quota *quotas, size_t len)
{
    json_t *out = json_array();
    for (size_t i = 0; i < len; i++) {
        json_array_append_new(out, json_quota(&quotas[i]));
    }
    return out;
}

static int run_quota(struct imap_call *call, struct error *err)
{
    struct client_quotas quotas;
    const char *mailbox = call->len > 0 ? call->words[0] : "INBOX";
    int r =
        client_getquotaroot(call->client, imap_mailbox(call, mailbox), call->arena, &quotas, err);
    if (r == 0) {
        call->result = json_pack("{s:s, s:o, s:o}", "mailbox", mailbox, "roots",
                                 json_strings(&quotas.root.roots), "quotas",
                                 quotas_json(quotas.items, quotas.len));
    }
    return r;
}

static int run_getquota(struct imap_call *call, struct error *err)
{
    struct quota quota;
    int r = client_getquota(call->client, str_from(call->words[0]), call->arena, &quota, err);
    if (r == 0) {
        call->result = json_quota(&quota);
    }
    return r;
}

static int run_setquota(struct imap_call *call, struct error *err)
{
    struct quota wanted = {.root = str_from(call->words[0])}, told;
    if (call->len % 2 == 0) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "each resource needs a limit");
    }
    wanted.items = arena_array(call->arena, call->len / 2, sizeof *wanted.items);
    for (size_t i = 1; i < call->len; i += 2) {
        struct quota_resource *resource = &wanted.items[wanted.len++];
        resource->name = str_from(call->words[i]);
        if (imap_number(call->words[i + 1], &resource->limit, err) < 0) {
            return -(int)err->code;
        }
    }
    int r = client_setquota(call->client, &wanted, call->arena, &told, err);
    if (r == 0 && told.len > 0) {
        call->result = json_quota(&told);
    }
    return r;
}

/* ---- METADATA ---- */

static int read_metadata_word(const struct imap_call *call, size_t *at, struct metadata_get *get,
                              struct error *err)
{
    static const struct {
        const char *word;
        enum metadata_depth depth;
    } depths[] = {
        {"0", METADATA_DEPTH_0}, {"1", METADATA_DEPTH_1}, {"infinity", METADATA_DEPTH_INFINITY}};
    const char *word = call->words[*at];
    const char *value = *at + 1 < call->len ? call->words[*at + 1] : "";
    uint64_t number;
    if (word[0] == '/') {
        str_list_add(call->arena, &get->names, str_from(word));
        return 0;
    }
    ++*at;
    if (imap_word_is(word, "maxsize") && str_to_u64(str_from(value), &number) &&
        number <= UINT32_MAX) {
        get->has_max_size = true;
        get->max_size = (uint32_t)number;
        return 0;
    }
    for (size_t i = 0; imap_word_is(word, "depth") && i < 3; i++) {
        if (imap_word_is(value, depths[i].word)) {
            get->depth = depths[i].depth;
            return 0;
        }
    }
    return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "usage: getmetadata %s", call->op->arguments);
}

static int run_getmetadata(struct imap_call *call, struct error *err)
{
    struct metadata_get get = {.mailbox = imap_mailbox(call, call->words[0])};
    struct client_metadata h;
    for (size_t at = 1; at < call->len; at++) {
        if (read_metadata_word(call, &at, &get, err) < 0) {
            return -(int)err->code;
        }
    }
    if (get.names.len == 0) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "which entry? They begin with /");
    }
    int r = client_getmetadata(call->client, &h, &get, call->arena, err);
    if (r == 0) {
        h.metadata.mailbox = str_from(call->words[0]);
        call->result = json_metadata(&h.metadata, SIZE_MAX);
        if (h.longest_left_out > 0) {
            json_object_set_new(call->result, "longest_left_out", json_u64(h.longest_left_out));
        }
    }
    return r;
}

static int run_setmetadata(struct imap_call *call, struct error *err)
{
    struct metadata metadata = {.mailbox = imap_mailbox(call, call->words[0])};
    if (call->len % 2 == 0) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "each entry needs a value");
    }
    metadata.items = arena_array(call->arena, call->len / 2, sizeof *metadata.items);
    for (size_t i = 1; i < call->len; i += 2) {
        const char *value = call->words[i + 1];
        metadata.items[metadata.len++] = (struct metadata_entry){
            str_from(call->words[i]),
            imap_word_is(value, "nil") ? (struct str){NULL, 0} : str_from(value)};
    }
    return client_setmetadata(call->client, &metadata, err);
}

const struct imap_op imap_rights_ops[] = {
    {"acl", "MAILBOX [get | set WHO RIGHTS | delete WHO | rights WHO | mine]",
     "who may do what; RIGHTS as lrs, +lr or -x", 1, 4, run_acl},
    {"quota", "[MAILBOX]", "what is used and allowed where the mailbox counts", 0, 1, run_quota},
    {"getquota", "ROOT", "the same of a quota root", 1, 1, run_getquota},
    {"setquota", "ROOT [RESOURCE LIMIT]…", "limits, e.g. STORAGE 1024 (in KiB)", 1, IMAP_WORDS_ANY,
     run_setquota},
    {"getmetadata", "MAILBOX ENTRY… [maxsize N] [depth 0|1|infinity]",
     "annotations, e.g. /private/comment; the mailbox \"\" is the server", 2, IMAP_WORDS_ANY,
     run_getmetadata},
    {"setmetadata", "MAILBOX ENTRY VALUE [ENTRY VALUE]…", "set them; nil removes", 3,
     IMAP_WORDS_ANY, run_setmetadata},
    {0},
};
