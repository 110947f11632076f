#pragma once
/*
 * The Maildir side: folders, scans, deliveries, renames and removals.
 *
 * A mailbox is named by its UTF-8 name with `/` as delimiter ("Lists/C"); its place on disk, the
 * `path`, is relative to the root and never leaves it. Other programs change everything here at any
 * moment: a file is acted on only by the name it was last seen under, and a vanished one is
 * ERR_NOT_FOUND, never a reason to recreate.
 */
#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/vec.h"
#include <sys/types.h>

enum maildir_layout { MAILDIR_NESTED, MAILDIR_PLUSPLUS, MAILDIR_FLAT };

struct maildir_options {
    const char *root; /* absolute */
    enum maildir_layout layout;
    const char *separator; /* of flat */
    char info_separator;   /* between base name and info, ':' */
    const char *inbox;     /* folder of INBOX: a name below the root, or an absolute path */
    const char *host;      /* for unique names; NULL: gethostname() */
};

struct maildir;

/* The root need not exist. Strings are copied. */
struct maildir *maildir_new(const struct maildir_options *options);
void maildir_free(struct maildir **md);
const char *maildir_root(const struct maildir *md);
/* 1 if the root is there, 0 if not, negative on error. */
int maildir_exists(const struct maildir *md, struct error *err);
int maildir_create_root(const struct maildir *md, struct error *err);

/* ---- folders (maildir_path.c, maildir_tree.c) ---- */

/* `/` and control characters: bytes that a part of a mailbox's name has as %XX alone. */
bool maildir_never_in_name(unsigned char c);
/* In a mailbox's name "%2F" is a slash within a part, "%09" a tab, and "%252F", "%25252F" and so on
 * are "%2F", "%252F" as such. The length of one of these at `at`; 0: none is there. */
size_t maildir_name_escape(struct str name, size_t at);
/* The path of a mailbox: DESIGN of names: UTF-8 as it is; `/` inside a component, NUL, control
 * characters, a leading `.`, `%`, the separator in flat and maildir++, and the names cur, new, tmp
 * are %XX; a component over 255 bytes is cut and ends in a hash. In `arena`. */
const char *maildir_path(const struct maildir *md, struct arena *arena, struct str mailbox);
/* The reverse; false if the path is not one that maildir_path makes (a cut component). */
bool maildir_mailbox(const struct maildir *md, struct arena *arena, struct str path,
                     struct str *out);

struct maildir_folder {
    const char *path;
    struct str mailbox;
};
struct maildir_folders {
    struct maildir_folder *items;
    size_t len, cap; /* a vec.h array */
};
/* All folders that have a cur/ directory, sorted by path; depth and count bounded; links to
 * directories are not followed outside the root. In `arena`. */
int maildir_list(const struct maildir *md, struct arena *arena, struct maildir_folders *out,
                 struct error *err);
void maildir_folders_sort(struct maildir_folders *folders);
/* In a sorted list. */
bool maildir_folders_have(const struct maildir_folders *folders, const char *path);
/* Makes cur, new and tmp (and parents), durable on return. 0 also if it exists. */
int maildir_create(const struct maildir *md, const char *path, struct error *err);
/* Another path for a folder, its directories the same as before, durable on return. `whole`: with
 * everything inside, folders too; else these stay where they are. ERR_EXISTS if there is a folder.
 * Not for an INBOX elsewhere. */
int maildir_rename_folder(const struct maildir *md, const char *from, const char *to, bool whole,
                          struct error *err);
/* Removes a folder that holds no file but other programs' book-keeping, and directories above it
 * that nothing else is in. ERR_EXISTS, and it stays a folder, if it holds something. */
int maildir_remove_folder(const struct maildir *md, const char *path, struct error *err);

/* ---- names (maildir_name.c) ---- */

/* What a file name says: base, system flags, and other letters. */
struct maildir_name {
    struct str base;
    uint8_t flags;      /* enum maildir_flag bits */
    struct str letters; /* unknown and keyword letters, kept as they are, sorted */
};
enum maildir_flag {
    MAILDIR_DRAFT = 1,
    MAILDIR_FLAGGED = 2,
    MAILDIR_PASSED = 4,
    MAILDIR_REPLIED = 8,
    MAILDIR_SEEN = 16,
    MAILDIR_TRASHED = 32,
};
/* "DFS": the letters of these, in order. In `arena`. */
const char *maildir_flags_text(struct arena *arena, uint8_t flags);
/* Views into `file_name`; `arena` is used only where letters have to be put in order. */
void maildir_name_parse(const struct maildir *md, struct arena *arena, struct str file_name,
                        struct maildir_name *out);
