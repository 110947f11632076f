/* NOTIFY SET and NONE. */
#include "client/cmd_notify.h"
#include "client/client_private.h"

/* RFC 5465 section 5 and 6. */
static const char *objection(const struct notify_group *group)
{
    const unsigned both = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE;
    const unsigned changes = NOTIFY_FLAG_CHANGE | NOTIFY_ANNOTATION_CHANGE;
    bool selected = group->filter == NOTIFY_SELECTED || group->filter == NOTIFY_SELECTED_DELAYED;
    bool named = group->filter == NOTIFY_SUBTREE || group->filter == NOTIFY_MAILBOXES;
    unsigned messages = group->events & both;
    if (messages != 0 && messages != both) {
        return "MessageNew and MessageExpunge go together";
    }
    if ((group->events & changes) != 0 && messages == 0) {
        return "FlagChange and AnnotationChange need MessageNew and MessageExpunge";
    }
    if (selected && (group->events & ~(both | changes)) != 0) {
        return "the selected mailbox has message events alone";
    }
    if (group->fetches && (!selected || messages == 0)) {
        return "items are fetched of new messages in the selected mailbox alone";
    }
    return named && group->mailboxes.len == 0 ? "a group of no mailboxes" : NULL;
}

static int check_request(struct client_op *op, const struct notify_request *request,
                         struct error *err)
{
    if (request->none) {
        return 0;
    }
    if (request->groups_len == 0) {
        return pipeline_refuse(op, err, "NOTIFY SET of nothing");
    }
    for (size_t i = 0; i < request->groups_len; i++) {
        const char *why = objection(&request->groups[i]);
        if (why != NULL) {
            return pipeline_refuse(op, err, "NOTIFY: %s", why);
        }
    }
    return 0;
}

int client_notify(struct client *c, const struct notify_request *request, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    if (pipeline_open(c, &op, CMD_NOTIFY, &no_hooks, NULL, err) < 0 ||
        check_request(&op, request, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    notify_request_write(&c->writer, request);
    /* What comes before the tagged OK may be of either kind. */
    bool before = c->notifies;
    c->notifies = c->notifies || !request->none;
    if (pipeline_run(c, &op, err) < 0) {
        c->notifies = c->notifies && before;
        return -(int)err->code;
    }
    c->notifies = c->notifies && !request->none;
    return 0;
}

bool client_notifies(const struct client *c)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return c->notifies;
}
