#include "store/marker.h"
#include "base/alloc.h"
#include "base/files.h"
#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>

#define MARKER_NAME ".maildird"
#define MARKER_BYTES_MAX 4096
#define MARKER_FIRST_LINE "maildird marker 1"

static int not_understood(const char *path, struct error *err)
{
    return error_set(err, ERR_READ, SCOPE_ACCOUNT,
                     "cannot understand %s, which says whose Maildir this is", path);
}

static bool copy_text(struct str value, char *out, size_t size)
{
    if (value.len == 0 || value.len >= size || memchr(value.ptr, '\0', value.len) != NULL) {
        return false;
    }
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return true;
}

/* Lines "KEY VALUE" behind the first; each key once. */
static bool parse(struct str text, struct marker *out)
{
    struct str line;
    if (!str_split(&text, '\n', &line) || !str_eq(line, STR(MARKER_FIRST_LINE))) {
        return false;
    }
    unsigned found = 0;
    while (str_split(&text, '\n', &line)) {
        struct str key;
        bool valid;
        if (!str_split(&line, ' ', &key)) {
            return false;
        }
        if (str_eq(key, STR("account"))) {
            valid = copy_text(line, out->account, sizeof out->account);
            found |= 1;
        } else if (str_eq(key, STR("identity"))) {
            valid = copy_text(line, out->identity, sizeof out->identity);
            found |= 2;
        } else if (str_eq(key, STR("generation"))) {
            valid = str_to_u64(line, &out->generation);
            found |= 4;
        } else {
            valid = false;
        }
        if (!valid) {
            return false;
        }
    }
    return found == 7;
}

int marker_read(const char *root, struct marker *out, struct error *err)
{
    AUTO_FREE char *path = path_join(root, MARKER_NAME);
    AUTO_BUF struct buf text = BUF_INIT(MARKER_BYTES_MAX);
    int rc = file_read(AT_FDCWD, path, &text, err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    if (rc < 0) {
        return error_widen(err, SCOPE_ACCOUNT);
    }
    return parse(buf_str(&text), out) ? 1 : not_understood(path, err);
}

int marker_write(const char *root, const struct marker *marker, struct error *err)
{
    assert(marker->account[0] != '\0' && strchr(marker->account, '\n') == NULL);
    assert(marker->identity[0] != '\0' && strchr(marker->identity, '\n') == NULL);
    AUTO_FREE char *path = path_join(root, MARKER_NAME);
    AUTO_FREE char *text =
        xasprintf("%s\naccount %s\nidentity %s\ngeneration %" PRIu64 "\n", MARKER_FIRST_LINE,
                  marker->account, marker->identity, marker->generation);
    int rc = file_replace(path, str_from(text), 0600, err);
    return rc < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
