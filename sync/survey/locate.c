#include "survey/locate.h"

#include "imap/limits.h"
#include "store/message_digest.h"
#include "survey/listing.h"
#include "survey/remote.h"

/* A message on the server that may be one of the lost ones. */
struct candidate {
    uint32_t uid;
    uint64_t size;
    struct digest header, body;
    bool taken;
};
VEC_STRUCT(candidates, struct candidate);

struct look {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct candidates found;
    struct message_digester *digester;
    struct digest header, body; /* of the section read last */
};

static bool section_begin(void *self, const struct fetch_data *so_far,
                          const struct section *section, uint64_t size, struct error *err)
{
    struct look *look = self;
    message_digester_reset(look->digester);
    return true;
}

static bool section_piece(void *self, struct str data, struct error *err)
{
    struct look *look = self;
    message_digester_add(look->digester, data.ptr, data.len);
    return true;
}

static bool section_end(void *self, struct error *err)
{
    struct look *look = self;
    message_digester_finish(look->digester, &look->header, &look->body);
    return true;
}

static int take_candidate(struct look *look, const struct fetch_data *data, uint32_t first,
                          struct error *err)
{
    bool known;
    if (data->uid < first || !(data->have & FETCH_BODY_SECTION))
        return 0;
    int r = pass_knows_uid(look->pass, look->pair, data->uid, &known, err);
    if (r < 0 || known)
        return r;
    struct candidate *c = vec_add(&look->found);
    c->uid = data->uid;
    c->size = data->size;
    c->header = look->header;
    return 0;
}

static int fetch_sections(struct look *look, const struct seqset *uids, enum section_part part,
                          uint32_t first, struct candidate *only, struct error *err)
{
    const struct section section = {.part = part};
    const struct fetch_sink sink = {section_begin, section_piece, section_end, look};
    struct fetch_request request = {.items = FETCH_UID | FETCH_SIZE | FETCH_BODY_SECTION,
                                    .section = &section};
    struct client_fetch fetch;
    struct fetch_data data;
    int r = client_fetch_begin(look->pass->client, &fetch, uids, &request, &sink, look->pass->arena,
                               err);
    if (r < 0)
        return r;
    while ((r = client_fetch_next(look->pass->client, &fetch, &data, err)) > 0) {
        if (only == NULL)
            r = take_candidate(look, &data, first, err);
        else if (data.uid == only->uid && (data.have & FETCH_BODY_SECTION)) {
            only->header = look->header;
            only->body = look->body;
            r = 0;
        }
        if (r < 0)
            break;
    }
    return client_fetch_close(look->pass->client, &fetch, r, err);
}

static int fetch_whole(struct look *look, struct candidate *c, struct error *err)
{
    AUTO_SEQSET struct seqset one = {0};
    seqset_add(&one, c->uid);
    return fetch_sections(look, &one, SECTION_WHOLE, c->uid, c, err);
}

static void claim(struct lost_append *lost, struct candidate *c)
{
    lost->uid = c->uid;
    c->taken = true;
}

static void match_by_header_and_size(struct look *look, struct lost_append *lost, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        VEC_FOREACH (struct candidate, c, &look->found) {
            const struct index_message *m = &lost[i].intent.message;
            if (!c->taken && c->size == m->wire_size && digest_eq(&c->header, &m->header_digest)) {
                claim(&lost[i], c);
                break;
            }
        }
    }
}

/* Sizes and header sections are not told alike by every server: what agrees in one of the two is
 * looked at whole. */
static int match_by_content(struct look *look, struct lost_append *lost, size_t len,
                            struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        const struct index_message *m = &lost[i].intent.message;
        for (size_t k = 0; k < look->found.len && lost[i].uid == 0; k++) {
            struct candidate *c = &look->found.items[k];
            bool likely = c->size == m->wire_size || digest_eq(&c->header, &m->header_digest);
            if (c->taken || !likely)
                continue;
            int r = fetch_whole(look, c, err);
            if (r < 0)
                return r;
            if (digest_eq(&c->header, &m->header_digest) && digest_eq(&c->body, &m->body_digest))
                claim(&lost[i], c);
        }
    }
    return 0;
}

/* With an end, where the server tells one: some answer `*` wrongly. */
static int select_and_fetch(struct look *look, uint32_t first, struct error *err)
{
    AUTO_SEQSET struct seqset range = {0};
    struct select_data now;
    uint32_t last = SEQ_STAR;
    int r = remote_select_anew(look->pass, look->pair, look->pair->record.uidvalidity, &now, err);
    if (r < 0)
        return r;
    if (now.uidnext != 0 && now.uidnext < SEQ_STAR - LISTING_ROOM)
        last = (now.uidnext > first ? now.uidnext : first) + LISTING_ROOM - 1;
    seqset_add_range(&range, first, last);
    return fetch_sections(look, &range, SECTION_HEADER, first, NULL, err);
}

int locate_appended(struct pass *pass, struct mailbox_pair *pair, struct lost_append *lost,
                    size_t len, struct error *err)
{
    struct look look = {.pass = pass, .pair = pair, .digester = message_digester_new()};
    uint32_t first = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        uint32_t from = lost[i].intent.uidnext != 0 ? lost[i].intent.uidnext : 1;
        first = from < first ? from : first;
    }
    int r = select_and_fetch(&look, first, err);
    if (r == 0)
        match_by_header_and_size(&look, lost, len);
    if (r == 0)
        r = match_by_content(&look, lost, len, err);
    message_digester_free(&look.digester);
    vec_free(&look.found);
    return r;
}
