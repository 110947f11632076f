#pragma once
/* What the supervisor tells, in the shapes of org.maildird. The results are the caller's. */
#include "daemon/supervisor.h"
#include <jansson.h>

json_t *control_status_json(const struct supervisor_status *status);
json_t *control_progress_json(const struct progress *progress);
json_t *control_event_json(const struct daemon_event *event);
json_t *control_plan_json(const char *account, const char *mailbox, const char *operation,
                          const char *subject, const char *why);
/* Reads a Progress back; strings stay the object's. */
struct progress control_progress_from(const json_t *object);
