#include "pass/pool.h"

#include "base/vec.h"

#include <assert.h>
#include <pthread.h>

/* Events of an idle connection are looked at only for its end: a server that never stops talking is
 * not believed to be idle. */
#define EVENTS_MAX 10000

VEC_STRUCT(connection_vec, struct connection *);

struct connection_pool {
    struct dialer *dialer;
    const struct clock *clock;
    const struct wake *wake;
    pthread_mutex_t lock; /* guards what follows */
    struct connection_vec idle;
    struct connection_vec taken;
    struct pool_counts closed; /* of those that are no more */
};

struct connection_pool *connection_pool_new(const struct config_account *account,
                                            const struct clock *clock, const struct wake *wake,
                                            const struct tap_sink *trace)
{
    struct connection_pool *pool = xcalloc(1, sizeof *pool);
    pool->dialer = dialer_new(account, clock, trace);
    pool->clock = clock;
    pool->wake = wake;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

struct dialer *connection_pool_dialer(struct connection_pool *pool)
{
    return pool->dialer;
}

void connection_pool_free(struct connection_pool **pool_pointer)
{
    struct connection_pool *pool = *pool_pointer;
    if (pool == NULL)
        return;
    connection_pool_drop_idle(pool);
    assert(pool->taken.len == 0);
    vec_free(&pool->idle);
    vec_free(&pool->taken);
    dialer_free(&pool->dialer);
    pthread_mutex_destroy(&pool->lock);
    xfree(pool_pointer);
}

static void add_counters(struct client_counters *sum, const struct client_counters *more)
{
    sum->bytes_in += more->bytes_in;
    sum->bytes_out += more->bytes_out;
    sum->commands += more->commands;
    sum->round_trips += more->round_trips;
}

static void count_closed(struct connection_pool *pool, bool compressed,
                         struct client_counters counters)
{
    pthread_mutex_lock(&pool->lock);
    add_counters(&pool->closed.wire, &counters);
    pool->closed.compressed = pool->closed.compressed || compressed;
    pthread_mutex_unlock(&pool->lock);
}

/* Under no lock: LOGOUT waits for the server. */
static void close_one(struct connection_pool *pool, struct connection *connection)
{
    bool compressed = client_is_compressed(connection_client(connection));
    count_closed(pool, compressed, connection_finish(&connection));
}

static struct connection *pop_idle(struct connection_pool *pool)
{
    struct connection *last = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->idle.len > 0)
        last = pool->idle.items[--pool->idle.len];
    pthread_mutex_unlock(&pool->lock);
    return last;
}

static bool is_alive(struct connection_pool *pool, struct connection *connection)
{
    struct client *client = connection_client(connection);
    int64_t now_ms = clock_monotonic_ms(pool->clock);
    for (unsigned i = 0; i < EVENTS_MAX; i++) {
        struct client_event event;
        struct error err = ERROR_INIT;
        int r = client_wait_event(client, now_ms, &event, &err);
        if (r <= 0)
            return r == 0 || err.code == ERR_CANCELLED;
    }
    return false;
}

static void note_taken(struct connection_pool *pool, struct connection *connection, bool opened)
{
    pthread_mutex_lock(&pool->lock);
    vec_push(&pool->taken, connection);
    pool->closed.opened += opened;
    pthread_mutex_unlock(&pool->lock);
}

int connection_pool_take(struct connection_pool *pool, struct connection **out, bool *reused,
                         struct error *err)
{
    struct connection *idle;
    *reused = false;
    while ((idle = pop_idle(pool)) != NULL) {
        *reused = is_alive(pool, idle);
        if (*reused) {
            note_taken(pool, idle, false);
            *out = idle;
            return 0;
        }
        close_one(pool, idle);
    }
    int r = connection_open(pool->dialer, pool->wake, out, err);
    if (r == 0)
        note_taken(pool, *out, true);
    return r;
}

static void remove_from(struct connection_vec *vec, const struct connection *connection)
{
    for (size_t i = 0; i < vec->len; i++) {
        if (vec->items[i] == connection) {
            vec->items[i] = vec->items[--vec->len];
            return;
        }
    }
    assert(!"a connection of another pool");
}

void connection_pool_give(struct connection_pool *pool, struct connection **connection)
{
    if (*connection == NULL)
        return;
    bool works = client_failure(connection_client(*connection)) == NULL;
    pthread_mutex_lock(&pool->lock);
    remove_from(&pool->taken, *connection);
    if (works)
        vec_push(&pool->idle, *connection);
    pthread_mutex_unlock(&pool->lock);
    if (!works)
        close_one(pool, *connection);
    *connection = NULL;
}

void connection_pool_drop_idle(struct connection_pool *pool)
{
    struct connection *idle;
    while ((idle = pop_idle(pool)) != NULL)
        close_one(pool, idle);
}

void connection_pool_forget_idle(struct connection_pool *pool)
{
    struct connection *idle;
    while ((idle = pop_idle(pool)) != NULL) {
        struct client *client = connection_client(idle);
        count_closed(pool, client_is_compressed(client), client_counters(client));
        connection_abandon(&idle);
    }
}

static void add_live(struct pool_counts *sum, const struct connection_vec *live)
{
    for (size_t i = 0; i < live->len; i++) {
        const struct client *client = connection_client(live->items[i]);
        struct client_counters counters = client_counters(client);
        add_counters(&sum->wire, &counters);
        sum->compressed = sum->compressed || client_is_compressed(client);
    }
}

struct pool_counts connection_pool_counts(struct connection_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_counts counts = pool->closed;
    add_live(&counts, &pool->idle);
    add_live(&counts, &pool->taken);
    pthread_mutex_unlock(&pool->lock);
    return counts;
}
