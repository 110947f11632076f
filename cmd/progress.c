#include "cmd/progress.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "cmd/columns.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define REDRAW_MS 100
#define BAR_COLUMNS 20
#define BOARD_BYTES_MAX (64 * 1024)

struct row {
    struct progress_board *board;
    struct progress_sink sink;
    bool active;
    struct progress now;
    char account[64], mailbox[256]; /* copies: the pass's own do not last */
    int64_t begun_ms;
    int64_t stage_begun_ms;
    uint64_t stage_begun_at; /* `done` then */
};

struct progress_board {
    bool drawn_on; /* a terminal is there */
    bool colour;
    pthread_mutex_t lock;
    struct row *rows;
    size_t len;
    size_t lines; /* on the screen now */
    int64_t drawn_ms;
    struct log_guard guard;
};

static const char *const stage_words[] = {
    [PROGRESS_CONNECTING] = "connecting",
    [PROGRESS_SURVEY] = "looking",
    [PROGRESS_DOWNLOAD] = "downloading",
    [PROGRESS_UPLOAD] = "uploading",
    [PROGRESS_FLAGS] = "flags",
    [PROGRESS_DELETE] = "deleting",
    [PROGRESS_DONE] = "done",
};

/* ---- drawing ---- */

static void add_bar(struct buf *out, const struct row *row, bool colour)
{
    uint64_t filled = row->now.done >= row->now.total
                          ? BAR_COLUMNS
                          : row->now.done * BAR_COLUMNS / row->now.total;
    buf_add_cstr(out, " [");
    buf_add_cstr(out, colour ? "\033[32m" : "");
    for (uint64_t i = 0; i < BAR_COLUMNS; i++) {
        buf_add_byte(out, i < filled ? '#' : '.');
    }
    buf_add_cstr(out, colour ? "\033[0m" : "");
    buf_add_byte(out, ']');
}

/* "120/1000, 3.4 MB, 1.2 MB/s, 0:12 left". */
static void add_numbers(struct buf *out, const struct row *row, int64_t now_ms)
{
    const struct progress *p = &row->now;
    int64_t elapsed_ms = now_ms - row->begun_ms;
    if (p->total > 0) {
        buf_addf(out, " %" PRIu64 "/%" PRIu64, p->done, p->total);
    } else if (p->done > 0) {
        buf_addf(out, " %" PRIu64, p->done);
    }
    if (p->bytes > 0) {
        buf_addf(out, ", %.1f MB", (double)p->bytes / 1e6);
    }
    if (p->bytes > 0 && elapsed_ms > 1000) {
        buf_addf(out, ", %.1f MB/s", (double)p->bytes / 1e3 / (double)elapsed_ms);
    }
    uint64_t since = p->done - row->stage_begun_at;
    int64_t stage_ms = now_ms - row->stage_begun_ms;
    if (p->total > p->done && p->done > row->stage_begun_at && stage_ms > 2000) {
        uint64_t left_s = (p->total - p->done) * (uint64_t)stage_ms / since / 1000;
        buf_addf(out, ", %" PRIu64 ":%02" PRIu64 " left", left_s / 60, left_s % 60);
    }
}

static void add_row(struct buf *out, const struct row *row, bool colour, int64_t now_ms)
{
    struct buf text = BUF_INIT(BOARD_BYTES_MAX);
    size_t width = columns_width(STDERR_FILENO);
    bool bar = row->now.total > 0 && width > 60;
    size_t room = width - 1 - (bar ? BAR_COLUMNS + 3 : 0);
    buf_addf(&text, "%s: %s", row->account, stage_words[row->now.stage]);
    add_numbers(&text, row, now_ms);
    if (row->mailbox[0] != '\0') {
        buf_addf(&text, "  %s", row->mailbox);
    }
    columns_pad(out, text.data, room);
    if (bar) {
        add_bar(out, row, colour);
    }
    buf_add_cstr(out, "\033[K\n");
    buf_free(&text);
}

static void write_all(const struct buf *out)
{
    ssize_t ignored = out->len == 0 ? 0 : write(STDERR_FILENO, out->data, out->len);
    (void)ignored;
}

