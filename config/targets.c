#include "config/targets.h"
#include "imap/mailbox_name.h"

/* An account's name has no colon, so the first one ends it. */
static struct str account_part(const char *word)
{
    struct str s = str_from(word);
    ptrdiff_t colon = str_find(s, ':');
    return colon < 0 ? s : str_sub(s, 0, (size_t)colon);
}

static const char *mailbox_part(const char *word)
{
    const char *colon = strchr(word, ':');
    return colon == NULL ? NULL : colon + 1;
}

static bool names_account(const char *word, const struct config_account *account)
{
    return mailbox_name_matches(str_from(account->name), account_part(word), '/');
}

/* Every word must mean an account, so that a typing error is not taken for "nothing to do". */
static int check_words(const struct config *config, const char *const *words, size_t len,
                       struct error *err)
{
    for (size_t w = 0; w < len; w++) {
        bool found = false;
        for (size_t i = 0; i < config->accounts_len; i++) {
            found = found || names_account(words[w], &config->accounts[i]);
        }
        if (!found) {
            (void)config_find(config, account_part(words[w]), err);
            return -(int)err->code;
        }
        const char *mailbox = mailbox_part(words[w]);
        if (mailbox != NULL && mailbox[0] == '\0') {
            return error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                             "'%s': a mailbox is missing after :", words[w]);
        }
    }
    return 0;
}

/* False when no word means the account. */
static bool collect(const struct config_account *account, const char *const *words, size_t len,
                    struct arena *arena, struct target *out)
{
    bool meant = len == 0;
    bool all = meant;
    *out = (struct target){.account = account};
    const char **patterns = arena_array(arena, len + 1, sizeof *patterns);
    size_t patterns_len = 0;
    for (size_t w = 0; w < len; w++) {
        if (names_account(words[w], account)) {
            const char *mailbox = mailbox_part(words[w]);
            meant = true;
            all = all || mailbox == NULL;
            if (mailbox != NULL) {
                patterns[patterns_len++] = mailbox;
            }
        }
    }
    if (!all) {
        out->mailboxes = (struct config_strings){patterns, patterns_len};
    }
    return meant;
}

int targets_find(const struct config *config, const char *const *words, size_t len,
                 struct arena *arena, struct targets *out, struct error *err)
{
    if (check_words(config, words, len, err) < 0) {
        return -(int)err->code;
    }
    out->items = arena_array(arena, config->accounts_len, sizeof *out->items);
    out->len = 0;
    for (size_t i = 0; i < config->accounts_len; i++) {
        if (collect(&config->accounts[i], words, len, arena, &out->items[out->len])) {
            out->len++;
        }
    }
    return 0;
}

bool target_matches(const struct target *target, struct str mailbox)
{
    for (size_t i = 0; i < target->mailboxes.len; i++) {
        if (mailbox_name_matches(mailbox, str_from(target->mailboxes.items[i]), '/')) {
            return true;
        }
    }
    return target->mailboxes.items == NULL;
}
