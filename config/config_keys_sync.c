/* The keys of the `sync:` block, which an account has and each of its overrides. */
#include "config/config_private.h"
#include <stddef.h>

#define SYNC(field) offsetof(struct config_sync, field)
#define GUARD(field) offsetof(struct config_guard, field)

#define CENTURY_S (100LL * 365 * 86400)

static const struct config_word carry_words[] = {{"both", DIRECTION_BOTH},
                                                 {"to_local", DIRECTION_TO_LOCAL},
                                                 {"to_remote", DIRECTION_TO_REMOTE},
                                                 {"none", DIRECTION_NONE},
                                                 {0}};
static const struct config_word direction_words[] = {
    {"both", DIRECTION_BOTH}, {"pull", DIRECTION_TO_LOCAL}, {"push", DIRECTION_TO_REMOTE}, {0}};
static const struct config_word marked_words[] = {{"keep", false}, {"expunge", true}, {0}};
static const struct config_word delete_words[] = {{"expunge", false}, {"trash", true}, {0}};
static const struct config_word uidplus_words[] = {{"mark", false}, {"careful", true}, {0}};

static const struct config_key guard_keys[] = {
    {.name = "messages",
     .type = TYPE_NUMBER,
     .offset = GUARD(messages),
     .fallback = "50",
     .max = 1000000000,
     .help = "deletions up to this many pass"},
    {.name = "percent",
     .type = TYPE_NUMBER,
     .offset = GUARD(percent),
     .fallback = "25",
     .max = 100,
     .help = "and so do those up to this share of a mailbox and of the account"},
    {.name = "all",
     .type = TYPE_NUMBER,
     .offset = GUARD(all),
     .fallback = "10",
     .max = 1000000000,
     .help = "but not all of a mailbox that has this many or more"},
};
const struct config_table config_guard_keys = CONFIG_TABLE(guard_keys);

static const struct config_key sync_keys[] = {
    {.name = "new",
     .type = TYPE_WORD,
     .offset = SYNC(messages_new),
     .fallback = "both",
     .words = carry_words,
     .help = "new messages"},
    {.name = "flags",
     .type = TYPE_WORD,
     .offset = SYNC(flags),
     .fallback = "both",
     .words = carry_words,
     .help = "flags and keywords"},
    {.name = "deletions",
     .type = TYPE_WORD,
     .offset = SYNC(deletions),
     .fallback = "both",
     .words = carry_words,
     .help = "messages that went on one side go on the other"},
    {.name = "create",
     .type = TYPE_WORD,
     .offset = SYNC(create),
     .fallback = "both",
     .words = carry_words,
     .help = "new mailboxes"},
    {.name = "rename",
     .type = TYPE_WORD,
     .offset = SYNC(rename),
     .fallback = "both",
     .words = carry_words,
     .help = "new names of mailboxes"},
    {.name = "remove",
     .type = TYPE_WORD,
     .offset = SYNC(remove),
     .fallback = "none",
     .words = carry_words,
     .help = "removal of mailboxes; never of one that holds a message not known to be deleted"},
    {.name = "direction",
     .type = TYPE_DIRECTION,
     .fallback = "both",
     .words = direction_words,
     .help = "pull is to_local, push is to_remote, for new, flags, deletions, create and rename "
             "where they are not given"},
    {.name = "marked",
     .type = TYPE_CHOICE,
     .offset = SYNC(expunge_marked),
     .fallback = "keep",
     .words = marked_words,
     .help =
         "what becomes of messages flagged \\Deleted (T): kept as flagged, or expunged there and "
         "removed here"},
    {.name = "delete",
     .type = TYPE_CHOICE,
     .offset = SYNC(delete_to_trash),
     .fallback = "expunge",
     .words = delete_words,
     .help = "what a deletion here does on the server: an expunge, or a move to \\Trash (in "
             "\\Trash and "
             "\\Drafts an expunge)"},
    {.name = "expunge_without_uidplus",
     .type = TYPE_CHOICE,
     .offset = SYNC(expunge_careful),
     .fallback = "mark",
     .words = uidplus_words,
     .help =
         "on servers without UIDPLUS a deleted message is marked \\Deleted and stays until "
         "someone expunges it; careful: other marks are taken off, it is expunged, and they are "
         "put back"},
    {.name = "keep_deleted",
     .type = TYPE_SECONDS,
     .offset = SYNC(keep_deleted_s),
     .fallback = "7d",
     .max = CENTURY_S,
     .help = "how long files that a pass removes here stay in the state directory"},
    {.name = "max_size",
     .type = TYPE_BYTES,
     .offset = SYNC(max_size),
     .fallback = "0",
     .help = "larger messages stay on the server, unless they are flagged; 0: no limit"},
    {.name = "since",
     .type = TYPE_SINCE,
     .offset = SYNC(since),
     .fallback = "0",
     .help = "older messages stay on the server, unless they are flagged: an age (2y) or a date "
             "(2015-04-01); 0: no limit"},
    {.name = "guard",
     .type = TYPE_GUARD,
     .offset = SYNC(guard),
     .fallback = "{messages: 50, percent: 25, all: 10}",
     .block = &config_guard_keys,
     .help = "a deletion of more than this waits for a person; or off"},
};
const struct config_table config_sync_keys = CONFIG_TABLE(sync_keys);

/* Special uses are known where there is an account's list of mailboxes, not here. */
static const char *check_match(const char *text)
{
    return text[0] != '\\' ? NULL : "a pattern of mailbox names: name the mailbox";
}

static const struct config_key override_keys[] = {
    {.name = "match",
     .type = TYPE_TEXT,
     .offset = offsetof(struct config_override, match),
     .example = "Lists/*",
     .check = check_match,
     .help = "a pattern of mailbox names"},
    {.name = "sync",
     .type = TYPE_BLOCK,
     .offset = offsetof(struct config_override, sync),
     .block = &config_sync_keys,
     .help = "what is different for these mailboxes"},
};
const struct config_table config_override_keys = CONFIG_TABLE(override_keys);