/* "base:2,DFS…": letters in ASCII order, each once. In `arena`. */
const char *maildir_name_build(const struct maildir *md, struct arena *arena,
                               const struct maildir_name *name);
/* A fresh base name: SECONDS.MµsPpidQseq.HOST,S=bytes,W=wirebytes. In `arena`. */
const char *maildir_unique_base(const struct maildir *md, struct arena *arena, uint64_t stored_size,
                                uint64_t wire_size);

/* Another fresh base name for the message of `base`, with the sizes that are in that. In `arena`.
 */
const char *maildir_renewed_base(const struct maildir *md, struct arena *arena, struct str base);

/* ---- scans (maildir_scan.c) ---- */

/* Identity and times of new/ and cur/; equal times mean an unchanged folder once they are settled.
 */
struct maildir_times {
    int64_t new_mtime_ns;
    int64_t cur_mtime_ns;
    uint64_t new_inode;
    uint64_t cur_inode;
};
bool maildir_times_equal(const struct maildir_times *a, const struct maildir_times *b);
/* ERR_NOT_FOUND if cur/ is missing. A missing new/ counts as empty, with zero times (a delivery
 * makes new/ and tmp/ again). Writes nothing. */
int maildir_stat(const struct maildir *md, const char *path, struct maildir_times *out,
                 struct error *err);

struct maildir_file {
    struct str name; /* file name with info */
    struct maildir_name parsed;
    bool in_new;
};
struct maildir_snapshot {
    VEC(struct maildir_file) files; /* sorted by base; a base stands once */
    struct maildir_times times;     /* as they were before the scan */
    bool settled; /* the times are old enough that a later change must show in them */
    struct arena *arena;
};
/* A complete scan: new/ before cur/, again when anything in them changed meanwhile (seen by inotify
 * and by the times; bounded; then ERR_CHANGED). Absence from it is evidence for the moment of the
 * scan. Dot files, directories and other non-regular files are left out. Of two names with one base
 * the one in cur/ with more letters stands. */
int maildir_scan(const struct maildir *md, const char *path, struct maildir_snapshot *out,
                 struct error *err);
/* What of a scan is kept, so that a very large folder need not be held in memory. */
struct maildir_filter {
    /* A look at all files begins (anew). NULL where that does not matter. */
    void (*restart)(void *self);
    /* Whether to keep the file, which is valid during the call. Files of one base come one by one:
     * which of them stands is only told of those that are kept. */
    bool (*wanted)(void *self, const struct maildir_file *file);
    void *self;
};
/* A scan as complete as maildir_scan(), of which only what the filter wants is kept. */
int maildir_scan_filtered(const struct maildir *md, const char *path,
                          const struct maildir_filter *filter, struct maildir_snapshot *out,
                          struct error *err);
void maildir_snapshot_free(struct maildir_snapshot *snapshot);
/* By base name; NULL if absent. */
const struct maildir_file *maildir_snapshot_find(const struct maildir_snapshot *snapshot,
                                                 struct str base);
/* Looks up the present name of `base` by listing the folder once. ERR_NOT_FOUND. In `arena`. */
int maildir_find(const struct maildir *md, const char *path, struct str base, struct arena *arena,
                 struct maildir_file *out, struct error *err);

/* ---- deliveries (maildir_deliver.c) ---- */

/* A message being written to tmp/. The CRLF form comes in; what is stored is the LF form, or the
 * bytes as they came when they hold a bare CR, a bare LF or a NUL (law 5). */
struct maildir_delivery;
struct maildir_delivered {
    uint64_t wire_size;
    uint64_t stored_size;
    bool raw;                    /* stored byte for byte */
    struct digest header_digest; /* of the CRLF form, without book-keeping lines */
    struct digest body_digest;
};
int maildir_delivery_begin(const struct maildir *md, const char *path,
                           struct maildir_delivery **out, struct error *err);
int maildir_delivery_write(struct maildir_delivery *d, const void *data, size_t size,
                           struct error *err);
/* Ends the file in tmp/ with mtime `internal_date_s` (0: now); not yet durable, not yet visible.
 * Flags decide between new/ and cur/. */
int maildir_delivery_finish(struct maildir_delivery *d, int64_t internal_date_s,
                            struct maildir_delivered *out, struct error *err);
