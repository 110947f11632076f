#include "base/alloc.h"
#include "core/base/scratch.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char *scratch_new(void)
{
    const char *root = getenv("TMPDIR");
    char *path = xasprintf("%s/maildird-test-XXXXXX", root != NULL ? root : "/tmp");
    if (mkdtemp(path) == NULL) {
        perror(path);
        abort();
    }
    return path;
}

static int remove_one(const char *path, const struct stat *found, int type, struct FTW *place)
{
    return remove(path);
}

void scratch_free(char **path)
{
    (void)nftw(*path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    xfree(path);
}
