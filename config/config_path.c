#include "base/alloc.h"
#include "config/config_private.h"
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* $HOME, or what the user database says. */
static const char *home_dir(struct arena *arena)
{
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/') {
        return home;
    }
    struct passwd entry, *found = NULL;
    char strings[4096];
    if (getpwuid_r(getuid(), &entry, strings, sizeof strings, &found) == 0 && found != NULL &&
        found->pw_dir != NULL && found->pw_dir[0] == '/') {
        return arena_strdup(arena, found->pw_dir);
    }
    return "/";
}

/* Takes out empty and "." components, in place. ".." stays: behind a link it is not the parent. */
static const char *tidy(char *path)
{
    char *to = path;
    struct str rest = str_from(path);
    struct str part;
    while (str_split(&rest, '/', &part)) {
        if (part.len == 0 || str_eq(part, STR("."))) {
            continue;
        }
        *to++ = '/';
        memmove(to, part.ptr, part.len);
        to += part.len;
    }
    if (to == path) {
        *to++ = '/';
    }
    *to = '\0';
    return path;
}

/* The absolute folder of a file as it was named. */
static const char *folder_of(struct arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (file[0] == '/') {
        return arena_printf(arena, "%.*s", (int)(slash - file), file);
    }
    char cwd[PATH_MAX];
    if (getcwd(cwd, sizeof cwd) == NULL) {
        return "/";
    }
    int len = slash == NULL ? 0 : (int)(slash - file);
    return arena_printf(arena, "%s/%.*s", cwd, len, file);
}

const char *config_path_resolve(struct arena *arena, const char *file, const char *path)
{
    if (path[0] == '/') {
        return tidy(arena_strdup(arena, path));
    }
    if (path[0] == '~') {
        if (path[1] != '\0' && path[1] != '/') {
            return NULL;
        }
        return tidy(arena_printf(arena, "%s/%s", home_dir(arena), path + 1));
    }
    return tidy(arena_printf(arena, "%s/%s", folder_of(arena, file), path));
}

const char *config_path_xdg(struct arena *arena, const char *variable, const char *fallback,
                            const char *rest)
{
    const char *base = getenv(variable);
    if (base != NULL && base[0] == '/') {
        return tidy(arena_printf(arena, "%s/%s", base, rest));
    }
    return tidy(arena_printf(arena, "%s/%s/%s", home_dir(arena), fallback, rest));
}

char *config_default_path(void)
{
    AUTO_ARENA struct arena *arena = arena_new();
    return xstrdup(config_path_xdg(arena, "XDG_CONFIG_HOME", ".config", "maildird/config.yaml"));
}
