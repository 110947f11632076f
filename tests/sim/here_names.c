#include "sim/here_names.h"
#include "store/maildir.h"
#include "sim/machine.h"
#include "sim/markings.h"
#include <stdio.h>

#define TABLE "dovecot-keywords"
#define TABLE_LOCK TABLE ".lock"
#define LOCK_STALE_NS (INT64_C(120) * 1000000000)
#define SYSTEM_LETTERS 6

const char *const marking_keywords[MARKINGS_KEYWORDS] = {"work", "$Label1"};

static enum maildir_layout layout;
static bool other_names;

void here_lay_out(enum maildir_layout wanted, bool others)
{
    layout = wanted;
    other_names = others;
}

/* ---- folders ---- */

static void replace(char *name, char from, char to)
{
    for (; *name != '\0'; name++)
        *name = *name == from ? to : *name;
}

/* As the policy has it (script.c). Its own reverse, but for what is below A. */
static const char *swapped(const char *name)
{
    if (strcmp(name, "B") == 0)
        return "C";
    return strcmp(name, "C") == 0 ? "B" : name;
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

void here_path_of(const char *mailbox, char out[HERE_NAME_MAX])
{
    bool plusplus = layout == MAILDIR_PLUSPLUS;
    if (plusplus && strcmp(mailbox, "INBOX") == 0) {
        out[0] = '\0';
        return;
    }
    if (other_names)
        mailbox = swapped(mailbox);
    bool below = other_names && begins(mailbox, "A/");
    (void)snprintf(out, HERE_NAME_MAX, "%s%s%s", plusplus ? "." : "", below ? "Q" : "",
                   mailbox + (below ? 1 : 0));
    if (layout != MAILDIR_NESTED)
        replace(out, '/', '.');
}

const char *here_mailbox_of(struct arena *arena, const char *path)
{
    if (path[0] == '\0' || path[0] == '/' || strcmp(path, ".") == 0)
        return "INBOX";
    char *out = arena_strdup(arena, layout == MAILDIR_PLUSPLUS ? path + 1 : path);
    if (layout != MAILDIR_NESTED)
        replace(out, '.', '/');
    if (other_names && begins(out, "Q/"))
        out[0] = 'A';
    return other_names ? swapped(out) : out;
}

struct disk_node *here_folder(const char *mailbox)
{
    char name[HERE_NAME_MAX];
    char path[HERE_NAME_MAX + sizeof HERE_ROOT + 1];
    here_path_of(mailbox, name);
    (void)snprintf(path, sizeof path, HERE_ROOT "/%s", name);
    return disk_at(path);
}

/* ---- keywords ---- */

static const char *info_of(const char *name)
{
    const char *info = strstr(name, ":2,");
    return info != NULL ? info + 3 : "";
}

/* The letter of a keyword in the folder's table, which has a line "NUMBER NAME" for each; '\0':
 * none. How many lines there are. */
static char letter_of(const struct disk_node *folder, unsigned keyword, unsigned *lines_out)
{
    const struct disk_node *table = disk_find(folder, TABLE);
    struct str rest = table != NULL ? str_make(table->data, table->len) : STR_EMPTY;
    struct str line, number;
    char letter = '\0';
    *lines_out = 0;
    while (str_split(&rest, '\n', &line)) {
        uint32_t at;
        if (!str_split(&line, ' ', &number) || !str_to_u32(number, &at))
            continue;
        *lines_out = at + 1 > *lines_out ? at + 1 : *lines_out;
        if (str_eq_nocase(line, str_from(marking_keywords[keyword])))
            letter = (char)('a' + at);
    }
    return letter;
}

/* Whether a file has it already, brought from another folder: given a meaning here, the table alone
 * would give those files the keyword, and no file tells of that. */
static bool is_carried(const struct disk_node *folder, char letter)
{
    const struct disk_node *cur = disk_find(folder, "cur");
    for (size_t i = 0; cur != NULL && i < cur->entries.len; i++) {
        if (strchr(info_of(cur->entries.items[i].name), letter) != NULL)
            return true;
    }
    return false;
}

/* The same, and where there is none it is given one. */
static char letter_for(struct disk_node *folder, unsigned keyword)
{
    char line[64];
    unsigned lines;
    char letter = letter_of(folder, keyword, &lines);
    const struct disk_node *lock = disk_find(folder, TABLE_LOCK);
    if (letter != '\0')
        return letter;
    while (is_carried(folder, (char)('a' + lines)))
        lines++;
    if (lines >= 26 || (lock != NULL && machine_file_ns() - lock->mtime_ns < LOCK_STALE_NS))
        return '\0';
    struct disk_node *table = disk_find(folder, TABLE);
    if (table == NULL)
        table = disk_create(folder, TABLE, false, 0600);
    int len = snprintf(line, sizeof line, "%u %s\n", lines, marking_keywords[keyword]);
    disk_write(table, table->len, line, (size_t)len);
    disk_sync(table);
    disk_sync(folder);
    return (char)('a' + lines);
}

bool here_is_locked(const char *mailbox)
{
    const struct disk_node *folder = here_folder(mailbox);
    return folder != NULL && disk_find(folder, TABLE_LOCK) != NULL;
}

/* ---- files ---- */

uint8_t here_markings(const struct disk_node *folder, const char *file_name)
{
    uint8_t markings = 0;
    for (const char *info = info_of(file_name); *info != '\0'; info++) {
        const char *letter = memchr(MARKING_LETTERS, *info, SYSTEM_LETTERS);
        markings |= letter != NULL ? (uint8_t)(1u << (letter - MARKING_LETTERS)) : 0;
        for (unsigned k = 0; *info >= 'a' && *info <= 'z' && k < MARKINGS_KEYWORDS; k++) {
            unsigned lines;
            markings |= letter_of(folder, k, &lines) == *info ? (uint8_t)MARKING_OF(k) : 0;
        }
    }
    return markings;
}

static bool says_something(const struct disk_node *folder, char letter)
{
    unsigned lines;
    bool known = memchr(MARKING_LETTERS, letter, SYSTEM_LETTERS) != NULL;
    for (unsigned k = 0; k < MARKINGS_KEYWORDS; k++)
        known = known || letter_of(folder, k, &lines) == letter;
    return known;
}

bool here_name_with(struct disk_node *folder, const char *file_name, uint8_t markings,
                    char out[HERE_NAME_MAX])
{
    const char *info = info_of(file_name);
    size_t base = *info != '\0' || strstr(file_name, ":2,") != NULL
                      ? (size_t)(strstr(file_name, ":2,") - file_name)
                      : strlen(file_name);
    char letters[64];
    size_t len = 0;
    for (size_t i = 0; i < SYSTEM_LETTERS; i++) {
        if ((markings & (1u << i)) != 0)
            letters[len++] = MARKING_LETTERS[i];
    }
    for (unsigned k = 0; k < MARKINGS_KEYWORDS; k++) {
        char letter = (markings & MARKING_OF(k)) != 0 ? letter_for(folder, k) : ' ';
        if (letter == '\0')
            return false;
        if (letter != ' ')
            letters[len++] = letter;
    }
    for (; *info != '\0' && len < sizeof letters; info++) {
        if (!says_something(folder, *info))
            letters[len++] = *info;
    }
    (void)snprintf(out, HERE_NAME_MAX, "%.*s:2,%.*s", (int)base, file_name, (int)len, letters);
    return true;
}
