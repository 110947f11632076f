#pragma once
/*
 * THE table of commands, used by both ends: a command is a row here, one function in the client's
 * family file and one in the server's.
 */
#include "base/str.h"
#include "imap/capability.h"

enum conn_state {
    STATE_GREETING = 1, /* nothing said yet */
    STATE_NOT_AUTHENTICATED = 2,
    STATE_AUTHENTICATED = 4,
    STATE_SELECTED = 8,
    STATE_LOGOUT = 16,
};
#define STATES_ANY (STATE_NOT_AUTHENTICATED | STATE_AUTHENTICATED | STATE_SELECTED)
#define STATES_AUTH (STATE_AUTHENTICATED | STATE_SELECTED)

enum command_flag {
    COMMAND_USES_SEQS = 1,     /* arguments hold sequence numbers */
    COMMAND_BREAKS_SEQS = 2,   /* EXPUNGE may come before its end: sequence numbers move */
    COMMAND_CHANGES_STATE = 4, /* nothing may be in flight beside it */
    COMMAND_CHANGES_DATA = 8,  /* changes mailboxes or messages on the server */
    COMMAND_SECRET = 16,       /* its arguments never reach a transcript */
    COMMAND_NO_SYNC = 32,      /* the server does not tell mailbox changes after it */
};

enum command_id {
    CMD_CAPABILITY,
    CMD_NOOP,
    CMD_LOGOUT,
    CMD_ID,
    CMD_STARTTLS,
    CMD_LOGIN,
    CMD_AUTHENTICATE,
    CMD_ENABLE,
    CMD_NAMESPACE,
    CMD_COMPRESS,
    CMD_SELECT,
    CMD_EXAMINE,
    CMD_CLOSE,
    CMD_UNSELECT,
    CMD_CREATE,
    CMD_DELETE,
    CMD_RENAME,
    CMD_SUBSCRIBE,
    CMD_UNSUBSCRIBE,
    CMD_LIST,
    CMD_LSUB,
    CMD_STATUS,
    CMD_APPEND,
    CMD_CHECK,
    CMD_EXPUNGE,
    CMD_UID_EXPUNGE,
    CMD_SEARCH,
    CMD_UID_SEARCH,
    CMD_FETCH,
    CMD_UID_FETCH,
    CMD_STORE,
    CMD_UID_STORE,
    CMD_COPY,
    CMD_UID_COPY,
    CMD_MOVE,
    CMD_UID_MOVE,
    CMD_IDLE,
    CMD_NOTIFY,
    CMD_UNAUTHENTICATE,
    CMD_XLIST,
    CMD_GETACL,
    CMD_SETACL,
    CMD_DELETEACL,
    CMD_LISTRIGHTS,
    CMD_MYRIGHTS,
    CMD_GETQUOTA,
    CMD_GETQUOTAROOT,
    CMD_SETQUOTA,
    CMD_GETMETADATA,
    CMD_SETMETADATA,
    CMD_SORT,
    CMD_UID_SORT,
    CMD_THREAD,
    CMD_UID_THREAD,
    CMD_REPLACE,
    CMD_UID_REPLACE,
    CMD_COUNT
};

struct command_row {
    enum command_id id;
    const char *name; /* "UID FETCH" */
    unsigned states;  /* enum conn_state in which it is allowed */
    int capability;   /* enum capability that allows it, or -1 */
    unsigned flags;   /* enum command_flag */
};

const struct command_row *command_row(enum command_id id);
/* By its name as read from a command line, "UID" commands as "UID FETCH". NULL if unknown. */
const struct command_row *command_find(struct str name);
