#include "base/alloc.h"
#include "cmd/command.h"

static int run(struct invocation *invocation)
{
    struct arguments arguments;
    int exit_code;
    if (!options_read(invocation, NULL, 0, NULL, &arguments, &exit_code)) {
        return exit_code;
    }
    const char *name = arguments.len > 0 ? arguments.items[0] : NULL;
    free(arguments.items);
    if (name == NULL) {
        main_help();
        return 0;
    }
    char word[] = "--help";
    struct invocation other = {.verb = verb_find(name), .argc = 1, .argv = (char *[]){word, NULL}};
    return other.verb == NULL ? EXIT_USAGE : other.verb->run(&other);
}

const struct verb verb_help = {
    .name = "help",
    .arguments = "[VERB]",
    .summary = "show this, or the help of a verb",
    .run = run,
};
