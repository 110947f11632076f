/* `maildird wire`: takes a recorded conversation apart. */
#include "base/alloc.h"
#include "imap/dissect.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include "cmd/outline.h"
#include "cmd/unit_json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_BAD_UNITS = 1, EXIT_READ = 74, EXIT_WRITE = 73 };

static const char help[] =
    "Reads what passed between an IMAP client and a server, either side or both, and shows each\n"
    "command and response: where it begins, who speaks, tag, name, and what it says. The input is\n"
    "raw, as from a socket, or lines that begin with \"C: \" and \"S: \", or what --trace wrote.\n"
    "Without FILE it is standard input. What cannot be parsed is told with its reason, and the\n"
    "exit code is 1.\n"
    "Passwords are not shown; literals over 4096 bytes are told by their size.\n";

/* ---- input ---- */

static ssize_t read_input(void *self, void *out, size_t size, struct error *err)
{
    const int *fd = self;
    ssize_t got;
    do {
        got = read(*fd, out, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot read the input");
    }
    return got;
}

/* ---- output ---- */

static int check_output(struct error *err)
{
    return ferror(stdout) == 0
               ? 0
               : error_set(err, ERR_WRITE, SCOPE_ACCOUNT, "cannot write to standard output");
}

static int print_json(void *self, const struct dissect_unit *unit, struct error *err)
{
    json_t *document = unit_json(unit);
    json_print(&document);
    return check_output(err);
}

static void add_member(struct buf *line, const char *before, const json_t *value, const char *after)
{
    if (value != NULL) {
        buf_add_cstr(line, before);
        outline_line(line, value);
        buf_add_cstr(line, after);
    }
}

static void add_code(struct buf *line, const json_t *code)
{
    if (code != NULL) {
        add_member(line, " [", json_object_get(code, "name"), "");
        add_member(line, " ", json_object_get(code, "data"), "");
        buf_add_byte(line, ']');
    }
}

/* "     120  S  *  12 FETCH uid=7 flags=(\Seen)" */
static int print_text(void *self, const struct dissect_unit *unit, struct error *err)
{
    static const char *const marks[] = {
        [DISSECT_COMMAND] = "-", [DISSECT_CONTINUATION] = "+", [DISSECT_UNTAGGED] = "*",
        [DISSECT_TAGGED] = "-",  [DISSECT_ERROR] = "!",
    };
    struct buf line = BUF_INIT(SIZE_MAX / 2);
    json_t *document = unit_json(unit);
    const json_t *tag = json_object_get(document, "tag");
    buf_addf(&line, "%8llu  %c  ", (unsigned long long)unit->offset,
             unit->direction == DISSECT_CLIENT ? 'C' : 'S');
    add_member(&line, "", tag, "");
    buf_add_cstr(&line, tag == NULL ? marks[unit->kind] : "");
    add_member(&line, " ", json_object_get(document, "number"), "");
    if (unit->name.len > 0) {
        buf_addf(&line, " %.*s", STR_ARG(unit->name));
    }
    add_code(&line, json_object_get(document, "code"));
    add_member(&line, " ", json_object_get(document, "text"), "");
    add_member(&line, "  ", json_object_get(document, "data"), "");
    add_member(&line, " ", json_object_get(document, "error"), "");
    json_decref(document);
    (void)fwrite(line.data, 1, line.len, stdout);
    (void)putchar('\n');
    buf_free(&line);
    return check_output(err);
}

/* ---- the verb ---- */

static int dissect_fd(int fd, bool json)
{
    struct error err = ERROR_INIT;
    uint64_t bad_units = 0;
    const struct reader_source source = {.read = read_input, .self = &fd};
    const struct dissect_visitor visitor = {.unit = json ? print_json : print_text};
    if (dissect(&source, &visitor, &bad_units, &err) < 0) {
        (void)command_failed(&err);
        return err.code == ERR_WRITE ? EXIT_WRITE : EXIT_READ;
    }
    return bad_units > 0 ? EXIT_BAD_UNITS : 0;
}

static int wire_main(const char *path, bool json)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        return dissect_fd(STDIN_FILENO, json);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "maildird: cannot open %s: %s\n", path, strerror(errno));
        return EXIT_READ;
    }
    int exit_code = dissect_fd(fd, json);
    close(fd);
    return exit_code;
}

static int run(struct invocation *invocation)
{
    bool json = false;
    const struct option options[] = {
        {0, "json", NULL, "a JSON object a line for each command and response", &json, NULL, NULL},
    };
    struct arguments arguments;
    int exit_code;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (arguments.len > 1) {
        exit_code = usage_error(invocation->verb, "one file at a time");
    } else {
        exit_code = wire_main(arguments.len == 1 ? arguments.items[0] : NULL, json);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_wire = {
    .name = "wire",
    .arguments = "[FILE]",
    .summary = "take a recorded IMAP conversation apart",
    .run = run,
};
