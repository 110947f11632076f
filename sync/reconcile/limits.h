#pragma once
/* `max_size` and `since`: which messages of the server's stay there. Pure. */
#include "reconcile/model.h"

bool limits_any(const struct config_sync *policy);
/* Why a message is to stay on the server, or NULL. A size or date of 0 is not known, and no reason;
 * nor is any where it is flagged. */
const char *limits_objection(const struct config_sync *policy, const struct extent *extent,
                             const struct index_flags *flags, int64_t now_s);
