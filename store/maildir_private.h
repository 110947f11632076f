#pragma once
/* What the files of the Maildir side share: folders held open, and things kept for reuse. */
#include "store/maildir.h"
#include "store/message_digest.h"
#include <pthread.h>

/* Where a mailbox's path begins and how deep it may go; deeper names are folded into the last part.
 */
#define MAILDIR_DEPTH_MAX 32
#define MAILDIR_FOLDERS_MAX 100000
#define MAILDIR_FILE_NAME_MAX 255
/* Names in tmp/ of files being written by this program begin so. */
#define MAILDIR_TMP_PREFIX "maildird."

enum maildir_sub { SUB_NEW, SUB_CUR, SUB_TMP };
#define MAILDIR_SUB_COUNT (SUB_TMP + 1)
extern const char *const maildir_sub_names[MAILDIR_SUB_COUNT];

struct maildir_identity {
    dev_t device;
    ino_t inode;
};

/* A folder held open. Everything in it is reached through these descriptors, so that nobody can
 * lead us elsewhere by putting a link in the place of a directory. */
struct maildir_handle {
    char *path;
    char *full_path; /* for checking the identity, and for errors */
    int dir;
    struct maildir_identity dir_identity;
    int sub[MAILDIR_SUB_COUNT]; /* -1 until needed */
    struct maildir_identity sub_identity[MAILDIR_SUB_COUNT];
    bool other_device; /* than the root's */
    unsigned users;
    int64_t checked_ms; /* when its directories were last seen to stand there */
    bool stale;         /* another directory stands in its place: not to be found again */
};

/* Changes under a constant Maildir; threads may share it. */
struct maildir_shared {
    pthread_mutex_t lock;
    VEC(struct maildir_handle *) handles; /* least recently used first */
    VEC(struct message_digester *) digesters;
    VEC(int) watchers;      /* idle inotify descriptors */
    VEC(int) other_devices; /* a directory on each file system written to that is not the root's */
    uint64_t sequence;
    char token[64]; /* this Maildir object's, in the names in tmp/ */
};

struct maildir {
    char *root;
    enum maildir_layout layout;
    char *separator;
    char info_separator;
    char *inbox; /* the path of INBOX: relative, "." for the root itself, or absolute */
    char *host;  /* fit for file names */
    struct maildir_shared *shared;
};

/* ---- maildir.c ---- */
int maildir_open_root(const struct maildir *md, int *fd_out, struct error *err);
uint64_t maildir_next_number(const struct maildir *md);
struct message_digester *maildir_digester_take(const struct maildir *md);
void maildir_digester_give(const struct maildir *md, struct message_digester **digester);
/* -1 where inotify is not to be had. */
int maildir_watcher_take(const struct maildir *md);
void maildir_watcher_give(const struct maildir *md, int *fd);

/* ---- maildir_tree.c ---- */
/* Opens the directory of a relative path, making what is missing of it, durable on return. */
int maildir_make_directories(const struct maildir *md, const char *path, int *fd_out,
                             struct error *err);

/* ---- maildir_folder.c ---- */
/* ERR_NOT_FOUND if it or its cur/ is missing; ERR_READ with SCOPE_ACCOUNT if the root is. */
int maildir_hold(const struct maildir *md, const char *path, struct maildir_handle **out,
                 struct error *err);
/* The same, but while others hold the folder it is not looked at each time whether it still stands.
 */
int maildir_hold_in_batch(const struct maildir *md, const char *path, struct maildir_handle **out,
                          struct error *err);
/* The held folder once more. */
struct maildir_handle *maildir_hold_again(const struct maildir *md, struct maildir_handle *handle);
void maildir_release(const struct maildir *md, struct maildir_handle **handle);
/* The descriptor of cur/, new/ or tmp/, opened and (but for cur/) made when it is missing. */
int maildir_sub(const struct maildir *md, struct maildir_handle *handle, enum maildir_sub sub,
                int *fd_out, struct error *err);
/* That something in the folder was changed, for maildir_sync_all. */
void maildir_touch(const struct maildir *md, const struct maildir_handle *handle);
/* Opens the directory of a path, following no links below the root. */
int maildir_open_path(const struct maildir *md, const char *path, int *fd_out, struct error *err);
/* Whether each part of a relative path is a plain name. */
bool maildir_path_is_safe(const char *path);

/* Releases at the end of a scope. */
struct maildir_hold {
    const struct maildir *md;
    struct maildir_handle *handle;
};
void maildir_hold_end(struct maildir_hold *hold);
#define AUTO_HOLD __attribute__((cleanup(maildir_hold_end)))
