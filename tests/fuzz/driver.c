/*
 * Runs a fuzzer without libFuzzer, understanding the part of its command line that matters here:
 *
 *     fuzz_<name> [-runs=N] [-seed=S] [-dict=FILE] [-max_len=N] [FILE|FOLDER…]
 *
 * Every file once; then N mutations of them, always the same ones for a seed. Without coverage to
 * guide them mutations stay near the corpus; words of the dictionary are put in. The input of a run
 * that ends the process is left in crash-<name>.
 */
#include "base/alloc.h"
#include "base/vec.h"
#include "core/wire/dice.h"
#include "fuzz/fuzz.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1024 * 1024)

VEC_STRUCT(inputs, struct str);

struct options {
    uint64_t runs, seed, max_len;
    struct inputs words, corpus;
};

/* What is being run, for the last words. */
static const uint8_t *current;
static size_t current_len;
static char crash_name[256];

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void keep_input(void)
{
    if (current == NULL) {
        return; /* leaks are found at the end: libFuzzer tells whose */
    }
    int fd = open(crash_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, current, current_len) < 0) {
        perror(crash_name);
    }
    (void)fprintf(stderr, "the input is in %s\n", crash_name);
}

static void on_abort(int number)
{
    keep_input();
    _exit(128 + number);
}

_Noreturn static void give_up(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void read_file(const char *path, struct inputs *out)
{
    struct buf bytes = BUF_INIT(INPUT_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    if (fd < 0) {
        give_up(path);
    }
    do {
        char *room = buf_reserve(&bytes, 65536);
        got = room != NULL ? read(fd, room, 65536) : -1;
        if (got < 0) {
            give_up(path);
        }
        buf_commit(&bytes, (size_t)got);
    } while (got > 0);
    (void)close(fd);
    vec_push(out, buf_str(&bytes));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_path(const char *path, struct inputs *out)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    if (count < 0 && errno == ENOTDIR) {
        read_file(path, out);
        return;
    }
    if (count < 0) {
        give_up(path);
    }
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *full = xasprintf("%s/%s", path, entries[i]->d_name);
        struct stat st;
        if (stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
            read_file(full, out);
        }
        xfree(&entries[i]);
    }
    xfree(&entries);
}

static unsigned hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 32) - 'a' + 10;
}

/* A line of libFuzzer's dictionary: a word in quotes, with \xAB, \\ and \". */
static void read_word(struct str line, struct inputs *out)
{
    ptrdiff_t first = str_find(line, '"'), last = str_rfind(line, '"');
    if (line.len == 0 || line.ptr[0] == '#' || first < 0 || last <= first) {
        return;
    }
    struct str text = str_sub(line, (size_t)first + 1, (size_t)(last - first - 1));
    struct buf word = BUF_INIT(1000);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\' && i + 3 < text.len && text.ptr[i + 1] == 'x') {
            c = (char)(hex(text.ptr[i + 2]) << 4 | hex(text.ptr[i + 3]));
            i += 3;
        } else if (c == '\\' && i + 1 < text.len) {
            c = text.ptr[++i];
        }
        buf_add_byte(&word, c);
    }
    vec_push(out, buf_str(&word));
}

static void read_dictionary(const char *path, struct inputs *out)
{
    struct inputs file = {0};
    struct str line;
    read_file(path, &file);
    struct str rest = file.items[0];
    while (str_split(&rest, '\n', &line)) {
        read_word(line, out);
    }
    xfree(&file.items[0].ptr);
    vec_free(&file);
}

static void run_one(struct str input)
{
    current = (const uint8_t *)input.ptr;
    current_len = input.len;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)input.ptr, input.len);
    current = NULL;
}

static struct str pick(struct dice *dice, const struct inputs *from)
{
    return from->len > 0 ? from->items[dice_below(dice, (uint32_t)from->len)] : STR_EMPTY;
}

