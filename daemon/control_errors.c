#include "daemon/control_errors.h"

#include "daemon/varlink.h"

#include <string.h>

static const struct {
    const char *name;
    enum error_code code;
} ERRORS[] = {
    {"org.maildird.NoSuchTarget", ERR_USAGE},    {"org.maildird.ConfigurationWrong", ERR_CONFIG},
    {"org.maildird.Paused", ERR_LOCKED},         {"org.maildird.Failed", ERR_DEFECT},
    {VARLINK_METHOD_NOT_FOUND, ERR_UNSUPPORTED}, {VARLINK_INTERFACE_NOT_FOUND, ERR_UNSUPPORTED},
    {VARLINK_INVALID_PARAMETER, ERR_USAGE},      {VARLINK_EXPECTED_MORE, ERR_USAGE},
};

const char *control_error_name(const struct error *err)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        if (ERRORS[i].code == err->code)
            return ERRORS[i].name;
    }
    return "org.maildird.Failed";
}

enum error_code control_error_code(const char *name)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        if (strcmp(ERRORS[i].name, name) == 0)
            return ERRORS[i].code;
    }
    return ERR_PROTOCOL;
}
