#include "base/alloc.h"
#include "config/secret.h"
#include "cmd/command.h"
#include <stdio.h>

static const char help[] =
    "Reads the configuration, tells all that is wrong in it as FILE:LINE: …, and lists the\n"
    "accounts. Looks at no secret and no network.\n";

static void list_accounts(const struct config *config)
{
    for (size_t i = 0; i < config->accounts_len; i++) {
        const struct config_account *a = &config->accounts[i];
        const char *user = a->user != NULL                   ? a->user
                           : secret_is_set(&a->user_command) ? "(user_command)"
                                                             : "(as the server knows)";
        if (a->tunnel != NULL) {
            printf("%s: through a tunnel, in %s\n", a->name, a->maildir.root);
        } else {
            printf("%s: %s at %s:%u, in %s\n", a->name, user, a->host, a->port, a->maildir.root);
        }
    }
    printf("%s: %zu account%s, ok\n", config->path, config->accounts_len,
           config->accounts_len == 1 ? "" : "s");
}

static void print_buf(struct buf *out)
{
    (void)fwrite(out->data, 1, out->len, stdout);
    buf_free(out);
}

static int check(const struct invocation *invocation, bool show)
{
    int exit_code = 0;
    struct config *config = command_config(invocation, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    if (show) {
        struct buf text = BUF_INIT(SIZE_MAX / 2);
        config_show(config, &text);
        print_buf(&text);
    } else {
        list_accounts(config);
    }
    config_free(&config);
    return 0;
}

static int run(struct invocation *invocation)
{
    bool show = false, schema = false;
    const struct option options[] = {
        {0, "show", NULL, "show every setting, defaults included; secrets as …", &show, NULL, NULL},
        {0, "schema", NULL, "show a JSON schema of the configuration", &schema, NULL, NULL},
    };
    struct arguments arguments;
    int exit_code;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    size_t len = arguments.len;
    if (len > 0) {
        invocation->config_path = arguments.items[0];
    }
    free(arguments.items);
    if (len > 1) {
        return usage_error(invocation->verb, "one file at a time");
    }
    if (show && schema) {
        return usage_error(invocation->verb, "--show and --schema exclude each other");
    }
    if (!schema) {
        return check(invocation, show);
    }
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    config_schema(&text);
    print_buf(&text);
    return 0;
}

const struct verb verb_check = {
    .name = "check",
    .arguments = "[FILE]",
    .summary = "check the configuration, offline",
    .run = run,
};