/* Removes the file from tmp/ unless it was published. Frees. */
void maildir_delivery_free(struct maildir_delivery **d);
/* Makes the finished files of a batch durable: fsync each below eight, else one syncfs. */
int maildir_deliveries_sync(struct maildir_delivery *const *batch, size_t count, struct error *err);
/* tmp/ to its place: new/ without info when neither flags nor letters, else cur/. ERR_EXISTS if
 * taken. The file's data must be durable already. */
int maildir_delivery_publish(struct maildir_delivery *d, struct str base, uint8_t flags,
                             struct str letters, struct error *err);
/* Where that put it: the path in full. In `arena`. */
const char *maildir_delivery_path(const struct maildir_delivery *d, struct arena *arena);
/* Makes the renames in the folder durable (fsync of new/ and cur/). */
int maildir_sync_folder(const struct maildir *md, const char *path, struct error *err);
/* One syncfs for everything changed below the root. */
int maildir_sync_all(const struct maildir *md, struct error *err);
/* Removes our own leftovers, and anything older than 36 hours, from tmp/. */
int maildir_clean_tmp(const struct maildir *md, const char *path, struct error *err);

/* ---- changes (maildir_change.c) ---- */

/* Renames `file` so that it carries flags and letters; never back to new/. *out_name is in `arena`.
 * ERR_NOT_FOUND if the file is no longer under that name. */
int maildir_set_flags(const struct maildir *md, const char *path, const struct maildir_file *file,
                      uint8_t flags, struct str letters, struct arena *arena, const char **name_out,
                      struct error *err);
/* Renames `file` into another folder (or the same), under a new base name, to new/ only from new/
 * and without flags and letters. Durable once both folders are synced, `to_path` first. As
 * ERR_WRITE with os_errno EXDEV between file systems. */
int maildir_move(const struct maildir *md, const char *path, const struct maildir_file *file,
                 const char *to_path, const struct maildir_name *to, struct error *err);
/* Gives the file a further name in another folder, where it is one as a delivery makes it.
 * ERR_WRITE where the file system has no links. */
int maildir_link(const struct maildir *md, const char *path, const struct maildir_file *file,
                 const char *to_path, const struct maildir_name *to, struct error *err);
/* Moves the file out of the Maildir into `keep_dir` (copied and synced if that is another file
 * system), under "TIME.BASE"; NULL removes it. */
int maildir_remove(const struct maildir *md, const char *path, const struct maildir_file *file,
                   const char *keep_dir, struct error *err);
/* The reverse: the file that was kept of `base` goes to cur/ of the folder with these flags. Of
 * several the one kept last. Durable on return. ERR_NOT_FOUND where none is kept, ERR_EXISTS where
 * the folder has such a file. `dry`: only looks. */
int maildir_restore(const struct maildir *md, const char *keep_dir, struct str base,
                    const char *path, uint8_t flags, bool dry, struct error *err);
/* Removes what has stood in keep_dir for longer than `max_age_s`. */
int maildir_keep_expire(const char *keep_dir, int64_t max_age_s, int64_t now_s, struct error *err);

/* ---- messages to send (maildir_message.c) ---- */

/* A local message opened for upload: its wire form (bare LF to CRLF, unless stored raw and so
 * known), in pieces, with its exact wire size computed beforehand. ERR_CHANGED if the file changes
 * size while it is read, ERR_NOT_FOUND if it is gone. */
struct maildir_message;
int maildir_message_open(const struct maildir *md, const char *path,
                         const struct maildir_file *file, struct maildir_message **out,
                         struct error *err);
void maildir_message_free(struct maildir_message **m);
uint64_t maildir_message_wire_size(const struct maildir_message *m);
uint64_t maildir_message_stored_size(const struct maildir_message *m);
int64_t maildir_message_mtime_s(const struct maildir_message *m);
/* Of the wire form; computed by one read at open. */
void maildir_message_digests(const struct maildir_message *m, struct digest *header,
                             struct digest *body);
/* Of the bytes as they are stored: what a message stored raw was recorded with. One more read. */
int maildir_message_stored_digests(struct maildir_message *m, struct digest *header,
                                   struct digest *body, struct error *err);
/* Of the wire form too: what of it is the book-keeping of other programs, and how many lines it has
 * (a server that keeps some of them with a bare LF tells a size smaller by as many at most). */
struct maildir_message_traits {
    uint64_t left_out_bytes;
    uint64_t lines;
    bool from_sync_tool; /* a header line says so */
};
struct maildir_message_traits maildir_message_traits(const struct maildir_message *m);
/* Up to `size` bytes of the wire form; 0 at the end. */
ssize_t maildir_message_read(struct maildir_message *m, void *out, size_t size, struct error *err);
