#include "base/alloc.h"
#include "config/suggest.h"
#include "cmd/command.h"
#include <stdarg.h>
#include <stdio.h>

/* The option's own names take up to here. */
#define HELP_COLUMN 26

struct parse {
    struct invocation *invocation;
    const struct option *options;
    size_t len;
    struct option common[3];
    bool help, version;
};

static void print_option(const struct option *o)
{
    char left[64];
    (void)snprintf(left, sizeof left, "  %c%c%s--%s%s%s", o->letter == 0 ? ' ' : '-',
                   o->letter == 0 ? ' ' : o->letter, o->letter == 0 ? "  " : ", ", o->name,
                   o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
    printf("%-*s %s\n", HELP_COLUMN, left, o->help);
}

static void print_help(const struct parse *p, const char *help)
{
    const struct verb *verb = p->invocation->verb;
    printf("usage: maildird %s%s%s%s\n\n%s\n\noptions:\n", verb->name,
           p->len > 0 ? " [OPTION…]" : "", verb->arguments[0] == '\0' ? "" : " ", verb->arguments,
           verb->summary);
    for (size_t i = 0; i < p->len; i++) {
        print_option(&p->options[i]);
    }
    for (size_t i = 0; i < sizeof p->common / sizeof *p->common; i++) {
        print_option(&p->common[i]);
    }
    if (help != NULL) {
        printf("\n%s", help);
    }
    printf("\nExit codes: see `maildird --help`. More: maildird(1), maildird.yaml(5).\n");
}

int usage_error(const struct verb *verb, const char *format, ...)
{
    va_list args;
    fputs("maildird: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry `maildird %s%s--help`.\n", verb == NULL ? "" : verb->name,
            verb == NULL ? "" : " ");
    return EXIT_USAGE;
}

/* The verb's own come first, so that they may use a letter otherwise. */
static const struct option *option_at(const struct parse *p, size_t i)
{
    size_t common = sizeof p->common / sizeof *p->common;
    if (i < p->len) {
        return &p->options[i];
    }
    return i < p->len + common ? &p->common[i - p->len] : NULL;
}

static int unknown_option(const struct parse *p, const char *name)
{
    struct suggest near;
    const struct option *o;
    suggest_begin(&near, name);
    for (size_t i = 0; (o = option_at(p, i)) != NULL; i++) {
        suggest_offer(&near, o->name);
    }
    if (near.best != NULL) {
        return usage_error(p->invocation->verb, "unknown option --%s; did you mean --%s?", name,
                           near.best);
    }
    return usage_error(p->invocation->verb, "unknown option --%s", name);
}

static const struct option *find_long(const struct parse *p, struct str name)
{
    const struct option *o;
    for (size_t i = 0; (o = option_at(p, i)) != NULL; i++) {
        if (str_eq(str_from(o->name), name)) {
            return o;
        }
    }
    return NULL;
}

static const struct option *find_letter(const struct parse *p, char letter)
{
    const struct option *o;
    for (size_t i = 0; (o = option_at(p, i)) != NULL; i++) {
        if (o->letter == letter) {
            return o;
        }
    }
    return NULL;
}

/* Takes the option's value from `attached` or from the next word. 0 or an exit code. */
static int take(const struct parse *p, const struct option *o, const char *attached, int *at)
{
    struct invocation *v = p->invocation;
    if (o->value == NULL) {
        if (attached != NULL) {
            return usage_error(v->verb, "--%s takes no value", o->name);
        }
        *o->flag = true;
        return 0;
    }
    if (attached == NULL && *at + 1 >= v->argc) {
        return usage_error(v->verb, "--%s needs a value: %s", o->name, o->value);
    }
    const char *value = attached != NULL ? attached : v->argv[++*at];
    if (o->list != NULL) {
        o->list->items[o->list->len++] = value;
    } else {
        *o->text = value;
    }
    return 0;
}

static int read_long(const struct parse *p, const char *word, int *at)
{
    const char *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const struct option *o = find_long(p, str_make(word, len));
    if (o == NULL) {
        AUTO_FREE char *name = xstrndup(word, len);
        return unknown_option(p, name);
    }
    return take(p, o, equals == NULL ? NULL : equals + 1, at);
}

/* One or several letters; the last may have its value behind it. */
static int read_letters(const struct parse *p, const char *letters, int *at)
{
    for (const char *c = letters; *c != '\0'; c++) {
        const struct option *o = find_letter(p, *c);
        if (o == NULL) {
            return usage_error(p->invocation->verb, "unknown option -%c", *c);
        }
        bool takes_rest = o->value != NULL && c[1] != '\0';
        int failed = take(p, o, takes_rest ? c + 1 : NULL, at);
        if (failed != 0 || takes_rest) {
            return failed;
        }
    }
    return 0;
}

static int read_all(const struct parse *p, struct arguments *out)
{
    struct invocation *v = p->invocation;
    bool ended = false;
    for (int at = 0; at < v->argc; at++) {
        const char *word = v->argv[at];
        int failed = 0;
        bool plain = v->verb->plain_after > 0 && out->len >= v->verb->plain_after && word[1] != '-';
        if (ended || plain || word[0] != '-' || word[1] == '\0') {
            out->items[out->len++] = word;
        } else if (strcmp(word, "--") == 0) {
            ended = true;
        } else if (word[1] == '-') {
            failed = read_long(p, word + 2, &at);
        } else {
            failed = read_letters(p, word + 1, &at);
        }
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

bool options_read(struct invocation *invocation, const struct option *options, size_t len,
                  const char *help, struct arguments *out, int *exit_out)
{
    struct parse p = {.invocation = invocation, .options = options, .len = len};
    p.common[0] = (struct option){
        'c', "config", "FILE", "the configuration", NULL, &invocation->config_path, NULL};
    p.common[1] = (struct option){'h', "help", NULL, "show this", &p.help, NULL, NULL};
    p.common[2] = (struct option){0, "version", NULL, "show the version", &p.version, NULL, NULL};
    out->items = xcalloc((size_t)invocation->argc + 1, sizeof *out->items);
    out->len = 0;
    *exit_out = read_all(&p, out);
    if (*exit_out == 0 && !p.help && !p.version) {
        return true;
    }
    if (*exit_out == 0 && p.help) {
        print_help(&p, help);
    } else if (*exit_out == 0) {
        printf("maildird %s\n", MAILDIRD_VERSION);
    }
    free(out->items);
    *out = (struct arguments){0};
    return false;
}
