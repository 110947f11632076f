#pragma once
/*
 * Takes a recorded conversation apart, of either side or of both, unit by unit, into typed values.
 *
 * The input is raw lines (CRLF or LF), the direction told by the grammar; or lines each led by
 * "C: " and "S: ", which the first line decides. The bytes of a literal behind such a line are led
 * by nothing, or each of their lines by its prefix, as transcripts have it. Before the prefix may
 * stand the time and the account of a trace, whose "[hidden]" is a secret, and whose
 * "[literal of 5000 bytes]" stands for as many.
 *
 * Literals larger than DISSECT_LITERAL_KEPT_BYTES are passed on piece by piece and not held. What
 * cannot be parsed is a unit too, of kind DISSECT_ERROR with its reason, and the next begins behind
 * its line end.
 */
#include "imap/acl.h"
#include "imap/append.h"
#include "imap/bodystructure.h"
#include "imap/command.h"
#include "imap/fetch.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/metadata.h"
#include "imap/namespace.h"
#include "imap/notify.h"
#include "imap/quota.h"
#include "imap/response.h"
#include "imap/search.h"
#include "imap/select.h"
#include "imap/sort.h"
#include "imap/status.h"
#include "imap/store.h"
#include "imap/thread.h"

#define DISSECT_LITERAL_KEPT_BYTES 4096

enum dissect_direction { DISSECT_CLIENT, DISSECT_SERVER };
enum dissect_kind {
    DISSECT_COMMAND,      /* client: with tag and name */
    DISSECT_CONTINUATION, /* server: `+`; client: a line that answers it (DONE, base64) */
    DISSECT_UNTAGGED,
    DISSECT_TAGGED,
    DISSECT_ERROR,
};

/* Which member of the union in struct dissect_unit holds the typed value. */
enum dissect_value {
    DISSECT_NONE,
    DISSECT_STATUS_RESPONSE, /* status_response: OK NO BAD PREAUTH BYE, tagged ones too */
    DISSECT_TEXT,            /* text: the rest of the line, of what is not known or has no type */
    DISSECT_CAPABILITY,      /* names: of CAPABILITY, ENABLED, ENABLE */
    DISSECT_FLAGS,           /* flags */
    DISSECT_LIST,            /* list: LIST LSUB XLIST */
    DISSECT_STATUS,          /* status */
    DISSECT_SEARCH,          /* search_result: SEARCH ESEARCH */
    DISSECT_SORT,            /* sort_result */
    DISSECT_THREAD,          /* threads */
    DISSECT_FETCH,           /* fetch: FETCH UIDFETCH */
    DISSECT_VANISHED,        /* vanished */
    DISSECT_NAMESPACE,       /* namespaces */
    DISSECT_ID,              /* id: of either side */
    DISSECT_QUOTA,           /* quota: QUOTA SETQUOTA */
    DISSECT_QUOTAROOT,       /* quota_root */
    DISSECT_ACL,             /* acl */
    DISSECT_LISTRIGHTS,      /* list_rights */
    DISSECT_MYRIGHTS,        /* my_rights */
    DISSECT_METADATA,        /* metadata: METADATA SETMETADATA */
    /* commands */
    DISSECT_STRINGS,        /* names: mailbox names and other strings, in order */
    DISSECT_SELECT,         /* select: SELECT EXAMINE */
    DISSECT_LIST_REQUEST,   /* list_request: LIST LSUB XLIST */
    DISSECT_STATUS_REQUEST, /* status_request */
    DISSECT_APPEND,         /* append: APPEND REPLACE */
    DISSECT_SEARCH_REQUEST,
    DISSECT_SORT_REQUEST,
    DISSECT_THREAD_REQUEST,
    DISSECT_FETCH_REQUEST, /* fetch_request */
    DISSECT_STORE,         /* store */
    DISSECT_COPY,          /* copy: COPY MOVE; without a mailbox: UID EXPUNGE */
    DISSECT_SETACL,        /* acl_set */
    DISSECT_GETMETADATA,   /* metadata_get */
    DISSECT_NOTIFY,        /* notify */
    DISSECT_SECRET,        /* names: the user of LOGIN, the mechanism of AUTHENTICATE, nothing of
                              what answers a challenge; the rest of
                              the line is passed over and not shown */
};