static void replace(struct buf *b, size_t at, size_t drop, struct str with)
{
    struct buf out = BUF_INIT(INPUT_MAX);
    buf_add_str(&out, str_sub(buf_str(b), 0, at));
    buf_add_str(&out, with);
    buf_add_str(&out, str_from_offset(buf_str(b), at + drop));
    buf_free(b);
    *b = out;
}

static void mutate(struct dice *dice, const struct options *o, struct buf *b)
{
    size_t at = dice_below(dice, (uint32_t)b->len + 1);
    size_t left = b->len - at;
    size_t span = dice_below(dice, (uint32_t)(left < 32 ? left : 32) + 1);
    char byte = (char)dice_below(dice, 256);
    struct str other = pick(dice, &o->corpus);
    AUTO_FREE char *part = xmemdup(b->data != NULL ? b->data + at : "", span);
    switch (dice_below(dice, 7)) {
    case 0:
        replace(b, at, left > 0, str_make(&byte, 1));
        break;
    case 1:
        replace(b, at, span, STR_EMPTY);
        break;
    case 2:
        replace(b, at, 0, str_make(part, span));
        break;
    case 3:
    case 4:
        replace(b, at, dice_below(dice, 2) ? span : 0, pick(dice, &o->words));
        break;
    case 5:
        other = str_from_offset(other, dice_below(dice, (uint32_t)other.len + 1));
        replace(b, at, dice_below(dice, 2) ? left : 0, str_sub(other, 0, dice_below(dice, 200)));
        break;
    default:
        replace(b, at, left > 0, str_sub(STR("0189(){}[]\"\\ \r\n*%+-.:,<>~&="), byte & 31, 1));
        break;
    }
}

static void run_mutations(const struct options *o)
{
    struct dice dice = {o->seed};
    for (uint64_t run = 0; run < o->runs; run++) {
        struct buf b AUTO_BUF = BUF_INIT(INPUT_MAX);
        buf_add_str(&b, pick(&dice, &o->corpus));
        for (uint32_t left = 1 + dice_below(&dice, 5); left > 0; left--) {
            mutate(&dice, o, &b);
        }
        run_one(str_sub(buf_str(&b), 0, o->max_len));
    }
}

static bool take_number(const char *argument, const char *name, uint64_t *out)
{
    struct str value = str_from(argument);
    if (!str_starts(value, str_from(name))) {
        return false;
    }
    if (!str_to_u64(str_from_offset(value, strlen(name)), out)) {
        (void)fprintf(stderr, "%s: not a number\n", argument);
        exit(64);
    }
    return true;
}

static void read_argument(const char *argument, struct options *o)
{
    if (strncmp(argument, "-dict=", 6) == 0) {
        read_dictionary(argument + 6, &o->words);
    } else if (!take_number(argument, "-runs=", &o->runs) &&
               !take_number(argument, "-seed=", &o->seed) &&
               !take_number(argument, "-max_len=", &o->max_len)) {
        if (argument[0] == '-') {
            (void)fprintf(stderr, "%s: unknown\n", argument);
            exit(64);
        }
        read_path(argument, &o->corpus);
    }
}

static void free_inputs(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->len; i++) {
        xfree(&inputs->items[i].ptr);
    }
    vec_free(inputs);
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .max_len = 4096};
    const char *slash = strrchr(argv[0], '/');
    (void)snprintf(crash_name, sizeof crash_name, "crash-%s", slash != NULL ? slash + 1 : argv[0]);
    (void)sigaction(SIGABRT, &(struct sigaction){.sa_handler = on_abort}, NULL);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(keep_input);
    }
    for (int i = 1; i < argc; i++) {
        read_argument(argv[i], &o);
    }
    for (size_t i = 0; i < o.corpus.len; i++) {
        run_one(o.corpus.items[i]);
    }
    run_mutations(&o);
    (void)printf("%zu inputs, %llu mutations\n", o.corpus.len, (unsigned long long)o.runs);
    free_inputs(&o.corpus);
    free_inputs(&o.words);
    return 0;
}
