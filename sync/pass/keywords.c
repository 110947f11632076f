#include "pass/keywords.h"

#include "store/maildir_keywords.h"
#include "reconcile/flags.h"

struct keyword_id {
    uint32_t id;
};

static struct str fold(struct arena *arena, struct str name)
{
    char *lower = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return str_make(lower, name.len);
}

static void remember(struct pass *pass, struct str name, uint32_t id)
{
    struct keyword_id *entry = arena_alloc(pass->arena, sizeof *entry);
    entry->id = id;
    strmap_put(pass->keyword_ids, fold(pass->arena, name), entry);
    while (pass->keyword_names.len <= id)
        vec_push(&pass->keyword_names, STR_EMPTY);
    pass->keyword_names.items[id] = arena_str(pass->arena, name);
}

static struct str name_of(const struct pass *pass, uint32_t id)
{
    return id < pass->keyword_names.len ? pass->keyword_names.items[id] : STR_EMPTY;
}

int keywords_load(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    struct str name;
    uint32_t id = 1;
    while ((r = index_keyword_name(txn, pass->arena, id, &name, err)) == 0)
        remember(pass, name, id++);
    if (err->code != ERR_NOT_FOUND)
        return r;
    error_clear(err);
    return 0;
}

static int assign(struct pass *pass, struct str name, uint32_t *id_out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(pass->index, &txn, err);
    if (r < 0 || (r = index_keyword_id(txn, name, id_out, err)) < 0 ||
        (r = index_commit(&txn, err)) < 0)
        return r;
    remember(pass, name, *id_out);
    return 0;
}

static int lookup(struct pass *pass, struct str name, uint32_t *id_out, struct error *err)
{
    char folded[256];
    *id_out = 0;
    if (name.len >= sizeof folded)
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    const struct keyword_id *known = strmap_get(pass->keyword_ids, str_make(folded, name.len));
    if (known != NULL) {
        *id_out = known->id;
        return 0;
    }
    return pass->options->dry_run ? 0 : assign(pass, name, id_out, err);
}

static void insert_sorted(uint32_t *ids, uint8_t *len, uint32_t id)
{
    size_t at = *len;
    while (at > 0 && ids[at - 1] > id)
        at--;
    if (at > 0 && ids[at - 1] == id)
        return;
    memmove(&ids[at + 1], &ids[at], (*len - at) * sizeof *ids);
    ids[at] = id;
    (*len)++;
}

/* $Forwarded is a flag here; what begins with a backslash is the server's own affair. */
static bool is_none_of_ours(struct str name)
{
    return flags_is_forwarded(name) || name.len == 0 || name.ptr[0] == '\\';
}

/* Very many messages have few different lists of keywords. */
static const uint32_t *keep_set(struct pass *pass, const uint32_t *ids, size_t len)
{
    struct str bytes = str_make((const char *)ids, len * sizeof *ids);
    uint32_t *kept = len > 0 ? strmap_get(pass->keyword_sets, bytes) : NULL;
    if (len == 0 || kept != NULL)
        return kept;
    kept = arena_array(pass->arena, len, sizeof *kept);
    memcpy(kept, ids, len * sizeof *kept);
    strmap_put(pass->keyword_sets, bytes, kept);
    return kept;
}

int keywords_index_flags(struct pass *pass, const struct imap_flags *flags, struct index_flags *out,
                         struct error *err)
{
    *out = (struct index_flags){.system = flags_system_from_imap(flags)};
    if (flags->keywords_len == 0)
        return 0;
    size_t most = flags->keywords_len < UINT8_MAX ? flags->keywords_len : UINT8_MAX;
    uint32_t ids[UINT8_MAX];
    for (size_t i = 0; i < most; i++) {
        uint32_t id;
        if (is_none_of_ours(flags->keywords[i]))
            continue;
        int r = lookup(pass, flags->keywords[i], &id, err);
        if (r < 0)
            return r;
        if (id != 0)
            insert_sorted(ids, &out->keywords_len, id);
    }
    out->keywords = keep_set(pass, ids, out->keywords_len);
    return 0;
}

