#include "base/alloc.h"
#include "cmd/init.h"
#include <jansson.h>
#include <stdlib.h>

/* JSON's strings are YAML's too; what is plain without doubt stays so. */
static void add_value(struct buf *out, const char *key, const char *value, const char *comment)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@-~";
    bool letters = strpbrk(value, "./@") != NULL && value[0] != '-' && value[0] != '@';
    buf_addf(out, "    %s: ", key);
    if (letters && value[strspn(value, plain)] == '\0') {
        buf_add_cstr(out, value);
    } else {
        json_t *text = json_string(value);
        char *quoted = text == NULL ? NULL : json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        buf_add_cstr(out, quoted == NULL ? "\"\"" : quoted);
        free(quoted);
        json_decref(text);
    }
    buf_addf(out, "%s%s\n", comment == NULL ? "" : "    # ", comment == NULL ? "" : comment);
}

static void add_server(const struct setup *s, struct buf *out)
{
    if (s->provider != NULL) {
        buf_addf(out, "    provider: %s    # fills in host, port and what is special there\n",
                 s->provider->name);
    }
    if (s->host != NULL) {
        add_value(out, "host", s->host, NULL);
    }
    if (s->port != 0) {
        buf_addf(out, "    port: %u\n", s->port);
    }
    if (s->tls != CONFIG_TLS_IMPLICIT) {
        buf_addf(out, "    tls: %s\n", s->tls == CONFIG_TLS_STARTTLS ? "starttls" : "off");
    }
    if (s->ca_file != NULL) {
        add_value(out, "tls_ca_file", s->ca_file, NULL);
    }
}

void setup_yaml(const struct setup *s, struct buf *out)
{
    buf_add_cstr(
        out, "# The configuration of maildird: maildird.yaml(5) lists every key. After a change:\n"
             "#     maildird check\n"
             "#     maildird sync --dry-run\n"
             "#\n"
             "# hooks:\n"
             "#   new_mail: notmuch new     # run by sh when unseen mail has arrived\n"
             "\n"
             "accounts:\n");
    buf_addf(out, "  %s:\n", s->name);
    add_server(s, out);
    add_value(out, "user", s->user, NULL);
    if (s->token_command != NULL) {
        add_value(out, "token_command", s->token_command, "prints an OAuth access token");
    }
    if (s->password_command != NULL) {
        add_value(out, "password_command", s->password_command, "its first line is the password");
    }
    if (s->password_file != NULL) {
        add_value(out, "password_file", s->password_file, "its first line is the password");
    }
    add_value(out, "maildir", s->maildir, NULL);
    buf_add_cstr(
        out,
        "    # mailboxes:\n"
        "    #   patterns: [\"*\", \"!\\\\Junk\"]    # the last that matches wins; ! leaves out\n"
        "    # sync:\n"
        "    #   direction: pull         # nothing done here reaches the server\n"
        "    #   max_size: 50M           # larger messages stay on the server\n");
}

const char *shell_words(struct arena *arena, const char *const *words)
{
    AUTO_BUF struct buf out = BUF_INIT(4096);
    for (; *words != NULL; words++) {
        buf_add_cstr(&out, out.len == 0 ? "'" : " '");
        for (const char *c = *words; *c != '\0'; c++) {
            if (*c == '\'') {
                buf_add_cstr(&out, "'\\''");
            } else {
                buf_add_byte(&out, *c);
            }
        }
        buf_add_byte(&out, '\'');
    }
    return arena_str(arena, buf_str(&out)).ptr;
}
