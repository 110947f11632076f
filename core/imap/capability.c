#include "imap/capability.h"
#include "wire/chars.h"
#include "imap/limits.h"
#include <assert.h>

static const char *const capability_names[CAP_COUNT] = {
    [CAP_IMAP4REV1] = "IMAP4rev1",
    [CAP_IMAP4REV2] = "IMAP4rev2",
    [CAP_STARTTLS] = "STARTTLS",
    [CAP_LOGINDISABLED] = "LOGINDISABLED",
    [CAP_SASL_IR] = "SASL-IR",
    [CAP_LITERAL_PLUS] = "LITERAL+",
    [CAP_LITERAL_MINUS] = "LITERAL-",
    [CAP_ID] = "ID",
    [CAP_ENABLE] = "ENABLE",
    [CAP_NAMESPACE] = "NAMESPACE",
    [CAP_CHILDREN] = "CHILDREN",
    [CAP_LIST_EXTENDED] = "LIST-EXTENDED",
    [CAP_LIST_STATUS] = "LIST-STATUS",
    [CAP_SPECIAL_USE] = "SPECIAL-USE",
    [CAP_CREATE_SPECIAL_USE] = "CREATE-SPECIAL-USE",
    [CAP_IDLE] = "IDLE",
    [CAP_NOTIFY] = "NOTIFY",
    [CAP_CONDSTORE] = "CONDSTORE",
    [CAP_QRESYNC] = "QRESYNC",
    [CAP_UIDPLUS] = "UIDPLUS",
    [CAP_MOVE] = "MOVE",
    [CAP_UNSELECT] = "UNSELECT",
    [CAP_COMPRESS_DEFLATE] = "COMPRESS=DEFLATE",
    [CAP_ESEARCH] = "ESEARCH",
    [CAP_SEARCHRES] = "SEARCHRES",
    [CAP_WITHIN] = "WITHIN",
    [CAP_SORT] = "SORT",
    [CAP_BINARY] = "BINARY",
    [CAP_MULTIAPPEND] = "MULTIAPPEND",
    [CAP_OBJECTID] = "OBJECTID",
    [CAP_PREVIEW] = "PREVIEW",
    [CAP_SAVEDATE] = "SAVEDATE",
    [CAP_STATUS_SIZE] = "STATUS=SIZE",
    [CAP_APPENDLIMIT] = "APPENDLIMIT",
    [CAP_MESSAGELIMIT] = "MESSAGELIMIT",
    [CAP_UIDONLY] = "UIDONLY",
    [CAP_PARTIAL] = "PARTIAL",
    [CAP_UTF8_ACCEPT] = "UTF8=ACCEPT",
    [CAP_ACL] = "ACL",
    [CAP_QUOTA] = "QUOTA",
    [CAP_METADATA] = "METADATA",
    [CAP_METADATA_SERVER] = "METADATA-SERVER",
    [CAP_UNAUTHENTICATE] = "UNAUTHENTICATE",
    [CAP_REPLACE] = "REPLACE",
    [CAP_INPROGRESS] = "INPROGRESS",
    [CAP_X_GM_EXT_1] = "X-GM-EXT-1",
    [CAP_XLIST] = "XLIST",
    [CAP_AUTH_PLAIN] = "AUTH=PLAIN",
    [CAP_AUTH_LOGIN] = "AUTH=LOGIN",
    [CAP_AUTH_CRAM_MD5] = "AUTH=CRAM-MD5",
    [CAP_AUTH_SCRAM_SHA_1] = "AUTH=SCRAM-SHA-1",
    [CAP_AUTH_SCRAM_SHA_256] = "AUTH=SCRAM-SHA-256",
    [CAP_AUTH_SCRAM_SHA_256_PLUS] = "AUTH=SCRAM-SHA-256-PLUS",
    [CAP_AUTH_EXTERNAL] = "AUTH=EXTERNAL",
    [CAP_AUTH_GSSAPI] = "AUTH=GSSAPI",
    [CAP_AUTH_XOAUTH2] = "AUTH=XOAUTH2",
    [CAP_AUTH_OAUTHBEARER] = "AUTH=OAUTHBEARER",
    [CAP_ESORT] = "ESORT",
    [CAP_SORT_DISPLAY] = "SORT=DISPLAY",
    [CAP_THREAD_REFERENCES] = "THREAD=REFERENCES",
    [CAP_THREAD_ORDEREDSUBJECT] = "THREAD=ORDEREDSUBJECT",
    [CAP_THREAD_REFS] = "THREAD=REFS",
    [CAP_SEARCH_FUZZY] = "SEARCH=FUZZY",
    [CAP_CONTEXT_SEARCH] = "CONTEXT=SEARCH",
    [CAP_LIST_MYRIGHTS] = "LIST-MYRIGHTS",
    [CAP_LIST_METADATA] = "LIST-METADATA",
    [CAP_RIGHTS] = "RIGHTS=texk",
    [CAP_QUOTASET] = "QUOTASET",
    [CAP_QUOTA_RES_STORAGE] = "QUOTA=RES-STORAGE",
    [CAP_QUOTA_RES_MESSAGE] = "QUOTA=RES-MESSAGE",
    [CAP_QUOTA_RES_MAILBOX] = "QUOTA=RES-MAILBOX",
    [CAP_QUOTA_RES_ANNOTATION_STORAGE] = "QUOTA=RES-ANNOTATION-STORAGE",
    [CAP_CATENATE] = "CATENATE",
};

