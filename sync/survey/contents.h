#pragma once
/*
 * What tells one message from another without its body: gathered in bulk from the server, or from
 * the files of a folder. The digests are those of the index, so that a record says the same of its
 * message as either.
 */
#include "store/maildir.h"
#include "survey/file_finder.h"

/* A message as the server tells it. */
struct remote_content {
    uint32_t uid;
    uint64_t size;           /* RFC822.SIZE */
    uint64_t left_out_bytes; /* of the header lines that the digest leaves out */
    int64_t internal_date_s;
    struct digest header; /* of the whole header */
    struct str email_id;  /* EMAILID or X-GM-MSGID; empty: not told. In the caller's arena */
};
VEC_STRUCT(remote_contents, struct remote_content);

/* EMAILID, or X-GM-MSGID in decimal digits: what the index keeps as `email_id`. In `arena`; empty:
 * not told. */
struct str contents_email_id(struct arena *arena, const struct fetch_data *data);
/* What to ask this server for to learn it: enum fetch_item; 0: it has neither. */
unsigned contents_email_id_item(const struct client *client);

/*
 * Looks at these UIDs of the pair's mailbox: sizes, dates and headers, in slices, several in
 * flight; bodies never. UIDs that are not there are not in `out`, which ascends. The mailbox is
 * selected first, under the UIDVALIDITY that the survey saw (ERR_CHANGED).
 */
int contents_fetch(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                   struct arena *arena, struct remote_contents *out, struct error *err);

/* A file's content, by one read. */
struct local_content {
    uint64_t wire_size;      /* with each line end as CRLF */
    uint64_t left_out_bytes; /* of the wire form */
    uint64_t lines;
    int64_t mtime_s;
    struct digest header, body; /* of the wire form */
    bool from_sync_tool;        /* a header line says so */
};
/* Of the wire form, or, `stored`, of the bytes as they are in the file (law 5), whose size is then
 * `wire_size`, and only that and the digests are told. ERR_NOT_FOUND, ERR_CHANGED, ERR_READ: of
 * this message alone. */
int contents_read(struct pass *pass, const struct mailbox_pair *pair,
                  const struct maildir_file *file, bool stored, struct local_content *out,
                  struct error *err);
/* The same of a file that may have another name by now, as flags change: it is looked up by its
 * base name. `finder` is of its folder. ERR_NOT_FOUND: it went on, and the pass knows
 * (moving_here). */
int contents_read_renamed(struct file_finder *finder, const struct maildir_file *seen, bool stored,
                          struct local_content *out, struct error *err);
