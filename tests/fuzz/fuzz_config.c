/* The configuration: any file is read or refused with a reason. Includes are left out. */
#include "base/alloc.h"
#include "config/config.h"
#include "fuzz/fuzz.h"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void count_problem(void *self, const char *file, unsigned line, const char *text)
{
    unsigned *count = self;
    (void)line;
    FUZZ_REQUIRE(file != NULL && text != NULL && text[0] != '\0', STR_EMPTY);
    ++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct config *config = NULL;
    unsigned count = 0;
    const struct config_problems problems = {count_problem, &count};
    char path[64];
    if (memmem(data, size, "include", 7) != NULL) {
        return 0;
    }
    int fd = memfd_create("config", MFD_CLOEXEC);
    FUZZ_REQUIRE(fd >= 0 && fchmod(fd, 0600) == 0, STR_EMPTY);
    FUZZ_REQUIRE(write(fd, data, size) == (ssize_t)size, STR_EMPTY);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int result = config_load(path, &problems, &config, &err);
    if (result == 0) {
        FUZZ_REQUIRE(count == 0 && config != NULL, STR_EMPTY);
        for (size_t i = 0; i < config->accounts_len; i++) {
            FUZZ_REQUIRE(config->accounts[i].name != NULL, STR_EMPTY);
        }
    } else {
        FUZZ_REQUIRE(count > 0 || err.text[0] != '\0', STR_EMPTY);
    }
    config_free(&config);
    (void)close(fd);
    return 0;
}
