/* XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628): what is sent, and what the server answers to a
 * token that it does not take. */
#include "imap/sasl.h"
#include <assert.h>
#include <jansson.h>
#include <stdio.h>

/* A name in a GS2 header (RFC 5801 section 4). */
static void add_gs2_name(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == ',') {
            buf_add_cstr(out, "=2C");
        } else if (*name == '=') {
            buf_add_cstr(out, "=3D");
        } else {
            buf_add_byte(out, *name);
        }
    }
}

void sasl_oauth_payload(enum sasl_mechanism mechanism, const struct sasl_credentials *credentials,
                        struct buf *out)
{
    assert(mechanism == SASL_XOAUTH2 || mechanism == SASL_OAUTHBEARER);
    const char *user =
        credentials->authorize_as != NULL ? credentials->authorize_as : credentials->user;
    if (mechanism == SASL_XOAUTH2) {
        buf_add_cstr(out, "user=");
        buf_add_cstr(out, user);
    } else {
        buf_add_cstr(out, "n,a=");
        add_gs2_name(out, user);
        buf_add_byte(out, ',');
        if (credentials->host != NULL) {
            buf_add_cstr(out, "\1host=");
            buf_add_cstr(out, credentials->host);
        }
        if (credentials->port != 0) {
            buf_addf(out, "\1port=%u", credentials->port);
        }
    }
    buf_add_cstr(out, "\1auth=Bearer ");
    buf_add_cstr(out, credentials->token);
    buf_add_cstr(out, "\1\1");
}

/* ", name value" of a member that is a string or number. */
static void add_member(struct buf *out, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *before = out->len > 0 ? ", " : "";
    if (json_is_string(value)) {
        buf_addf(out, "%s%s %s", before, name, json_string_value(value));
    } else if (json_is_integer(value)) {
        buf_addf(out, "%s%s %lld", before, name, (long long)json_integer_value(value));
    }
}

void sasl_oauth_error_words(struct str json, char *out, size_t size)
{
    static const char *const members[] = {"status", "error", "error_description", "scope",
                                          "schemes"};
    struct buf words AUTO_BUF = BUF_INIT(4096);
    json_error_t ignored;
    assert(size > 0);
    json_t *object = json_loadb(json.len > 0 ? json.ptr : "", json.len, 0, &ignored);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        add_member(&words, object, members[i]);
    }
    json_decref(object);
    struct str text = words.len > 0 ? buf_str(&words) : json;
    text = text.len > 0 ? text : STR("the server gives no reason");
    text = str_sub(text, 0, size - 1);
    memcpy(out, text.ptr, text.len);
    out[str_make_printable(out, text.len)] = '\0';
}
