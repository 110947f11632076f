#include "base/apart.h"

#include <pthread.h>

struct task {
    void (*work)(void *argument);
    void *argument;
    bool done;
    struct task *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static pthread_cond_t come = PTHREAD_COND_INITIALIZER;
static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;
static struct task *first, **end = &first;
static bool begun;

static struct task *take(void)
{
    pthread_mutex_lock(&lock);
    while (first == NULL) {
        (void)pthread_cond_wait(&come, &lock);
    }
    struct task *task = first;
    first = task->next;
    if (first == NULL) {
        end = &first;
    }
    pthread_mutex_unlock(&lock);
    return task;
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        struct task *task = take();
        task->work(task->argument);
        pthread_mutex_lock(&lock);
        task->done = true;
        (void)pthread_cond_broadcast(&gone);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int apart_begin(struct error *err)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, serve, NULL);
    if (failed != 0) {
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, failed, "cannot begin a thread");
    }
    (void)pthread_detach(thread);
    pthread_mutex_lock(&lock);
    begun = true;
    pthread_mutex_unlock(&lock);
    return 0;
}

void apart_run(void (*work)(void *argument), void *argument)
{
    struct task task = {.work = work, .argument = argument};
    pthread_mutex_lock(&lock);
    if (!begun) {
        pthread_mutex_unlock(&lock);
        work(argument);
        return;
    }
    *end = &task;
    end = &task.next;
    (void)pthread_cond_signal(&come);
    while (!task.done) {
        (void)pthread_cond_wait(&gone, &lock);
    }
    pthread_mutex_unlock(&lock);
}
