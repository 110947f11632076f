#include "server/session_private.h"

void reply_set(struct command *c, enum imap_status status, enum response_code code,
               const char *text)
{
    c->reply.status = status;
    c->reply.code = code;
    c->reply.text = str_from(text);
}

void reply_ok(struct command *c, const char *text)
{
    reply_set(c, STATUS_OK, CODE_NONE, text);
}

void reply_no(struct command *c, enum response_code code, const char *text)
{
    reply_set(c, STATUS_NO, code, text);
}

void reply_bad(struct command *c, const char *text)
{
    reply_set(c, STATUS_BAD, CODE_NONE, text);
}

void reply_error(struct command *c, const struct error *err)
{
    static const struct {
        enum error_code error;
        enum response_code code;
    } codes[] = {
        {ERR_NOT_FOUND, CODE_NONEXISTENT},     {ERR_EXISTS, CODE_ALREADYEXISTS},
        {ERR_AUTH, CODE_AUTHENTICATIONFAILED}, {ERR_REFUSED, CODE_CANNOT},
        {ERR_UNSUPPORTED, CODE_CANNOT},
    };
    enum response_code code = CODE_SERVERBUG;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].error == err->code) {
            code = codes[i].code;
        }
    }
    for (unsigned i = CODE_OTHER + 1; err->response_code[0] != '\0' && i < CODE_COUNT; i++) {
        if (strcmp(err->response_code, response_code_name((enum response_code)i)) == 0) {
            code = (enum response_code)i;
        }
    }
    reply_no(c, code, arena_strdup(c->arena, err->text));
}

uint64_t fault_lie(const struct session *s, enum fault_kind kind, uint64_t true_value)
{
    const struct fault *lie = fault_of_kind(s->options.faults, kind);
    return lie != NULL ? true_value + lie->value : true_value;
}

bool fault_hides(const struct session *s, uint32_t uid)
{
    const struct fault *fault = fault_of_kind(s->options.faults, FAULT_MISSING_UID);
    return fault != NULL && fault->value == uid;
}

void fault_tell_exists(struct session *s, size_t exists)
{
    writer_format(&s->out, "* %llu EXISTS\r\n",
                  (unsigned long long)fault_lie(s, FAULT_LIE_EXISTS, exists));
}

void untagged_number(struct session *s, enum response_code code, uint64_t number, const char *text)
{
    struct imap_response_status status = {
        .status = STATUS_OK, .code = code, .number = number, .text = str_from(text)};
    writer_cstr(&s->out, "* ");
    imap_response_status_write(&s->out, &status);
}
