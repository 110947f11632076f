#pragma once
/* Mail providers whose servers are known: what `provider:` fills in, and whose addresses are whose.
 */
#include "base/str.h"

struct provider {
    const char *name;
    const char *title;
    const char *domains; /* of addresses, with blanks between them; NULL: none of its own */
    const char *keys;    /* of an account, as YAML; lies under what the file gives */
    const char *advice;  /* what to do there before a program can log in; NULL: nothing special */
};

/* Ends in a NULL name. */
extern const struct provider providers[];

/* NULL if there is none. */
const struct provider *provider_find(const char *name);
/* By the domain of an address, whatever its case. NULL if none is known. */
const struct provider *provider_of_domain(struct str domain);
