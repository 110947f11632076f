#pragma once
/*
 * How the configuration is read: the file becomes nodes that know their line (config_yaml.c), the
 * key table says what each key is (config_keys.c), each type knows how to read, show and describe
 * a value (config_types.c, config_lists.c, config_show.c, config_schema.c), and what concerns
 * several keys at once is looked at last (config_check.c).
 */
#include "config/config.h"

/* ---- nodes (config_yaml.c) ---- */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct config_file {
    const char *name;    /* as it was named */
    bool open_to_others; /* somebody else may read it */
};

struct config_node {
    enum node_kind kind;
    const struct config_file *file;
    unsigned line;
    const char *text; /* of a scalar */
    bool quoted;
    struct config_entry *entries; /* of a list (without keys) or a map */
    size_t len;
};

struct config_entry {
    const char *key;
    unsigned line;
    const struct config_node *value;
};

/* A file that holds secrets must not be larger; nor can one person write more than that. */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)
#define CONFIG_DEPTH_MAX 16
#define CONFIG_NODES_MAX 100000

struct config_context {
    struct arena *arena;
    const struct config_problems *problems;
    size_t problems_count;
    bool muted; /* what is read now was read and reported before */
};

/* `line` 0: the file as a whole. */
void config_problem(struct config_context *ctx, const struct config_file *file, unsigned line,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* NULL when the text cannot be read to its end. All problems are reported, also those that it was
 * read in spite of (a key that is there twice, tags, anchors). An empty file is an empty map. */
struct config_node *config_yaml_parse(struct config_context *ctx, const struct config_file *file,
                                      struct str text);
/* An empty value, or `null` in one of YAML's spellings. */
bool config_node_is_null(const struct config_node *node);

/* ---- keys (config_keys.c) ---- */

enum config_type {
    TYPE_TEXT,              /* const char *, one line */
    TYPE_SHELL,             /* const char *, for sh */
    TYPE_PROXY,             /* const char *, which may hold a password */
    TYPE_PROVIDER,          /* const char *, a name of provider.h */
    TYPE_PATH,              /* const char *, absolute */
    TYPE_INBOX,             /* const char *: a folder name, or an absolute path */
    TYPE_PREFIX,            /* const char *: auto (NULL) or a text */
    TYPE_CHAR,              /* char */
    TYPE_BOOL,              /* bool */
    TYPE_NUMBER,            /* uint32_t */
    TYPE_PORT,              /* uint16_t */
    TYPE_WORD,              /* an enum */
    TYPE_CHOICE,            /* bool, in words */
    TYPE_SECONDS,           /* int64_t */
    TYPE_MILLISECONDS,      /* int64_t */
    TYPE_BYTES,             /* uint64_t */
    TYPE_SINCE,             /* struct config_since */
    TYPE_STRINGS,           /* struct config_strings */
    TYPE_WORDS,             /* struct config_strings out of `words`; `auto` is the empty list */
    TYPE_EXTENSIONS,        /* struct config_strings of IMAP capabilities */
    TYPE_PAIRS,             /* struct config_pairs */
    TYPE_COMMAND,           /* struct config_secret: a text for sh, or a list run as it is */
    TYPE_SECRET_FILE,       /* struct config_secret */
    TYPE_SECRET_TEXT,       /* struct config_secret */
    TYPE_SECRET_CREDENTIAL, /* struct config_secret */
    TYPE_BLOCK,             /* the keys of `block`, relative to the same struct */
    TYPE_GUARD,             /* struct config_guard: the keys of `block`, or off */
    TYPE_DIRECTION,         /* sets several directions of a struct config_sync; never shown */
    TYPE_OVERRIDES,         /* struct config_overrides */
    TYPE_INCLUDE,           /* of the top level: */
    TYPE_DEFAULTS,
    TYPE_ACCOUNTS,
    TYPE_COUNT
};

struct config_word {
    const char *word;
    int value;
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;
    const char *fallback;            /* the default, as YAML; NULL: none, or see `fallback_words` */
    const char *fallback_words;      /* of a default that depends on others, for people */
    const char *example;             /* of a key that has no default */
    const struct config_word *words; /* ends in a NULL word */
    int64_t min, max;                /* of a number, or of a time in seconds */
    const struct config_table *block;
    /* What a text (each of a list, the keys of a map) must be, e.g. "a host name"; NULL when it is
     * that. */
    const char *(*check)(const char *text);
    char group; /* of keys that exclude each other; 0: none */
    const char *help;
};

struct config_table {
    const struct config_key *keys;
    size_t len;
};

#define CONFIG_TABLE(rows)                                                                         \
    {                                                                                              \
        .keys = (rows), .len = sizeof(rows) / sizeof *(rows)                                       \
    }

extern const struct config_table config_top_keys;
extern const struct config_table config_account_keys;
extern const struct config_table config_sync_keys;
extern const struct config_table config_guard_keys;
extern const struct config_table config_override_keys;

/* What a word of `auth` takes: enum config_needs bits. */
unsigned config_auth_needs(const char *mechanism);
const struct config_key *config_key_find(const struct config_table *table, const char *name);
/* Where in the file a key of this name stands, e.g. "accounts.NAME.sync"; NULL if nowhere. */
const char *config_key_home(const char *name);

/* ---- values (config_types.c, config_lists.c, config_layer.c) ---- */

/* A value about to be read: `where` is what the key stands in, e.g. "accounts.work.sync". */
struct config_value {
    struct config_context *ctx;
    const struct config_key *key;
    const char *where;
    const struct config_node *node;
};

/* Reads the value into its field; false when it is wrong, which was reported. */
typedef bool config_parse_fn(const struct config_value *value, void *field);

/* "WHERE.KEY: …"; always false. */
bool config_value_wrong(const struct config_value *value, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A word of a table or NULL, reported with a suggestion. */
const struct config_word *config_value_word(const struct config_value *value, const char *text);
void config_duration_show(struct buf *out, int64_t seconds);

config_parse_fn config_parse_provider;
config_parse_fn config_parse_proxy;
config_parse_fn config_parse_since;
config_parse_fn config_parse_strings;
config_parse_fn config_parse_words;
config_parse_fn config_parse_extensions;
config_parse_fn config_parse_pairs;
config_parse_fn config_parse_command;
config_parse_fn config_parse_secret_file;
config_parse_fn config_parse_secret_text;
config_parse_fn config_parse_secret_credential;

/* Reads one value by its type: a block's keys too. */
bool config_value_read(const struct config_value *value, void *target);
size_t config_type_size(enum config_type type);
/* Fills a struct with the defaults of its table. */
void config_defaults(struct config_context *ctx, const struct config_table *table, void *target);
/* One layer of keys on top of what the struct holds. `given` (may be NULL) gains a bit for each key
 * by its place in the table. */
void config_layer(struct config_context *ctx, const struct config_table *table, const char *where,
                  const struct config_node *map, void *target, uint64_t *given);

/* ---- the whole (config_check.c, config_show.c) ---- */

/* Fills in what depends on other keys; reports what does not fit together. */
struct config_place {
    const struct config_file *file;
    unsigned line;
};
void config_check_account(struct config_context *ctx, struct config_account *account,
                          const struct config_place *place, uint64_t given);
/* Accounts must not share a Maildir. `places` stand beside the accounts. */
void config_check_maildirs(struct config_context *ctx, const struct config *config,
                           const struct config_place *places);

/* ---- the file (config_read.c) ---- */

/* Reads the file and those it includes into `config`, whose `path` is set; what is wrong is
 * reported. */
void config_read(struct config_context *ctx, struct config *config);

/* ---- paths (config_path.c) ---- */

/* "~" as home, relative to the folder of `file` as it was named, without "." and "//". NULL for
 * `~user`. In `arena`. */
const char *config_path_resolve(struct arena *arena, const char *file, const char *path);
/* $VARIABLE/rest, or ~/fallback/rest where the variable is not set or not absolute. */
const char *config_path_xdg(struct arena *arena, const char *variable, const char *fallback,
                            const char *rest);
