/*
 * A program to try the disk shim on: does the steps named on the command line, in the folder given
 * first, each as WORD or WORD=ARGUMENT[,ARGUMENT].
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct action {
    const char *name;
    int (*run)(const char *a, const char *b);
};

static int do_create(const char *a, const char *b)
{
    int fd = open(a, O_CREAT | O_EXCL | O_WRONLY, 0600);
    ssize_t n = fd < 0 ? -1 : write(fd, b, strlen(b));
    close(fd);
    return n == (ssize_t)strlen(b) ? 0 : -1;
}

static int do_pwrite(const char *a, const char *b)
{
    int fd = open(a, O_RDWR);
    ssize_t n = fd < 0 ? -1 : pwrite(fd, b, strlen(b), 0);
    close(fd);
    return n < 0 ? -1 : 0;
}

static int sync_with(const char *path, int (*call)(int))
{
    int fd = open(path, O_RDONLY);
    int r = fd < 0 ? -1 : call(fd);
    close(fd);
    return r;
}

static int do_fsync(const char *a, const char *b)
{
    return sync_with(a, fsync);
}

static int do_fdatasync(const char *a, const char *b)
{
    return sync_with(a, fdatasync);
}

static int do_syncfs(const char *a, const char *b)
{
    return sync_with(a, syncfs);
}

static int do_rename(const char *a, const char *b)
{
    return rename(a, b);
}

static int do_link(const char *a, const char *b)
{
    return link(a, b);
}

static int do_unlink(const char *a, const char *b)
{
    return unlink(a);
}

static int do_mkdir(const char *a, const char *b)
{
    return mkdir(a, 0700);
}

static int do_rmdir(const char *a, const char *b)
{
    return rmdir(a);
}

static int do_peer(const char *a, const char *b)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return -1;
    return send(fds[0], a, 1, 0) == 1 && write(fds[1], a, 1) == 1 ? 0 : -1;
}

static int do_clock(const char *a, const char *b)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%lld\n", (long long)now.tv_sec);
    return 0;
}

static int do_child(const char *a, const char *b)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "test -z \"$LD_PRELOAD\" && mkdir child", (char *)NULL);
        _exit(9);
    }
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static const struct action actions[] = {
    {"create", do_create}, {"pwrite", do_pwrite}, {"fsync", do_fsync}, {"fdatasync", do_fdatasync},
    {"syncfs", do_syncfs}, {"rename", do_rename}, {"link", do_link},   {"unlink", do_unlink},
    {"mkdir", do_mkdir},   {"rmdir", do_rmdir},   {"peer", do_peer},   {"clock", do_clock},
    {"child", do_child},
};

static int run_word(char *word)
{
    char *a = strchr(word, '=');
    char *b = a == NULL ? NULL : strchr(a, ',');
    if (a != NULL)
        *a++ = '\0';
    if (b != NULL)
        *b++ = '\0';
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].name, word) == 0)
            return actions[i].run(a == NULL ? "" : a, b == NULL ? "" : b);
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]) != 0)
        return 64;
    for (int i = 2; i < argc; i++) {
        if (run_word(argv[i]) != 0) {
            perror(argv[i]);
            return 1;
        }
    }
    return 0;
}
