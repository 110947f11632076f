#include "sync/model.h"

void remote_delta_clear(struct remote_delta *delta)
{
    vec_free(&delta->fresh);
    seqset_free(&delta->plain);
    vec_free(&delta->extents);
    vec_free(&delta->changed);
    seqset_free(&delta->gone);
    *delta = (struct remote_delta){0};
}

void local_delta_clear(struct local_delta *delta)
{
    vec_free(&delta->fresh);
    vec_free(&delta->changed);
    seqset_free(&delta->gone);
    *delta = (struct local_delta){0};
}

uint64_t remote_fresh_count(const struct remote_delta *delta)
{
    return delta->fresh.len + seqset_count(&delta->plain);
}
