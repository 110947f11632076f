#include "cmd/account_index.h"
#include <stdio.h>
#include <time.h>

int account_index_open(const struct config *config, const struct config_account *account,
                       struct index **out, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *dir = config_state_dir(config, account, arena);
    enum index_opened opened;
    *out = NULL;
    if (!index_exists(dir)) {
        return 0;
    }
    int rc = index_open(dir, out, &opened, err);
    return rc < 0 ? rc : 1;
}

void print_time(int64_t unix_ms, bool seconds)
{
    char text[32] = "?";
    time_t unix_s = (time_t)(unix_ms / 1000);
    struct tm parts;
    if (localtime_r(&unix_s, &parts) != NULL) {
        (void)strftime(text, sizeof text, seconds ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M", &parts);
    }
    printf("%s", text);
}
