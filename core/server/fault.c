#include "server/fault.h"

static bool is_command_fault(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_NO:
    case FAULT_BAD:
    case FAULT_BYE:
    case FAULT_SILENCE:
    case FAULT_DO_AND_CUT:
    case FAULT_DO_AND_NO:
    case FAULT_DELAY:
        return true;
    case FAULT_CUT_IN:
    case FAULT_CUT_OUT:
    case FAULT_LIE_SIZE:
    case FAULT_HIDE_UID:
    case FAULT_NO_UIDPLUS_CODES:
    case FAULT_GARBLE:
    case FAULT_LIE_UIDNEXT:
    case FAULT_LIE_UIDVALIDITY:
    case FAULT_LIE_EXISTS:
    case FAULT_MISSING_UID:
    case FAULT_SILENT_ENABLE:
    case FAULT_ID_FIRST:
    case FAULT_LOSE_FLAGS:
    case FAULT_EXPUNGE_MARKED:
    case FAULT_INBOX_CASE:
        return false;
    }
    return false;
}

const struct fault *fault_on_command(struct fault_script *script, const char *name)
{
    const struct fault *found = NULL;
    if (script == NULL) {
        return NULL;
    }
    script->commands++;
    for (size_t i = 0; i < script->len; i++) {
        const struct fault *fault = &script->faults[i];
        if (!is_command_fault(fault->kind)) {
            continue;
        }
        if (fault->command != NULL && strcmp(fault->command, name) != 0) {
            continue;
        }
        script->hits[i]++;
        if (script->hits[i] == fault->at && found == NULL) {
            found = fault;
        }
    }
    return found;
}

size_t fault_on_bytes(struct fault_script *script, enum fault_kind kind, size_t len, bool *cut_out)
{
    if (script == NULL) {
        return len;
    }
    uint64_t *count = kind == FAULT_CUT_IN ? &script->bytes_in : &script->bytes_out;
    size_t pass = len;
    for (size_t i = 0; i < script->len; i++) {
        const struct fault *fault = &script->faults[i];
        /* The byte that reaches `at` fires it once; sessions that come later are past it. */
        if (fault->kind != kind || *count >= fault->at || *count + pass < fault->at) {
            continue;
        }
        pass = (size_t)(fault->at - *count);
        *cut_out = true;
    }
    *count += pass;
    return pass;
}

void fault_garble(const struct fault_script *script, char *data, size_t len)
{
    for (size_t i = 0; script != NULL && i < script->len; i++) {
        const struct fault *fault = &script->faults[i];
        if (fault->kind != FAULT_GARBLE) {
            continue;
        }
        for (size_t j = 0; j < len; j++) {
            uint64_t at = script->bytes_out + j + 1;
            if (at >= fault->at && at - fault->at < fault->value) {
                /* No byte stays as it is, and line ends go. */
                data[j] = (char)(data[j] ^ 0x55);
            }
        }
    }
}

const struct fault *fault_of_kind(const struct fault_script *script, enum fault_kind kind)
{
    if (script == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < script->len; i++) {
        if (script->faults[i].kind == kind) {
            return &script->faults[i];
        }
    }
    return NULL;
}
