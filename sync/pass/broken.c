#include "pass/broken.h"

/* Names, each followed by a space. */
#define FACT "broken extensions"
/* Of them, the one that is part of an extension. */
#define MAILBOXID "MAILBOXID"

static int write_fact(struct pass *pass, struct str value, struct error *err)
{
    return pass->options->dry_run ? 0 : pass_fact_put(pass, FACT, value, err);
}

/* Says once that `name` is done without, and remembers that. */
static int note(struct pass *pass, enum capability cap, const char *name, const char *how,
                struct error *err)
{
    struct str known;
    log_warning(&pass->log,
                "the server announces %s, but %s: %s is not used with this server any more (a pass "
                "with --full tries it again)",
                capability_name(cap), how, name);
    int r = pass_fact_get(pass, FACT, &known, err);
    if (r == 0)
        r = write_fact(pass, str_from(arena_printf(pass->arena, "%.*s%s ", STR_ARG(known), name)),
                       err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

int broken_drop(struct pass *pass, enum capability cap, const char *how, struct error *err)
{
    if (!client_has(pass->client, cap))
        return 0;
    client_drop(pass->client, cap);
    return note(pass, cap, capability_name(cap), how, err);
}

int broken_drop_mailboxid(struct pass *pass, const char *how, struct error *err)
{
    if (pass->without_mailboxid)
        return 0;
    pass->without_mailboxid = true;
    return note(pass, CAP_OBJECTID, MAILBOXID, how, err);
}

int broken_apply(struct pass *pass, struct error *err)
{
    /* A dry run could not remember that it is broken still. */
    bool again = pass->options->full && !pass->options->dry_run;
    struct str known;
    struct str name;
    int r = pass_fact_get(pass, FACT, &known, err);
    if (r == 0 && again && known.len > 0)
        r = write_fact(pass, STR_EMPTY, err);
    while (r == 0 && !again && str_split(&known, ' ', &name)) {
        enum capability cap;
        if (str_eq(name, STR(MAILBOXID)))
            pass->without_mailboxid = true;
        else if (capability_parse(name, &cap))
            client_drop(pass->client, cap);
    }
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
