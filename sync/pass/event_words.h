#pragma once
/* The words for what was done. `undo` and scripts read them. */
#define EVENT_DOWNLOADED "downloaded"
#define EVENT_LINKED "linked"
#define EVENT_UPLOADED "uploaded"
#define EVENT_FLAGS_LOCAL "flags changed here"
#define EVENT_FLAGS_REMOTE "flags changed on the server"
#define EVENT_MOVED_LOCAL "moved here"
#define EVENT_MOVED_REMOTE "moved on the server"
#define EVENT_COPIED_REMOTE "copied on the server"
#define EVENT_DELETED_LOCAL "deleted here"
#define EVENT_DELETED_REMOTE "deleted on the server"
#define EVENT_PAIRED "paired"