void keywords_imap_flags(const struct pass *pass, const struct mailbox_pair *pair,
                         const struct index_flags *flags, struct arena *arena,
                         struct imap_flags *out)
{
    struct imap_flags system;
    flags_to_imap(flags->system & pair->remote.storable, arena, &system);
    *out = (struct imap_flags){.system = system.system};
    out->keywords =
        arena_array(arena, system.keywords_len + flags->keywords_len + 1, sizeof *out->keywords);
    for (size_t i = 0; i < system.keywords_len; i++)
        out->keywords[out->keywords_len++] = system.keywords[i];
    for (size_t i = 0; i < flags->keywords_len; i++) {
        struct str name = name_of(pass, flags->keywords[i]);
        if (flags_keyword_is_storable(&pair->remote, flags->keywords[i]) &&
            flags_keyword_is_valid(name))
            out->keywords[out->keywords_len++] = name;
    }
}

/* ---- facts: "NUMBER NUMBER …" under a key of the mailbox ---- */

static const char *fact_key(struct arena *arena, const char *what, const struct mailbox_pair *pair)
{
    return arena_printf(arena, "%s %u", what, pair->record.id);
}

/* ---- letters ---- */

#define LETTERS_FACT "letters"
#define REFUSED_FACT "refused keywords"

uint32_t keywords_letters_in(struct str letters)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < letters.len && letters.ptr[i] != ','; i++) {
        if (letters.ptr[i] >= 'a' && letters.ptr[i] <= 'z')
            bits |= 1u << (letters.ptr[i] - 'a');
    }
    return bits;
}

static int take_table(struct pass *pass, struct mailbox_pair *pair,
                      const struct maildir_keywords *table, struct error *err)
{
    struct keyword_letters *letters = &pair->letters;
    int r = 0;
    letters->known = true;
    for (unsigned i = 0; i < MAILDIR_KEYWORDS && r == 0; i++) {
        letters->ids[i] = 0;
        if (table->names[i].len > 0)
            letters->taken |= 1u << i;
        if (!is_none_of_ours(table->names[i]))
            r = lookup(pass, table->names[i], &letters->ids[i], err);
    }
    return r;
}

int keywords_read_letters(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct maildir_keywords table;
    struct str fact, word, letter;
    int r = maildir_keywords_read(pass->maildir, pair->record.path.ptr, arena, &table, err);
    pair->letters = (struct keyword_letters){0};
    if (r == 0)
        r = take_table(pass, pair, &table, err);
    if (r == 0 && pair->record.id != 0)
        r = pass_fact_get(pass, fact_key(pass->arena, LETTERS_FACT, pair), &fact, err);
    while (r == 0 && pair->record.id != 0 && str_split(&fact, ' ', &word)) {
        uint32_t at, id;
        if (str_split(&word, '=', &letter) && str_to_u32(letter, &at) && str_to_u32(word, &id) &&
            at < MAILDIR_KEYWORDS && id != 0 && pair->letters.ids[at] == id)
            pair->letters.complete |= 1u << at;
    }
    return r;
}

struct index_flags keywords_of_file(struct pass *pass, const struct mailbox_pair *pair,
                                    const struct maildir_name *name)
{
    struct index_flags out = flags_of_letters(&pair->letters, name->letters, pass->arena);
    out.system = name->flags;
    return out;
}

static uint32_t meaningful(const struct keyword_letters *letters)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++)
        bits |= letters->ids[i] != 0 ? 1u << i : 0;
    return bits;
}

static bool note_letters_of(void *self, const struct maildir_file *file)
{
    struct mailbox_pair *pair = self;
    pair->letters.taken |= keywords_letters_in(file->parsed.letters);
    return false;
}

/* Letters that files carry though nothing says what they stand for are not given to anything. */
static int note_letters_in_use(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    const struct maildir_filter filter = {NULL, note_letters_of, pair};
    struct maildir_snapshot nothing = {0};
    int r = maildir_scan_filtered(pass->maildir, pair->record.path.ptr, &filter, &nothing, err);
    maildir_snapshot_free(&nothing);
    return r;
}

/* Which of the letters stand for keywords that a recorded file has. */
static int find_carried(struct pass *pass, const struct mailbox_pair *pair, uint32_t *out,
                        struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message m;
    r = index_cursor_open(txn, pair->record.id, 1, &cursor, err);
    *out = 0;
    while (r >= 0 && (r = index_cursor_next(cursor, &m, err)) > 0) {
        for (size_t i = 0; i < m.flags.keywords_len && m.base.len > 0; i++) {
            int letter = flags_letter_of(&pair->letters, m.flags.keywords[i]);
            *out |= letter >= 0 ? 1u << letter : 0;
        }
    }
    return r;
}

