#include "reconcile/limits.h"

bool limits_any(const struct config_sync *policy)
{
    return policy->max_size != 0 || policy->since.age_s != 0 || policy->since.date_s != 0;
}

const char *limits_objection(const struct config_sync *policy, const struct extent *extent,
                             const struct index_flags *flags, int64_t now_s)
{
    const struct config_since *since = &policy->since;
    int64_t oldest_s = since->age_s != 0 ? now_s - since->age_s : since->date_s;
    if ((flags->system & MAILDIR_FLAGGED) != 0)
        return NULL;
    if (policy->max_size != 0 && extent->size > policy->max_size)
        return "larger than max_size";
    if (oldest_s != 0 && extent->date_s != 0 && extent->date_s < oldest_s)
        return "older than since";
    return NULL;
}
