#include "reconcile/cases.h"

#include <assert.h>
#include <stdlib.h>

#define ABSENT (1u << SIDE_ABSENT)
#define SAME (1u << SIDE_SAME)
#define FLAGS (1u << SIDE_FLAGS)
#define GONE (1u << SIDE_GONE)
#define NEW (1u << SIDE_NEW)
#define THERE (SAME | FLAGS)
#define ANY (ABSENT | SAME | FLAGS | GONE | NEW)

const struct case_row CASES[] = {
    {BASE_NONE, NEW, ABSENT, CASE_DOWNLOAD, "new on the server"},
    {BASE_NONE, ABSENT, NEW, CASE_UPLOAD, "new here"},

    {BASE_SYNCED, SAME, SAME, CASE_NOTHING, "in step"},
    {BASE_SYNCED, FLAGS, SAME, CASE_MERGE, "flags changed on the server"},
    {BASE_SYNCED, SAME, FLAGS, CASE_MERGE, "flags changed here"},
    {BASE_SYNCED, FLAGS, FLAGS, CASE_MERGE, "flags changed on both sides"},
    {BASE_SYNCED, GONE, THERE, CASE_DELETE_LOCAL, "deleted on the server"},
    {BASE_SYNCED, THERE, GONE, CASE_DELETE_REMOTE, "deleted here"},
    {BASE_SYNCED, GONE, GONE, CASE_FORGET, "deleted on both sides"},

    {BASE_DELETED_HERE, THERE, ABSENT | GONE, CASE_NOTHING, "removed here, left on the server"},
    {BASE_DELETED_HERE, THERE, NEW | THERE, CASE_REVIVE, "back here"},
    {BASE_DELETED_HERE, NEW, ABSENT | GONE, CASE_DOWNLOAD, "undeleted on the server"},
    {BASE_DELETED_HERE, NEW, NEW | THERE, CASE_REVIVE, "back on both sides"},
    {BASE_DELETED_HERE, GONE, ABSENT | GONE, CASE_FORGET, "gone on the server too"},
    {BASE_DELETED_HERE, GONE, NEW | THERE, CASE_UPLOAD, "back here, gone on the server"},

    {BASE_GONE_THERE, ANY, THERE | NEW, CASE_NOTHING, "gone on the server, kept here"},
    {BASE_GONE_THERE, ANY, GONE | ABSENT, CASE_FORGET, "removed here too"},

    {BASE_SKIPPED, THERE, ANY, CASE_NOTHING, "left on the server"},
    {BASE_SKIPPED, GONE, ANY, CASE_FORGET, "gone on the server"},

    {BASE_HELD, THERE, ANY, CASE_RETRY, "could not be fetched before"},
    {BASE_HELD, GONE, ANY, CASE_FORGET, "gone on the server"},
};
const size_t CASES_LEN = sizeof CASES / sizeof CASES[0];

enum case_base case_base_of(const struct index_message *base)
{
    if (base == NULL)
        return BASE_NONE;
    switch (base->state) {
    case MESSAGE_SYNCED:
        return BASE_SYNCED;
    case MESSAGE_DELETED_HERE:
        return BASE_DELETED_HERE;
    case MESSAGE_GONE_THERE:
        return BASE_GONE_THERE;
    case MESSAGE_SKIPPED:
        return BASE_SKIPPED;
    case MESSAGE_HELD:
        return BASE_HELD;
    }
    abort();
}

const struct case_row *case_find(enum case_base base, enum side_state remote, enum side_state local)
{
    for (size_t i = 0; i < CASES_LEN; i++) {
        const struct case_row *row = &CASES[i];
        if (row->base == base && (row->remote & (1u << remote)) && (row->local & (1u << local)))
            return row;
    }
    assert(!"a combination that no survey gives");
    abort();
}
