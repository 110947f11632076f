#include "daemon/control_client.h"

#include "base/alloc.h"
#include "base/files.h"
#include "net/stream.h"
#include "daemon/control_errors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct control_client {
    struct stream *stream;
    struct buf in;
};

static int no_daemon(const char *path, struct error *err)
{
    return error_set(err, ERR_NOT_FOUND, SCOPE_ACCOUNT,
                     "no daemon listens at %s; start it with `systemctl --user start maildird` or "
                     "`maildird daemon`",
                     path);
}

static int connect_to(const char *path, int *fd_out, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path)
        return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "the path of the socket is too long: %s",
                         path);
    memcpy(address.sun_path, path, len);
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, ERR_NETWORK, SCOPE_ACCOUNT, errno, "cannot make a socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
            return no_daemon(path, err);
        return error_set_errno(err, ERR_NETWORK, SCOPE_ACCOUNT, errno,
                               "cannot reach the daemon at %s", path);
    }
    *fd_out = fd;
    fd = -1;
    return 0;
}

int control_connect(const char *path, const struct wake *wake, const struct clock *clock,
                    struct control_client **out, struct error *err)
{
    int fd = -1;
    int r = connect_to(path, &fd, err);
    if (r < 0)
        return r;
    struct control_client *client = xcalloc(1, sizeof *client);
    client->stream = stream_from_fd(fd, wake, clock);
    buf_init(&client->in, VARLINK_MESSAGE_MAX);
    *out = client;
    return 0;
}

void control_close(struct control_client **client)
{
    if (*client == NULL)
        return;
    stream_close(&(*client)->stream);
    buf_free(&(*client)->in);
    xfree(client);
}

int control_call(struct control_client *client, const char *method, json_t *parameters, bool more,
                 struct error *err)
{
    AUTO_BUF struct buf out = BUF_INIT(VARLINK_MESSAGE_MAX);
    AUTO_BUF struct buf name = BUF_INIT(1024);
    buf_addf(&name, "%s%s", strchr(method, '.') == NULL ? "org.maildird." : "", method);
    varlink_write_call(&out, name.data, parameters, more);
    int r = buf_check(&out, "the call", SCOPE_ACCOUNT, err);
    if (r == 0)
        r = stream_write(client->stream, out.data, out.len, err);
    return r < 0 ? r : stream_flush(client->stream, err);
}

static int read_more(struct control_client *client, struct error *err)
{
    char *room = buf_reserve(&client->in, 16 * 1024);
    if (room == NULL)
        return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "the daemon's answer is too long");
    ssize_t got = stream_read(client->stream, room, 16 * 1024, err);
    if (got < 0)
        return (int)got;
    if (got == 0)
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "the daemon closed the connection");
    buf_commit(&client->in, (size_t)got);
    return 0;
}

static int take_reply(struct str text, json_t **parameters_out, struct error *err)
{
    struct varlink_reply reply;
    int r = varlink_reply_read(text, &reply, err);
    if (r < 0)
        return error_wrap(err, "the daemon's answer");
    if (reply.error != NULL) {
        const char *words = json_string_value(json_object_get(reply.parameters, "text"));
        error_set(err, control_error_code(reply.error), SCOPE_ACCOUNT, "%s",
                  words != NULL ? words : reply.error);
        r = -(int)err->code;
    } else {
        *parameters_out = json_incref(reply.parameters);
        r = reply.continues;
    }
    varlink_reply_free(&reply);
    return r;
}

int control_reply(struct control_client *client, json_t **parameters_out, struct error *err)
{
    struct str text;
    while (!varlink_next(&client->in, &text)) {
        int r = read_more(client, err);
        if (r < 0)
            return r;
    }
    int r = take_reply(text, parameters_out, err);
    buf_consume(&client->in, text.len + 1);
    return r;
}

int control_ask(struct control_client *client, const char *method, json_t *parameters,
                json_t **parameters_out, struct error *err)
{
    int r = control_call(client, method, parameters, false, err);
    if (r == 0)
        r = control_reply(client, parameters_out, err);
    return r < 0 ? r : 0;
}
