#include "survey/contents.h"

#include "store/message_digest.h"
#include "survey/remote.h"

#include <stdio.h>

/* Messages of one FETCH, and FETCHes in flight: enough to hide the round trip. */
#define SLICE_MESSAGES 512
#define SLICES_IN_FLIGHT 4
/* A FETCH of so many scattered UIDs still fits a command line. */
#define SLICE_BYTES 7000

/* ---- from the server ---- */

/* A header that came before the rest of its message was read out of the connection. */
struct header_seen {
    uint32_t seq;
    struct digest header;
    uint64_t left_out_bytes;
};

struct slice {
    struct arena *arena;
    struct client_fetch fetch;
    struct fetch_sink sink;
    struct message_digester *digester;
    VEC(struct header_seen) seen; /* from `taken` on */
    size_t taken;
};

static bool header_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                         uint64_t size, struct error *err)
{
    struct slice *slice = self;
    struct header_seen *seen = vec_add(&slice->seen);
    seen->seq = so_far->seq;
    message_digester_reset(slice->digester);
    return true;
}

static bool header_piece(void *self, struct str data, struct error *err)
{
    struct slice *slice = self;
    message_digester_add(slice->digester, data.ptr, data.len);
    return true;
}

static bool header_end(void *self, struct error *err)
{
    struct slice *slice = self;
    struct header_seen *seen = &slice->seen.items[slice->seen.len - 1];
    struct digest body;
    seen->left_out_bytes = message_digester_traits(slice->digester).left_out_bytes;
    message_digester_finish(slice->digester, &seen->header, &body);
    return true;
}

/* Headers of responses that were not told are passed over. NULL: none came for this one. */
static const struct header_seen *take_header(struct slice *slice, uint32_t seq)
{
    for (size_t i = slice->taken; i < slice->seen.len; i++) {
        if (slice->seen.items[i].seq == seq) {
            slice->taken = i + 1;
            return &slice->seen.items[i];
        }
    }
    return NULL;
}

struct str contents_email_id(struct arena *arena, const struct fetch_data *data)
{
    if ((data->have & FETCH_EMAILID) && data->email_id.len > 0)
        return arena_str(arena, data->email_id);
    if ((data->have & FETCH_GM_MSGID) && data->gm_msgid != 0)
        return str_from(arena_printf(arena, "%llu", (unsigned long long)data->gm_msgid));
    return STR_EMPTY;
}

unsigned contents_email_id_item(const struct client *client)
{
    if (client_has(client, CAP_OBJECTID))
        return FETCH_EMAILID;
    return client_has(client, CAP_X_GM_EXT_1) ? FETCH_GM_MSGID : 0;
}

static int slice_begin(struct pass *pass, struct slice *slice, struct seqset *left,
                       struct error *err)
{
    static const struct section header = {.part = SECTION_HEADER};
    AUTO_SEQSET struct seqset uids = {0};
    AUTO_SEQSET struct seqset some = {0};
    uint32_t uid = 0;
    for (size_t i = 0; i < SLICE_MESSAGES && seqset_next(left, &uid); i++)
        seqset_add(&some, uid);
    seqset_take(&some, SLICE_BYTES, &uids);
    for (size_t i = 0; i < uids.len; i++)
        seqset_remove_range(left, uids.items[i].first, uids.items[i].last);
    struct fetch_request request = {
        .items = FETCH_UID | FETCH_SIZE | FETCH_INTERNALDATE | FETCH_BODY_SECTION |
                 contents_email_id_item(pass->client),
        .section = &header,
    };
    *slice = (struct slice){.arena = arena_new(),
                            .digester = message_digester_new(),
                            .sink = {header_begin, header_piece, header_end, slice}};
    return client_fetch_begin(pass->client, &slice->fetch, &uids, &request, &slice->sink,
                              slice->arena, err);
}

static void slice_free(struct slice *slice)
{
    vec_free(&slice->seen);
    message_digester_free(&slice->digester);
    arena_free(&slice->arena);
}

static void take_content(struct slice *slice, const struct fetch_data *data, struct arena *arena,
                         struct remote_contents *out)
{
    const struct header_seen *seen = take_header(slice, data->seq);
    if (seen == NULL || data->uid == 0 || data->body_is_nil ||
        (data->have & (FETCH_SIZE | FETCH_BODY_SECTION)) != (FETCH_SIZE | FETCH_BODY_SECTION))
        return;
    struct remote_content *c = vec_add(out);
    *c = (struct remote_content){.uid = data->uid,
                                 .size = data->size,
                                 .left_out_bytes = seen->left_out_bytes,
                                 .internal_date_s = data->internal_date.unix_s,
                                 .header = seen->header,
                                 .email_id = contents_email_id(arena, data)};
}

