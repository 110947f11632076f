#pragma once
/* Capability names and bits (RFC 9051 section 7.2.2). */
#include "wire/reader.h"
#include "wire/writer.h"

enum capability {
    CAP_IMAP4REV1,
    CAP_IMAP4REV2,
    CAP_STARTTLS,
    CAP_LOGINDISABLED,
    CAP_SASL_IR,
    CAP_LITERAL_PLUS,
    CAP_LITERAL_MINUS,
    CAP_ID,
    CAP_ENABLE,
    CAP_NAMESPACE,
    CAP_CHILDREN,
    CAP_LIST_EXTENDED,
    CAP_LIST_STATUS,
    CAP_SPECIAL_USE,
    CAP_CREATE_SPECIAL_USE,
    CAP_IDLE,
    CAP_NOTIFY,
    CAP_CONDSTORE,
    CAP_QRESYNC,
    CAP_UIDPLUS,
    CAP_MOVE,
    CAP_UNSELECT,
    CAP_COMPRESS_DEFLATE,
    CAP_ESEARCH,
    CAP_SEARCHRES,
    CAP_WITHIN,
    CAP_SORT,
    CAP_BINARY,
    CAP_MULTIAPPEND,
    CAP_OBJECTID,
    CAP_PREVIEW,
    CAP_SAVEDATE,
    CAP_STATUS_SIZE,
    CAP_APPENDLIMIT,
    CAP_MESSAGELIMIT,
    CAP_UIDONLY,
    CAP_PARTIAL,
    CAP_UTF8_ACCEPT,
    CAP_ACL,
    CAP_QUOTA,
    CAP_METADATA,
    CAP_METADATA_SERVER,
    CAP_UNAUTHENTICATE,
    CAP_REPLACE,
    CAP_INPROGRESS,
    CAP_X_GM_EXT_1,
    CAP_XLIST,
    CAP_AUTH_PLAIN,
    CAP_AUTH_LOGIN,
    CAP_AUTH_CRAM_MD5,
    CAP_AUTH_SCRAM_SHA_1,
    CAP_AUTH_SCRAM_SHA_256,
    CAP_AUTH_SCRAM_SHA_256_PLUS,
    CAP_AUTH_EXTERNAL,
    CAP_AUTH_GSSAPI,
    CAP_AUTH_XOAUTH2,
    CAP_AUTH_OAUTHBEARER,
    CAP_ESORT,
    CAP_SORT_DISPLAY,
    CAP_THREAD_REFERENCES,
    CAP_THREAD_ORDEREDSUBJECT,
    CAP_THREAD_REFS,
    CAP_SEARCH_FUZZY,
    CAP_CONTEXT_SEARCH,
    CAP_LIST_MYRIGHTS,
    CAP_LIST_METADATA,
    CAP_RIGHTS, /* RIGHTS=texk, in any order: RFC 4314 */
    CAP_QUOTASET,
    CAP_QUOTA_RES_STORAGE,
    CAP_QUOTA_RES_MESSAGE,
    CAP_QUOTA_RES_MAILBOX,
    CAP_QUOTA_RES_ANNOTATION_STORAGE,
    CAP_CATENATE,
    CAP_COUNT
};

struct capabilities {
    uint64_t bits[2];
    uint64_t append_limit;  /* of APPENDLIMIT=n; 0: none named */
    uint32_t message_limit; /* of MESSAGELIMIT=n; 0: none */
};

const char *capability_name(enum capability cap);
/* By name, case-insensitive, parameters left out; false if unknown. */
bool capability_parse(struct str name, enum capability *out);
bool capabilities_have(const struct capabilities *caps, enum capability cap);
void capabilities_set(struct capabilities *caps, enum capability cap, bool on);
/* Names separated by spaces up to `]` or the line end; unknown ones are passed over. Names in any
 * case, and "LITERAL +", as some servers send it. QRESYNC sets CONDSTORE too, which it implies,
 * and METADATA METADATA-SERVER. */
bool capabilities_read(struct reader *r, struct capabilities *out);
/* The names, separated by spaces, in the order of the enum. */
void capabilities_write(struct writer *w, const struct capabilities *caps);
