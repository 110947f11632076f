#pragma once
/* The operations of a pass as account_pass tells them, kept to be shown by mailbox. */
#include "account/account.h"
#include <jansson.h>

struct plan_list;

struct plan_list *plan_list_new(void);
void plan_list_free(struct plan_list **list);
/* Borrowed, with the list's life. One thread at a time. */
const struct plan_sink *plan_list_sink(struct plan_list *list);
size_t plan_list_len(const struct plan_list *list);
/* Under "ACCOUNT: HEADING", grouped by mailbox, in the order of their first operation. */
void plan_list_print(const struct plan_list *list, const char *account, const char *heading);
/* [{"mailbox", "operation", "subject", "why"}, …]; the caller owns it. */
json_t *plan_list_json(const struct plan_list *list);
