#include "sim/threads.h"
#include "sim/machine.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 16
/* Of a hundred points. */
#define CHANGES 30

#define DECLARE(name, ...)                                                                         \
    int __wrap_##name(__VA_ARGS__);                                                                \
    int __real_##name(__VA_ARGS__);

DECLARE(pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
DECLARE(pthread_join, pthread_t, void **)
DECLARE(pthread_mutex_lock, pthread_mutex_t *)
DECLARE(pthread_mutex_unlock, pthread_mutex_t *)
DECLARE(pthread_cond_wait, pthread_cond_t *, pthread_mutex_t *)
DECLARE(pthread_cond_broadcast, pthread_cond_t *)

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_WAITING, THREAD_ENDED };

struct thread {
    enum thread_state state;
    const void *awaits;
    pthread_t id;
    void *(*main)(void *);
    void *argument;
    sem_t turn;
};

/* The first is the one that begins a pass. */
static struct {
    struct thread all[THREADS_MAX];
    unsigned running; /* whose turn it is */
    unsigned others;  /* begun, and not yet joined */
    uint64_t random;
} threads;

void threads_reset(uint64_t seed)
{
    if (threads.all[0].state == THREAD_FREE)
        (void)sem_init(&threads.all[0].turn, 0, 0);
    threads.all[0].state = THREAD_READY;
    threads.running = 0;
    threads.random = seed;
}

/* ---- turns ---- */

/* One of those that can go on; a thread that ends hands its turn over for good. */
static void pass_turn(void)
{
    unsigned ready[THREADS_MAX];
    unsigned len = 0;
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        if (threads.all[i].state == THREAD_READY)
            ready[len++] = i;
    }
    if (len == 0) {
        fprintf(stderr, "each thread waits for another\n");
        abort();
    }
    unsigned from = threads.running;
    unsigned to = ready[random_below(&threads.random, len)];
    if (to == from)
        return;
    bool ended = threads.all[from].state == THREAD_ENDED;
    threads.running = to;
    (void)sem_post(&threads.all[to].turn);
    while (!ended && sem_wait(&threads.all[from].turn) != 0 && errno == EINTR)
        ;
}

void threads_point(void)
{
    if (threads.others > 0 && random_chance(&threads.random, CHANGES))
        pass_turn();
}

void threads_wait(const void *what)
{
    struct thread *self = &threads.all[threads.running];
    self->state = THREAD_WAITING;
    self->awaits = what;
    pass_turn();
}

void threads_wake(const void *what)
{
    for (unsigned i = 0; i < THREADS_MAX && threads.others > 0; i++) {
        struct thread *thread = &threads.all[i];
        if (thread->state == THREAD_WAITING && thread->awaits == what)
            thread->state = THREAD_READY;
    }
}

/* ---- beginning and ending ---- */

static void *thread_main(void *argument)
{
    struct thread *self = argument;
    while (sem_wait(&self->turn) != 0 && errno == EINTR)
        ;
    void *result = self->main(self->argument);
    self->state = THREAD_ENDED;
    threads_wake(self);
    pass_turn();
    return result;
}

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*main)(void *),
                          void *argument)
{
    unsigned at = 1;
    while (at < THREADS_MAX && threads.all[at].state != THREAD_FREE)
        at++;
    if (at == THREADS_MAX)
        return EAGAIN;
    struct thread *thread = &threads.all[at];
    thread->main = main;
    thread->argument = argument;
    (void)sem_init(&thread->turn, 0, 0);
    int failed = __real_pthread_create(&thread->id, attributes, thread_main, thread);
    if (failed != 0)
        return failed;
    thread->state = THREAD_READY;
    *out = thread->id;
    threads.others++;
    return 0;
}

int __wrap_pthread_join(pthread_t id, void **result)
{
    unsigned at = 1;
    while (at < THREADS_MAX &&
           (threads.all[at].state == THREAD_FREE || !pthread_equal(threads.all[at].id, id)))
        at++;
    if (at == THREADS_MAX)
        return ESRCH;
    struct thread *thread = &threads.all[at];
    while (thread->state != THREAD_ENDED)
        threads_wait(thread);
    int failed = __real_pthread_join(id, result);
    (void)sem_destroy(&thread->turn);
    thread->state = THREAD_FREE;
    threads.others--;
    return failed;
}

/* ---- locks ---- */

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (threads.others == 0)
        return __real_pthread_mutex_lock(mutex);
    int failed;
    while ((failed = pthread_mutex_trylock(mutex)) == EBUSY)
        threads_wait(mutex);
    return failed;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int failed = __real_pthread_mutex_unlock(mutex);
    threads_wake(mutex);
    return failed;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    (void)__wrap_pthread_mutex_unlock(mutex);
    threads_wait(condition);
    return __wrap_pthread_mutex_lock(mutex);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    threads_wake(condition);
    return 0;
}