static int slice_end(struct pass *pass, struct slice *slice, struct arena *arena,
                     struct remote_contents *out, struct error *err)
{
    struct fetch_data data;
    int r;
    while ((r = client_fetch_next(pass->client, &slice->fetch, &data, err)) > 0)
        take_content(slice, &data, arena, out);
    return client_fetch_close(pass->client, &slice->fetch, r, err);
}

static int by_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct remote_content *)a)->uid;
    uint32_t y = ((const struct remote_content *)b)->uid;
    return x < y ? -1 : x > y;
}

int contents_fetch(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                   struct arena *arena, struct remote_contents *out, struct error *err)
{
    struct slice slices[SLICES_IN_FLIGHT];
    size_t oldest = 0, in_flight = 0;
    AUTO_SEQSET struct seqset left = {0};
    seqset_add_set(&left, uids);
    uint64_t total = seqset_count(uids);
    int r = seqset_is_empty(&left) ? 0 : remote_select(pass, pair, pair->remote.uidvalidity, err);
    while (r == 0 && (in_flight > 0 || !seqset_is_empty(&left))) {
        struct slice *slice = &slices[oldest];
        if (in_flight < SLICES_IN_FLIGHT && !seqset_is_empty(&left)) {
            slice = &slices[(oldest + in_flight++) % SLICES_IN_FLIGHT];
            if ((r = slice_begin(pass, slice, &left, err)) < 0) {
                slice_free(slice);
                in_flight--;
            }
            continue;
        }
        r = slice_end(pass, slice, arena, out, err);
        slice_free(slice);
        oldest = (oldest + 1) % SLICES_IN_FLIGHT;
        in_flight--;
        pass_progress(pass, PROGRESS_SURVEY, pair, out->len, total);
    }
    for (; in_flight > 0; in_flight--) {
        struct error ignored = ERROR_INIT;
        client_fetch_end(pass->client, &slices[oldest].fetch, &ignored);
        client_fetch_free(&slices[oldest].fetch);
        slice_free(&slices[oldest]);
        oldest = (oldest + 1) % SLICES_IN_FLIGHT;
    }
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, by_uid);
    return r;
}

/* ---- from files ---- */

static int read_stored(struct maildir_message *message, struct local_content *out,
                       struct error *err)
{
    *out = (struct local_content){.wire_size = maildir_message_stored_size(message),
                                  .mtime_s = maildir_message_mtime_s(message)};
    return maildir_message_stored_digests(message, &out->header, &out->body, err);
}

static int read_wire(struct maildir_message *message, struct local_content *out)
{
    struct maildir_message_traits traits = maildir_message_traits(message);
    *out = (struct local_content){.wire_size = maildir_message_wire_size(message),
                                  .left_out_bytes = traits.left_out_bytes,
                                  .lines = traits.lines,
                                  .mtime_s = maildir_message_mtime_s(message),
                                  .from_sync_tool = traits.from_sync_tool};
    maildir_message_digests(message, &out->header, &out->body);
    return 0;
}

int contents_read(struct pass *pass, const struct mailbox_pair *pair,
                  const struct maildir_file *file, bool stored, struct local_content *out,
                  struct error *err)
{
    struct maildir_message *message = NULL;
    int r = maildir_message_open(pass->maildir, pair->record.path.ptr, file, &message, err);
    if (r < 0)
        return r;
    r = stored ? read_stored(message, out, err) : read_wire(message, out);
    maildir_message_free(&message);
    return r;
}

int contents_read_renamed(struct file_finder *finder, const struct maildir_file *seen, bool stored,
                          struct local_content *out, struct error *err)
{
    const struct maildir_file *now;
    int r = contents_read(finder->pass, finder->pair, seen, stored, out, err);
    if (r == 0 || err->code != ERR_NOT_FOUND)
        return r;
    error_clear(err);
    r = file_finder_find(finder, NULL, seen->parsed.base, &now, err);
    if (r == 0)
        r = contents_read(finder->pass, finder->pair, now, stored, out, err);
    if (r < 0 && err->code == ERR_NOT_FOUND)
        finder->pass->moving_here = true;
    return r;
}
