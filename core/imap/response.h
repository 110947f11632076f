#pragma once
/* Status responses and their codes (RFC 9051 section 7.1, RFC 5530), and how any response begins.
 */
#include "imap/capability.h"
#include "imap/copyuid.h"
#include "imap/flags.h"
#include "imap/seqset.h"
#include "imap/str_list.h"

enum imap_status { STATUS_NONE, STATUS_OK, STATUS_NO, STATUS_BAD, STATUS_PREAUTH, STATUS_BYE };

enum response_code {
    CODE_NONE,
    CODE_OTHER,
    CODE_ALERT,
    CODE_CAPABILITY,
    CODE_PERMANENTFLAGS,
    CODE_READ_ONLY,
    CODE_READ_WRITE,
    CODE_TRYCREATE,
    CODE_UIDNEXT,
    CODE_UIDVALIDITY,
    CODE_UNSEEN,
    CODE_APPENDUID,
    CODE_COPYUID,
    CODE_UIDNOTSTICKY,
    CODE_HIGHESTMODSEQ,
    CODE_NOMODSEQ,
    CODE_MODIFIED,
    CODE_CLOSED,
    CODE_MAILBOXID,
    CODE_AUTHENTICATIONFAILED,
    CODE_AUTHORIZATIONFAILED,
    CODE_UNAVAILABLE,
    CODE_EXPIRED,
    CODE_LIMIT,
    CODE_OVERQUOTA,
    CODE_TOOBIG,
    CODE_NONEXISTENT,
    CODE_ALREADYEXISTS,
    CODE_INUSE,
    CODE_NOPERM,
    CODE_CANNOT,
    CODE_EXPUNGEISSUED,
    CODE_CORRUPTION,
    CODE_SERVERBUG,
    CODE_CLIENTBUG,
    CODE_CONTACTADMIN,
    CODE_PRIVACYREQUIRED,
    CODE_NOTIFICATIONOVERFLOW,
    CODE_BADCHARSET,
    CODE_PARSE,
    CODE_HASCHILDREN,
    CODE_UNKNOWN_CTE,
    CODE_MESSAGELIMIT,
    CODE_UIDREQUIRED,
    CODE_COMPRESSIONACTIVE,
    CODE_REFERRAL,
    CODE_INPROGRESS,       /* progress (RFC 9585) */
    CODE_METADATA,         /* metadata, number (RFC 5464) */
    CODE_BADEVENT,         /* id: the events that are known, in parentheses (RFC 5465) */
    CODE_NOTSAVED,         /* RFC 5182 */
    CODE_NOUPDATE,         /* id: the tag, quoted (RFC 5267) */
    CODE_USEATTR,          /* RFC 6154 */
    CODE_NEWNAME,          /* RFC 2060 */
    CODE_BADCOMPARATOR,    /* RFC 5255 */
    CODE_URLMECH,          /* RFC 4467 */
    CODE_BADURL,           /* RFC 4469 */
    CODE_UNDEFINED_FILTER, /* RFC 5466 */
    CODE_TEMPFAIL,         /* RFC 5259 */
    CODE_MAXCONVERTMESSAGES,
    CODE_MAXCONVERTPARTS,
    CODE_COUNT
};

/* What METADATA complains of. */
enum metadata_code {
    METADATA_CODE_NONE,
    METADATA_CODE_LONGENTRIES, /* number: the longest that was left out, octets */
    METADATA_CODE_MAXSIZE,     /* number: the most that is taken, octets */
    METADATA_CODE_TOOMANY,
    METADATA_CODE_NOPRIVATE,
};

/* How far a command has come. */
struct imap_progress {
    struct str tag; /* empty: not told */
    bool has_done, has_goal;
    uint64_t done, goal;
};

struct imap_response_status {
    enum imap_status status;
    enum response_code code;
    struct str code_name; /* as sent */
    struct str text;      /* the human part */
    /* by code: */
    struct capabilities capabilities;
    struct imap_flags flags; /* PERMANENTFLAGS */
    uint64_t number;         /* UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ, MESSAGELIMIT */
    struct seqset set;       /* MODIFIED; free with imap_response_status_free */
    struct copyuid copyuid;  /* APPENDUID and COPYUID */
    struct str id;           /* MAILBOXID, the rest of other codes */
    enum metadata_code metadata;
    uint32_t uid;                  /* MESSAGELIMIT: the last one that was processed; 0: not told */
    struct imap_progress progress; /* INPROGRESS */
    struct str_list charsets;      /* BADCHARSET: those that are known */
};

void imap_response_status_free(struct imap_response_status *status);
/* Behind the word OK, NO, …: SP [code] text, up to and with CRLF. Codes without their argument, and
 * no text behind the code, are taken. After a failure there is nothing to free. */
bool imap_response_status_read(struct reader *r, struct arena *arena, enum imap_status status,
                               struct imap_response_status *out);
/* "OK [CODE …] text" and CRLF, without tag. */
void imap_response_status_write(struct writer *w, const struct imap_response_status *status);
const char *imap_status_name(enum imap_status status);
const char *response_code_name(enum response_code code);

enum response_kind { RESPONSE_TAGGED, RESPONSE_UNTAGGED, RESPONSE_CONTINUE };

/* The beginning of a response, enough to decide who reads the rest. */
struct response_head {
    enum response_kind kind;
    struct str tag;  /* TAGGED */
    bool has_number; /* "* 5 FETCH" */
    uint32_t number;
    struct str name;         /* upper case: "FETCH", "OK", "LIST"; empty for CONTINUE */
    enum imap_status status; /* STATUS_NONE if name is no status word */
};
/* Leaves the reader behind the name (and before the SP that follows, if any). A bare response code,
 * "* [COPYUID 1 2 3]" or without the star, reads as an untagged OK; a name that is none, as "". */
bool response_head_read(struct reader *r, struct arena *arena, struct response_head *out);
