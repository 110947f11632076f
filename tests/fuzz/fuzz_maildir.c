/* What a server's mailbox names become on the disk, and what file names say. */
#include "base/alloc.h"
#include "store/maildir.h"
#include "fuzz/fuzz.h"

static struct maildir *open_maildir(enum maildir_layout layout)
{
    const struct maildir_options options = {.root = "/mail/work",
                                            .layout = layout,
                                            .separator = ".",
                                            .info_separator = ':',
                                            .inbox = "INBOX",
                                            .host = "h"};
    return maildir_new(&options);
}

/* No name leads out of the root, or to a folder that is not one mailbox's own. */
static void try_mailbox(const struct maildir *md, struct str mailbox)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str again, part;
    struct str path = str_from(maildir_path(md, arena, mailbox));
    struct str rest = path;
    FUZZ_REQUIRE(path.len > 0 && path.ptr[0] != '/', path);
    if (str_eq(path, STR("."))) {
        return; /* INBOX in maildir++ */
    }
    while (str_split(&rest, '/', &part)) {
        FUZZ_REQUIRE(part.len > 0 && part.len <= 255, path);
        FUZZ_REQUIRE(!str_eq(part, STR(".")) && !str_eq(part, STR("..")), path);
        FUZZ_REQUIRE(!str_eq(part, STR("cur")) && !str_eq(part, STR("new")) &&
                         !str_eq(part, STR("tmp")),
                     path);
    }
    if (maildir_mailbox(md, arena, path, &again)) {
        struct str back = str_from(maildir_path(md, arena, again));
        FUZZ_REQUIRE(str_eq(back, path), path);
    }
}

static void try_file_name(const struct maildir *md, struct str file_name)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct maildir_name name, again;
    maildir_name_parse(md, arena, file_name, &name);
    FUZZ_REQUIRE(str_starts(file_name, name.base), file_name);
    struct str built = str_from(maildir_name_build(md, arena, &name));
    maildir_name_parse(md, arena, built, &again);
    FUZZ_REQUIRE(str_eq(name.base, again.base) && name.flags == again.flags &&
                     str_eq(name.letters, again.letters),
                 file_name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct maildir *layouts[3];
    struct str input = fuzz_copy(data, size);
    struct str rest = str_from_offset(input, 1);
    bool has_nul = memchr(input.ptr, 0, input.len) != NULL;
    for (unsigned i = 0; i < 3 && layouts[i] == NULL; i++) {
        layouts[i] = open_maildir((enum maildir_layout)i);
    }
    if (str_starts(input, STR("f")) && !has_nul) {
        try_file_name(layouts[0], rest);
    } else if (str_starts(input, STR("m"))) {
        for (unsigned i = 0; i < 3; i++) {
            try_mailbox(layouts[i], rest);
        }
    }
    xfree(&input.ptr);
    return 0;
}
