#include "daemon/post.h"

#include "base/vec.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct post {
    pthread_mutex_t lock; /* guards what follows */
    VEC(struct note) notes;
    size_t taken; /* of the notes, from the front */
    struct wake wake;
    atomic_bool events_wanted;
};

int post_new(struct post **out, struct error *err)
{
    struct post *post = xcalloc(1, sizeof *post);
    if (wake_init(&post->wake, err) < 0) {
        xfree(&post);
        return -(int)err->code;
    }
    pthread_mutex_init(&post->lock, NULL);
    *out = post;
    return 0;
}

void post_free(struct post **post_pointer)
{
    struct post *post = *post_pointer;
    if (post == NULL)
        return;
    assert(post->taken == post->notes.len);
    vec_free(&post->notes);
    wake_close(&post->wake);
    pthread_mutex_destroy(&post->lock);
    xfree(post_pointer);
}

/* A burst of pushes that nobody has looked at yet is one. */
static bool says_nothing_new(const struct post *post, const struct note *note)
{
    if (note->kind != NOTE_PUSHED || post->notes.len == post->taken)
        return false;
    const struct note *last = &post->notes.items[post->notes.len - 1];
    return last->kind == NOTE_PUSHED && last->watcher == note->watcher &&
           (note->mailbox == NULL ||
            (last->mailbox != NULL && strcmp(last->mailbox, note->mailbox) == 0));
}

void post_put(struct post *post, const struct note *note)
{
    pthread_mutex_lock(&post->lock);
    if (says_nothing_new(post, note))
        xfree(&(char *){note->mailbox});
    else
        vec_push(&post->notes, *note);
    pthread_mutex_unlock(&post->lock);
    wake_signal(&post->wake);
}

bool post_take(struct post *post, struct note *out)
{
    pthread_mutex_lock(&post->lock);
    bool found = post->taken < post->notes.len;
    if (found) {
        *out = post->notes.items[post->taken++];
    } else {
        vec_clear(&post->notes);
        post->taken = 0;
        wake_clear(&post->wake);
    }
    pthread_mutex_unlock(&post->lock);
    return found;
}

void post_want_events(struct post *post, bool wanted)
{
    atomic_store(&post->events_wanted, wanted);
}

bool post_wants_events(const struct post *post)
{
    return atomic_load(&post->events_wanted);
}

int post_fd(const struct post *post)
{
    return post->wake.fd;
}

void plan_line_free(struct plan_line **line)
{
    if (*line == NULL)
        return;
    xfree(&(*line)->mailbox);
    xfree(&(*line)->what);
    xfree(&(*line)->subject);
    xfree(&(*line)->why);
    xfree(line);
}

void message_event_free(struct message_event **event)
{
    if (*event == NULL)
        return;
    xfree(&(*event)->mailbox);
    xfree(&(*event)->what);
    xfree(&(*event)->why);
    xfree(&(*event)->base);
    xfree(&(*event)->from);
    xfree(event);
}
