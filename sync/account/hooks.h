#pragma once
/*
 * The user's own commands around a pass: before_sync, and behind it changed, new_mail and failed,
 * in this order, so that an index is up to date when news of mail is told. One runs at a time, over
 * all accounts and processes. A program that one of them starts runs no hooks.
 *
 * Functions block until the command has ended, at most for hooks.timeout and as long again for each
 * that runs before it, and may be called by any thread.
 */
#include "account/account.h"

/* Messages that are told one by one; of further ones the number is. */
#define HOOK_MESSAGES_MAX 100

/* All is borrowed; `wake` may be NULL. */
struct hook_context {
    const struct config *config;
    const struct config_account *account;
    const struct clock *clock;
    const struct wake *wake;
};

/* There is a hook, and this program was not started by one. */
bool hooks_are_wanted(const struct config *config);

/* What a pass brought, gathered while it runs. */
struct hook_news;
struct hook_news *hook_news_new(void);
void hook_news_free(struct hook_news **news);
/* For pass_options; borrowed from `news`. */
const struct news_sink *hook_news_sink(struct hook_news *news);

/* ERR_SKIPPED with the reason when before_sync fails or takes too long: the pass is to be left out.
 * ERR_CANCELLED. */
int hooks_before_sync(const struct hook_context *context, struct error *err);
/* What is due after a pass, and what one before it could not tell any more. Nothing once the wake
 * was signalled: the news is kept for the next pass. A hook that fails is logged, and is nothing to
 * the pass. */
void hooks_after_sync(const struct hook_context *context, struct hook_news *news,
                      const struct report *report);