static int add_letters(struct pass *pass, struct mailbox_pair *pair, const struct str *names,
                       size_t len, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct maildir_keywords table;
    uint32_t before = meaningful(&pair->letters), carried = 0;
    int r = pair->local.scanned ? 0 : note_letters_in_use(pass, pair, err);
    uint32_t avoid = pair->letters.taken;
    if (r == 0)
        r = pass_local_change(pass, err);
    if (r == 0)
        r = maildir_keywords_add(pass->maildir, pair->record.path.ptr, names, len, avoid, arena,
                                 &table, err);
    if (r == 0)
        r = take_table(pass, pair, &table, err);
    if (r == 0)
        r = find_carried(pass, pair, &carried, err);
    for (unsigned i = 0; i < MAILDIR_KEYWORDS && r == 0; i++) {
        uint32_t bit = 1u << i;
        if (pair->letters.ids[i] != 0 && !(before & bit) && !(carried & bit) && !(avoid & bit))
            pair->letters.given |= bit;
    }
    return r;
}

int keywords_give_letters(struct pass *pass, struct mailbox_pair *pair,
                          const struct index_flags *flags, size_t len, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct strmap *wanted = strmap_new();
    VEC(struct str) names = {0};
    int r = 0;
    bool doubted = false;
    if (pair->letters.put_off)
        len = 0;
    for (size_t i = 0; i < len && r == 0; i++) {
        for (size_t k = 0; k < flags[i].keywords_len && r == 0; k++) {
            struct str name = name_of(pass, flags[i].keywords[k]);
            if (!pair->letters.known)
                r = keywords_read_letters(pass, pair, err);
            int letter = flags_letter_of(&pair->letters, flags[i].keywords[k]);
            doubted = doubted || (letter >= 0 && !(pair->letters.complete & (1u << letter)));
            if (letter < 0 && strmap_put(wanted, fold(arena, name), pass) == NULL)
                vec_push(&names, name);
        }
    }
    bool room = pair->letters.taken != (1u << MAILDIR_KEYWORDS) - 1;
    if (r == 0 && names.len > 0 && room)
        r = add_letters(pass, pair, names.items, names.len, err);
    /* A pass that was broken off may have left the table in place, and not yet on the disk. */
    if (r == 0 && doubted)
        r = maildir_keywords_sync(pass->maildir, pair->record.path.ptr, err);
    strmap_free(&wanted);
    vec_free(&names);
    pair->letters.put_off = pair->letters.put_off || r < 0;
    if (r < 0 && err->code == ERR_LOCKED) {
        struct log_scope scope = pass_log_scope(pass, pair);
        log_info(&scope, "keywords get their letters later: %s", err->text);
        error_clear(err);
        r = 0;
    }
    return r;
}

static uint32_t letters_of_keywords(const struct mailbox_pair *pair,
                                    const struct index_flags *flags)
{
    uint32_t bits = 0;
    for (size_t i = 0; flags != NULL && i < flags->keywords_len; i++) {
        int letter = flags_letter_of(&pair->letters, flags->keywords[i]);
        bits |= letter >= 0 ? 1u << letter : 0;
    }
    return bits;
}

struct str keywords_letters(const struct mailbox_pair *pair, struct str letters,
                            const struct index_flags *add, const struct index_flags *remove,
                            struct arena *arena)
{
    uint32_t bits = keywords_letters_in(letters);
    uint32_t goal = (bits & ~letters_of_keywords(pair, remove)) | letters_of_keywords(pair, add);
    if (goal == bits)
        return letters;
    char *out = arena_alloc(arena, letters.len + MAILDIR_KEYWORDS + 1);
    size_t len = 0, at = 0;
    for (; at < letters.len && letters.ptr[at] != ','; at++) {
        if (letters.ptr[at] < 'a' || letters.ptr[at] > 'z')
            out[len++] = letters.ptr[at];
    }
    for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
        if (goal & (1u << i))
            out[len++] = (char)('a' + i);
    }
    memcpy(out + len, letters.ptr + at, letters.len - at);
    return str_make(out, len + letters.len - at);
}

