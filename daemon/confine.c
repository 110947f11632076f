#include "daemon/confine.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first that lets files be moved between directories. */
#define VERSION_LEAST 2
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif

static const uint64_t READING = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t WRITING = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER;
static const uint64_t FILE_RIGHTS =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

/* Name lookup, certificates, libraries that are loaded late, random numbers. */
static const char *const READABLE[] = {"/etc", "/usr",  "/lib", "/lib64",   "/bin", "/run",
                                       "/dev", "/proc", "/sys", "/var/lib", "/nix", "/gnu"};
static const char *const DEVICES[] = {"/dev/null", "/dev/tty", "/dev/ptmx"};

static int version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t handled(int version_now)
{
    uint64_t all = READING | WRITING | LANDLOCK_ACCESS_FS_EXECUTE;
    return version_now >= 3 ? all | LANDLOCK_ACCESS_FS_TRUNCATE : all;
}

static void allow(int rules, const char *path, uint64_t rights)
{
    struct stat found;
    AUTO_FD int fd = path == NULL ? -1 : open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found) < 0)
        return;
    if (!S_ISDIR(found.st_mode))
        rights &= FILE_RIGHTS;
    const struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* What is not there yet is made: then that happens in the nearest directory above it that is. */
static void allow_tree(int rules, const char *path, uint64_t rights)
{
    AUTO_FREE char *nearest = path == NULL ? NULL : xstrdup(path);
    while (nearest != NULL && nearest[0] != '\0' && access(nearest, F_OK) != 0) {
        char *slash = strrchr(nearest, '/');
        if (slash == NULL)
            return;
        *slash = '\0';
    }
    if (nearest != NULL && nearest[0] != '\0')
        allow(rules, nearest, rights);
}

static void allow_account(int rules, const struct config *config,
                          const struct config_account *account, uint64_t all)
{
    const char *const files[] = {
        account->tls_ca_file,
        account->tls_client_cert,
        account->tls_client_key,
        account->password.file,
        account->user_command.file,
        account->token_command.file,
        getenv("CREDENTIALS_DIRECTORY"),
        getenv("SSL_CERT_FILE"),
        getenv("SSL_CERT_DIR"),
    };
    const char *inbox = account->maildir.inbox;
    allow_tree(rules, account->maildir.root, all & ~LANDLOCK_ACCESS_FS_EXECUTE);
    allow_tree(rules, config->state_dir, all & ~LANDLOCK_ACCESS_FS_EXECUTE);
    if (inbox != NULL && inbox[0] == '/')
        allow_tree(rules, inbox, all & ~LANDLOCK_ACCESS_FS_EXECUTE);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        allow(rules, files[i], READING);
}

/* Tickets and plug-ins of Kerberos may be anywhere. */
static bool reads_anything(const struct config_account *account)
{
    for (size_t i = 0; i < account->auth.len; i++)
        if (strcmp(account->auth.items[i], "gssapi") == 0)
            return true;
    return false;
}

static int make_rules(const struct config *config, const struct config_account *account)
{
    const uint64_t all = handled(version());
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = all};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes,
                             sizeof attributes.handled_access_fs, 0);
    if (rules < 0)
        return -1;
    for (size_t i = 0; i < sizeof READABLE / sizeof *READABLE; i++)
        allow(rules, READABLE[i], READING);
    for (size_t i = 0; i < sizeof DEVICES / sizeof *DEVICES; i++)
        allow(rules, DEVICES[i], READING | LANDLOCK_ACCESS_FS_WRITE_FILE);
    if (reads_anything(account))
        allow(rules, "/", READING);
    allow_account(rules, config, account, all);
    return rules;
}

void confine_thread(const struct config *config, const struct config_account *account)
{
    static atomic_bool told;
    const struct log_scope scope = {.account = account->name};
    AUTO_FD int rules = version() < VERSION_LEAST ? -1 : make_rules(config, account);
    bool confined = rules >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                    syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (!confined && !atomic_exchange(&told, true))
        log_info(&scope, "this kernel has no Landlock: the threads are not confined");
}