/* A body of FETCH, or the message of APPEND. */
struct dissect_literal {
    struct section section;
    uint64_t size;
    bool nil;
    struct str bytes; /* ptr NULL when it was larger than what is kept */
};

struct dissect_fetch {
    struct fetch_data data;
    struct dissect_literal *bodies;
    size_t bodies_len;
};
struct dissect_append {
    struct str mailbox;
    struct str replaced;          /* REPLACE: the message's number; else empty */
    struct append_params *params; /* of each message: MULTIAPPEND has several */
    struct dissect_literal *messages;
    size_t len;
};
struct dissect_sets {
    struct seqset set;
    struct str mailbox; /* ptr NULL: none */
};

struct dissect_unit {
    uint64_t offset; /* of its first byte in the input */
    uint64_t length; /* with its line end and literals */
    enum dissect_direction direction;
    enum dissect_kind kind;
    struct str tag;  /* empty: none */
    struct str name; /* "FETCH", "OK", "UID FETCH"; upper case, empty: none */
    bool has_number;
    uint32_t number;
    struct str text;    /* of status responses and continuations, of DISSECT_TEXT */
    const char *reason; /* of DISSECT_ERROR */
    enum dissect_value value;
    union {
        struct imap_response_status status_response;
        struct str_list names;
        struct imap_flags flags;
        struct list_entry list;
        struct status_data status;
        struct search_result search_result;
        struct sort_result sort_result;
        struct thread_node *threads;
        struct dissect_fetch fetch;
        struct {
            bool earlier;
            struct seqset uids;
        } vanished;
        struct namespaces namespaces;
        struct id_fields id;
        struct quota quota;
        struct quota_root quota_root;
        struct acl acl;
        struct acl_list_rights list_rights;
        struct acl_my_rights my_rights;
        struct metadata metadata;
        struct {
            struct str mailbox;
            struct select_params params;
        } select;
        struct list_request list_request;
        struct {
            struct str mailbox;
            unsigned items;
        } status_request;
        struct dissect_append append;
        struct search_request search_request;
        struct sort_request sort_request;
        struct thread_request thread_request;
        struct {
            struct seqset set;
            struct fetch_request request;
        } fetch_request;
        struct {
            struct seqset set;
            struct store_params params;
        } store;
        struct dissect_sets copy;
        struct acl_set acl_set;
        struct metadata_get metadata_get;
        struct notify_request notify;
    };
};

/* `literal` may be NULL: pieces of a literal that is not kept, before its unit is told; `at` is the
 * piece's place in its literal. A negative return ends the dissection with *err. Everything is
 * borrowed until the call returns. */
struct dissect_visitor {
    int (*unit)(void *self, const struct dissect_unit *unit, struct error *err);
    int (*literal)(void *self, uint64_t at, struct str piece, struct error *err);
    void *self;
};

/* To the end of the input. 0, or the source's or visitor's error; units that cannot be parsed are
 * no error here, but counted in *bad_units. */
int dissect(const struct reader_source *source, const struct dissect_visitor *visitor,
            uint64_t *bad_units, struct error *err);
/* The same over bytes in memory: strings in the units are views into it where they can be. */
int dissect_memory(struct str input, const struct dissect_visitor *visitor, uint64_t *bad_units,
                   struct error *err);
/* Whether a stream that begins with these bytes is IMAP, of either side: a greeting or response, a
 * tagged command. A few hundred bytes are enough. */
bool looks_like_imap(struct str first_bytes);