/* With the lock held. */
static void erase(struct progress_board *board)
{
    struct buf out = BUF_INIT(BOARD_BYTES_MAX);
    if (board->lines > 0) {
        buf_addf(&out, "\033[%zuA\r\033[J", board->lines);
        board->lines = 0;
        write_all(&out);
    }
    buf_free(&out);
}

/* With the lock held. */
static void draw(struct progress_board *board)
{
    struct buf out = BUF_INIT(BOARD_BYTES_MAX);
    int64_t now_ms = clock_monotonic_ms(&clock_system);
    size_t lines = 0;
    if (board->lines > 0) {
        buf_addf(&out, "\033[%zuA\r", board->lines);
    }
    size_t room = columns_rows(STDERR_FILENO) - 1; /* lines above the screen cannot be redrawn */
    for (size_t i = 0; i < board->len && lines < room; i++) {
        if (board->rows[i].active) {
            add_row(&out, &board->rows[i], board->colour, now_ms);
            lines++;
        }
    }
    buf_add_cstr(&out, "\033[J");
    board->lines = lines;
    board->drawn_ms = now_ms;
    write_all(&out);
    buf_free(&out);
}

/* ---- what the passes say ---- */

static void update(void *self, const struct progress *progress)
{
    struct row *row = self;
    struct progress_board *board = row->board;
    int64_t now_ms = clock_monotonic_ms(&clock_system);
    pthread_mutex_lock(&board->lock);
    if (!row->active) {
        row->begun_ms = now_ms;
    }
    bool stage_begins =
        !row->active || progress->stage != row->now.stage || progress->done < row->now.done;
    if (stage_begins) {
        row->stage_begun_ms = now_ms;
        row->stage_begun_at = progress->done;
    }
    row->active = progress->stage != PROGRESS_DONE;
    row->now = *progress;
    (void)snprintf(row->account, sizeof row->account, "%s", progress->account);
    (void)snprintf(row->mailbox, sizeof row->mailbox, "%s",
                   progress->mailbox == NULL ? "" : progress->mailbox);
    /* A stage may last long without another word. */
    if (stage_begins || now_ms - board->drawn_ms >= REDRAW_MS) {
        draw(board);
    }
    pthread_mutex_unlock(&board->lock);
}

static void update_nothing(void *self, const struct progress *progress)
{
}

static void before_log(void *self)
{
    progress_board_pause(self);
}

static void after_log(void *self)
{
    progress_board_resume(self);
}

/* ---- the board ---- */

struct progress_board *progress_board_new(size_t accounts, bool wanted)
{
    struct progress_board *board = xcalloc(1, sizeof *board);
    board->drawn_on = wanted && columns_terminal(STDERR_FILENO);
    board->colour = columns_colour(STDERR_FILENO);
    pthread_mutex_init(&board->lock, NULL);
    board->rows = xcalloc(accounts, sizeof *board->rows);
    board->len = accounts;
    for (size_t i = 0; i < accounts; i++) {
        struct row *row = &board->rows[i];
        row->board = board;
        row->sink = (struct progress_sink){board->drawn_on ? update : update_nothing, row};
    }
    if (board->drawn_on) {
        board->guard = (struct log_guard){before_log, after_log, board};
        log_set_guard(&board->guard);
    }
    return board;
}

void progress_board_free(struct progress_board **board)
{
    if ((*board)->drawn_on) {
        log_set_guard(NULL);
        erase(*board);
    }
    pthread_mutex_destroy(&(*board)->lock);
    free((*board)->rows);
    free(*board);
    *board = NULL;
}

const struct progress_sink *progress_board_sink(struct progress_board *board, size_t index)
{
    return &board->rows[index].sink;
}

void progress_board_done(struct progress_board *board, size_t index)
{
    pthread_mutex_lock(&board->lock);
    board->rows[index].active = false;
    pthread_mutex_unlock(&board->lock);
}

void progress_board_pause(struct progress_board *board)
{
    pthread_mutex_lock(&board->lock);
    erase(board);
}

void progress_board_resume(struct progress_board *board)
{
    if (board->drawn_on) {
        draw(board);
    }
    pthread_mutex_unlock(&board->lock);
}
