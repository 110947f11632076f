/* What is known of providers, and what it does to an account. */
#include "base/files.h"
#include "config/config.h"
#include "config/provider.h"
#include "core/base/scratch.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

static void tell(void *self, const char *file, unsigned line, const char *text)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

static struct config *load(const char *text)
{
    const struct config_problems problems = {tell, NULL};
    struct error err = ERROR_INIT;
    struct config *config = NULL;
    char *dir = scratch_new();
    AUTO_FREE char *path = path_join(dir, "config.yaml");
    assert_int_equal(file_replace(path, str_from(text), 0600, &err), 0);
    if (config_load(path, &problems, &config, &err) < 0) {
        fail_msg("%s\n%s", err.text, text);
    }
    scratch_free(&dir);
    return config;
}

static void every_provider_is_complete(void **state)
{
    for (const struct provider *p = providers; p->name != NULL; p++) {
        AUTO_FREE char *text =
            xasprintf("accounts:\n  a:\n    provider: %s\n    user: u\n    maildir: /m\n"
                      "    token_command: t\n    password_file: p\n",
                      p->name);
        struct config *config = load(text);
        assert_non_null(config->accounts[0].host);
        assert_string_equal(config->accounts[0].provider, p->name);
        config_free(&config);
    }
}

static void what_is_given_comes_before_the_provider(void **state)
{
    struct config *config =
        load("defaults:\n  connections: 7\n  provider: yahoo\n  user: u\n  password_file: p\n"
             "accounts:\n  a:\n    maildir: /a\n"
             "  b:\n    maildir: /b\n    provider: gmail\n"
             "  c:\n    maildir: /c\n    provider: protonmail\n    port: 2143\n    tls: off\n"
             "    mailboxes: {patterns: [A]}\n");
    const struct config_account *a = config->accounts;
    assert_string_equal(a[0].host, "imap.mail.yahoo.com");
    assert_int_equal(a[0].connections, 7);
    assert_string_equal(a[1].host, "imap.gmail.com");
    assert_string_equal(a[1].patterns.items[1], "!\\All");
    assert_string_equal(a[2].host, "127.0.0.1");
    assert_int_equal(a[2].port, 2143);
    assert_int_equal(a[2].tls, CONFIG_TLS_OFF);
    assert_int_equal(a[2].patterns.len, 1);
    config_free(&config);
}

static void providers_are_found_by_domain(void **state)
{
    assert_string_equal(provider_of_domain(STR("Googlemail.COM"))->name, "gmail");
    assert_string_equal(provider_of_domain(STR("web.de"))->name, "web.de");
    assert_null(provider_of_domain(STR("example.org")));
    assert_null(provider_of_domain(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_provider_is_complete),
        cmocka_unit_test(what_is_given_comes_before_the_provider),
        cmocka_unit_test(providers_are_found_by_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