int keywords_letters_elsewhere(struct pass *pass, struct mailbox_pair *from,
                               struct mailbox_pair *to, struct str letters,
                               const struct index_flags *flags, struct str *out, struct error *err)
{
    uint32_t carried = keywords_letters_in(letters);
    *out = letters;
    if (carried == 0 && flags->keywords_len == 0)
        return 0;
    int r = from->letters.known ? 0 : keywords_read_letters(pass, from, err);
    if (r == 0 && !to->letters.known)
        r = keywords_read_letters(pass, to, err);
    if (r == 0)
        r = keywords_give_letters(pass, to, flags, 1, err);
    if (r < 0)
        return r;
    uint32_t kept = carried & ~meaningful(&from->letters) & ~meaningful(&to->letters);
    char *bare = arena_alloc(pass->arena, letters.len + 1);
    size_t len = 0;
    bool rest = false;
    for (size_t i = 0; i < letters.len; i++) {
        char c = letters.ptr[i];
        rest = rest || c == ',';
        if (rest || c < 'a' || c > 'z' || (kept & (1u << (c - 'a'))))
            bare[len++] = c;
    }
    *out = keywords_letters(to, str_make(bare, len), flags, NULL, pass->arena);
    return 0;
}

int keywords_store_letters(struct pass *pass, struct index_txn *txn, struct mailbox_pair *pair,
                           struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(4096);
    const struct keyword_letters *letters = &pair->letters;
    bool all = pair->local.scanned && !pair->local_blocked && !error_is_set(&pair->error);
    uint32_t complete = letters->complete | letters->given | (all ? letters->seen : 0);
    if (!letters->known || complete == letters->complete)
        return 0;
    for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
        if (letters->ids[i] != 0 && (complete & (1u << i)))
            buf_addf(&text, "%u=%u ", i, letters->ids[i]);
    }
    return index_fact_put(txn, fact_key(pass->arena, LETTERS_FACT, pair), buf_str(&text), err);
}

/* ---- what the server keeps ---- */

static int read_refused(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    struct str fact, word;
    int r = pair->record.id != 0
                ? pass_fact_get(pass, fact_key(pass->arena, REFUSED_FACT, pair), &fact, err)
                : 0;
    if (r < 0 || pair->record.id == 0 || fact.len == 0)
        return r;
    uint32_t *ids = arena_array(pass->arena, UINT8_MAX, sizeof *ids);
    struct index_flags *refused = &pair->remote.refused_keywords;
    while (str_split(&fact, ' ', &word)) {
        uint32_t id;
        if (str_to_u32(word, &id) && refused->keywords_len < UINT8_MAX)
            insert_sorted(ids, &refused->keywords_len, id);
    }
    refused->keywords = ids;
    return 0;
}

int keywords_learn_storable(struct pass *pass, struct mailbox_pair *pair,
                            const struct select_data *data, struct error *err)
{
    struct remote_delta *delta = &pair->remote;
    delta->storable = flags_storable(data);
    delta->keeps_any_keyword =
        !data->read_only &&
        (!data->has_permanent_flags || (data->permanent_flags.system & FLAG_WILDCARD) != 0);
    delta->storable_keywords = delta->refused_keywords = (struct index_flags){0};
    int r = 0;
    if (data->has_permanent_flags && !data->read_only)
        r = keywords_index_flags(pass, &data->permanent_flags, &delta->storable_keywords, err);
    return r < 0 || pass->options->full ? r : read_refused(pass, pair, err);
}

int keywords_note_refused(struct pass *pass, struct mailbox_pair *pair,
                          const struct index_flags *refused, struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(64 * 1024);
    const char *key = fact_key(pass->arena, REFUSED_FACT, pair);
    struct str known;
    struct log_scope scope = pass_log_scope(pass, pair);
    int r = pass_fact_get(pass, key, &known, err);
    buf_add_str(&text, known);
    for (size_t i = 0; i < refused->keywords_len; i++) {
        log_warning(&scope, "the server does not store the keyword %.*s here; it is kept here only",
                    STR_ARG(name_of(pass, refused->keywords[i])));
        buf_addf(&text, "%u ", refused->keywords[i]);
    }
    return r < 0 ? r : pass_fact_put(pass, key, buf_str(&text), err);
}