_Static_assert(CAP_COUNT <= 128, "struct capabilities has 128 bits");

const char *capability_name(enum capability cap)
{
    assert(cap < CAP_COUNT);
    return capability_names[cap];
}

static bool capability_lookup(struct str name, enum capability *out)
{
    unsigned char first = name.len > 0 ? char_upper((unsigned char)name.ptr[0]) : 0;
    for (unsigned cap = 0; cap < CAP_COUNT; cap++) {
        if (first != (unsigned char)capability_names[cap][0]) {
            continue;
        }
        if (str_eq_nocase(name, str_from(capability_names[cap]))) {
            *out = (enum capability)cap;
            return true;
        }
    }
    return false;
}

/* The two that may carry a number behind `=`. */
static bool capability_has_number(enum capability cap)
{
    return cap == CAP_APPENDLIMIT || cap == CAP_MESSAGELIMIT;
}

/* Splits "APPENDLIMIT=35651584"; *parameter is empty for all others. */
static bool capability_split(struct str word, enum capability *cap, struct str *parameter)
{
    *parameter = STR_EMPTY;
    if (capability_lookup(word, cap)) {
        return true;
    }
    struct str name;
    struct str rest = word;
    if (!str_split(&rest, '=', &name) || !capability_lookup(name, cap) ||
        !capability_has_number(*cap)) {
        return false;
    }
    *parameter = rest;
    return true;
}

bool capability_parse(struct str name, enum capability *out)
{
    struct str parameter;
    return capability_split(name, out, &parameter);
}

bool capabilities_have(const struct capabilities *caps, enum capability cap)
{
    assert(cap < CAP_COUNT);
    return (caps->bits[cap / 64] >> (cap % 64) & 1) != 0;
}

void capabilities_set(struct capabilities *caps, enum capability cap, bool on)
{
    assert(cap < CAP_COUNT);
    uint64_t bit = UINT64_C(1) << (cap % 64);
    if (on) {
        caps->bits[cap / 64] |= bit;
    } else {
        caps->bits[cap / 64] &= ~bit;
    }
}

static void capabilities_add(struct capabilities *caps, struct str word)
{
    enum capability cap;
    struct str parameter;
    if (str_eq_nocase(word, STR("UTF8=ONLY"))) {
        word = STR("UTF8=ACCEPT"); /* RFC 6855 section 6: ONLY implies ACCEPT */
    }
    if (str_starts_nocase(word, STR("RIGHTS="))) {
        word = STR("RIGHTS=texk"); /* the letters come in any order */
    }
    if (!capability_split(word, &cap, &parameter)) {
        return;
    }
    capabilities_set(caps, cap, true);
    if (cap == CAP_QRESYNC) {
        capabilities_set(caps, CAP_CONDSTORE, true); /* RFC 7162 section 3.2.3 */
    }
    if (cap == CAP_METADATA) {
        capabilities_set(caps, CAP_METADATA_SERVER, true); /* RFC 5464 section 1 */
    }
    if (cap == CAP_APPENDLIMIT && !str_to_u64(parameter, &caps->append_limit)) {
        caps->append_limit = 0;
    }
    if (cap == CAP_MESSAGELIMIT && !str_to_u32(parameter, &caps->message_limit)) {
        caps->message_limit = 0;
    }
}

bool capabilities_read(struct reader *r, struct capabilities *out)
{
    *out = (struct capabilities){0};
    bool literal = false; /* the name before was LITERAL, without its sign */
    (void)reader_accept_sp(r);
    for (unsigned count = 0; !reader_at_crlf(r) && reader_peek(r) != ']'; count++) {
        struct str word;
        if (count == LIMIT_CAPABILITIES) {
            return reader_fail(r, "more than %d capabilities", LIMIT_CAPABILITIES);
        }
        if (!reader_expect_view(r, CHAR_ATOM | CHAR_8BIT, &word)) {
            return false;
        }
        if (literal && str_eq(word, STR("+"))) {
            capabilities_set(out, CAP_LITERAL_PLUS, true);
        }
        literal = str_eq_nocase(word, STR("LITERAL"));
        capabilities_add(out, word);
        (void)reader_accept_sp(r);
    }
    return !reader_failed(r);
}

void capabilities_write(struct writer *w, const struct capabilities *caps)
{
    const char *before = "";
    for (unsigned cap = 0; cap < CAP_COUNT; cap++) {
        if (!capabilities_have(caps, (enum capability)cap)) {
            continue;
        }
        writer_cstr(w, before);
        writer_cstr(w, capability_names[cap]);
        before = " ";
        if (cap == CAP_APPENDLIMIT && caps->append_limit != 0) {
            writer_byte(w, '=');
            writer_number(w, caps->append_limit);
        }
        if (cap == CAP_MESSAGELIMIT && caps->message_limit != 0) {
            writer_byte(w, '=');
            writer_number(w, caps->message_limit);
        }
    }
}
