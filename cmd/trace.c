#include "cmd/trace.h"
#include "base/alloc.h"
#include "base/files.h"
#include "base/vec.h"
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

struct sink {
    struct trace *trace;
    const char *account;
    struct tap_sink tap;
};

struct trace {
    int fd;
    char *path;
    pthread_mutex_t lock;
    struct error failed; /* the first failure to write */
    VEC(struct sink *) sinks;
};

int trace_open(const char *path, struct trace **out, struct error *err)
{
    int fd;
    if (file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err) < 0) {
        return -(int)err->code;
    }
    /* It may have been there already, open to others. */
    if (fchmod(fd, 0600) < 0) {
        file_close(&fd);
        return error_set(err, ERR_WRITE, SCOPE_ACCOUNT, "cannot protect %s", path);
    }
    struct trace *trace = xcalloc(1, sizeof *trace);
    trace->fd = fd;
    trace->path = xstrdup(path);
    pthread_mutex_init(&trace->lock, NULL);
    *out = trace;
    return 0;
}

/* "2026-01-31T12:00:00.123Z ACCOUNT C: a1 NOOP". */
static void write_line(void *self, char direction, struct str line)
{
    struct sink *sink = self;
    struct trace *trace = sink->trace;
    struct timespec now;
    struct tm parts;
    char time_text[32] = "";
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) != NULL) {
        (void)strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    AUTO_FREE char *head =
        xasprintf("%s.%03ldZ %s %c: ", time_text, now.tv_nsec / 1000000, sink->account, direction);
    struct buf whole = BUF_INIT(SIZE_MAX / 2);
    buf_add_cstr(&whole, head);
    buf_add_str(&whole, line);
    buf_add_byte(&whole, '\n');
    pthread_mutex_lock(&trace->lock);
    if (!error_is_set(&trace->failed)) {
        (void)file_write(trace->fd, whole.data, whole.len, trace->path, &trace->failed);
    }
    pthread_mutex_unlock(&trace->lock);
    buf_free(&whole);
}

const struct tap_sink *trace_sink(struct trace *trace, const char *account)
{
    struct sink *sink = xcalloc(1, sizeof *sink);
    *sink = (struct sink){.trace = trace, .account = account};
    sink->tap = (struct tap_sink){.line = write_line, .self = sink};
    vec_push(&trace->sinks, sink);
    return &sink->tap;
}

int trace_close(struct trace **trace, struct error *err)
{
    struct trace *t = *trace;
    *trace = NULL;
    if (t == NULL) {
        return 0;
    }
    struct error failed = t->failed;
    VEC_FOREACH (struct sink *, sink, &t->sinks) {
        free(*sink);
    }
    vec_free(&t->sinks);
    file_close(&t->fd);
    free(t->path);
    pthread_mutex_destroy(&t->lock);
    free(t);
    if (error_is_set(&failed)) {
        *err = failed;
        return -(int)err->code;
    }
    return 0;
}
