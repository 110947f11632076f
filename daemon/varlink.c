#include "daemon/varlink.h"

#include <string.h>

bool varlink_next(const struct buf *in, struct str *out)
{
    const char *end = in->len > 0 ? memchr(in->data, '\0', in->len) : NULL;
    if (end == NULL)
        return false;
    *out = (struct str){in->data, (size_t)(end - in->data)};
    return true;
}

static int read_object(struct str text, json_t **message, json_t **parameters, struct error *err)
{
    json_error_t problem;
    *message = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &problem);
    if (*message == NULL)
        return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "not JSON: %s", problem.text);
    json_t *found = json_object_get(*message, "parameters");
    if (json_is_object(*message) && found == NULL) {
        found = json_object();
        json_object_set_new(*message, "parameters", found);
    }
    *parameters = found;
    if (json_is_object(found))
        return 0;
    json_decref(*message);
    *message = NULL;
    return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "not a varlink message");
}

int varlink_call_read(struct str text, struct varlink_call *out, struct error *err)
{
    *out = (struct varlink_call){0};
    int r = read_object(text, &out->message, &out->parameters, err);
    if (r < 0)
        return r;
    out->method = json_string_value(json_object_get(out->message, "method"));
    out->more = json_is_true(json_object_get(out->message, "more"));
    out->oneway = json_is_true(json_object_get(out->message, "oneway"));
    if (out->method != NULL)
        return 0;
    varlink_call_free(out);
    return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "a varlink message without a method");
}

void varlink_call_free(struct varlink_call *call)
{
    json_decref(call->message);
    *call = (struct varlink_call){0};
}

int varlink_reply_read(struct str text, struct varlink_reply *out, struct error *err)
{
    *out = (struct varlink_reply){0};
    int r = read_object(text, &out->message, &out->parameters, err);
    if (r < 0)
        return r;
    out->error = json_string_value(json_object_get(out->message, "error"));
    out->continues = json_is_true(json_object_get(out->message, "continues"));
    return 0;
}

void varlink_reply_free(struct varlink_reply *reply)
{
    json_decref(reply->message);
    *reply = (struct varlink_reply){0};
}

static int add_bytes(const char *data, size_t len, void *out)
{
    buf_add(out, data, len);
    return 0;
}

static void write_message(struct buf *out, json_t *message)
{
    (void)json_dump_callback(message, add_bytes, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
    buf_add_byte(out, '\0');
    json_decref(message);
}

static json_t *with_parameters(json_t *parameters)
{
    json_t *message = json_object();
    json_object_set_new(message, "parameters", parameters != NULL ? parameters : json_object());
    return message;
}

void varlink_write_call(struct buf *out, const char *method, json_t *parameters, bool more)
{
    json_t *message = with_parameters(parameters);
    json_object_set_new(message, "method", json_string(method));
    if (more)
        json_object_set_new(message, "more", json_true());
    write_message(out, message);
}

void varlink_write_reply(struct buf *out, json_t *parameters, bool continues)
{
    json_t *message = with_parameters(parameters);
    if (continues)
        json_object_set_new(message, "continues", json_true());
    write_message(out, message);
}

void varlink_write_error(struct buf *out, const char *error, json_t *parameters)
{
    json_t *message = with_parameters(parameters);
    json_object_set_new(message, "error", json_string(error));
    write_message(out, message);
}
