/*
 * From bytes to answers: a whole command, its row in the table, whether the state allows it, its
 * handler, the news about the selected mailbox, the tagged reply.
 */
#include "server/session_private.h"

static command_handler *const handlers[CMD_COUNT] = {
    [CMD_CAPABILITY] = handle_capability,
    [CMD_NOOP] = handle_noop,
    [CMD_LOGOUT] = handle_logout,
    [CMD_ID] = handle_id,
    [CMD_STARTTLS] = handle_starttls,
    [CMD_LOGIN] = handle_login,
    [CMD_AUTHENTICATE] = handle_authenticate,
    [CMD_ENABLE] = handle_enable,
    [CMD_NAMESPACE] = handle_namespace,
    [CMD_COMPRESS] = handle_compress,
    [CMD_SELECT] = handle_select,
    [CMD_EXAMINE] = handle_select,
    [CMD_CLOSE] = handle_close,
    [CMD_UNSELECT] = handle_unselect,
    [CMD_CREATE] = handle_create,
    [CMD_DELETE] = handle_delete,
    [CMD_RENAME] = handle_rename,
    [CMD_SUBSCRIBE] = handle_subscribe,
    [CMD_UNSUBSCRIBE] = handle_subscribe,
    [CMD_LIST] = handle_list,
    [CMD_LSUB] = handle_list,
    [CMD_XLIST] = handle_list,
    [CMD_STATUS] = handle_status,
    [CMD_APPEND] = handle_append,
    [CMD_CHECK] = handle_noop,
    [CMD_EXPUNGE] = handle_expunge,
    [CMD_UID_EXPUNGE] = handle_expunge,
    [CMD_SEARCH] = handle_search,
    [CMD_UID_SEARCH] = handle_search,
    [CMD_FETCH] = handle_fetch,
    [CMD_UID_FETCH] = handle_fetch,
    [CMD_STORE] = handle_store,
    [CMD_UID_STORE] = handle_store,
    [CMD_COPY] = handle_copy,
    [CMD_UID_COPY] = handle_copy,
    [CMD_MOVE] = handle_copy,
    [CMD_UID_MOVE] = handle_copy,
    [CMD_IDLE] = handle_idle,
    [CMD_UNAUTHENTICATE] = handle_unauthenticate,
    [CMD_SORT] = handle_sort,
    [CMD_UID_SORT] = handle_sort,
    [CMD_THREAD] = handle_thread,
    [CMD_UID_THREAD] = handle_thread,
    [CMD_NOTIFY] = handle_notify,
    [CMD_REPLACE] = handle_replace,
    [CMD_UID_REPLACE] = handle_replace,
    [CMD_GETACL] = handle_getacl,
    [CMD_SETACL] = handle_setacl,
    [CMD_DELETEACL] = handle_deleteacl,
    [CMD_LISTRIGHTS] = handle_listrights,
    [CMD_MYRIGHTS] = handle_myrights,
    [CMD_GETQUOTA] = handle_getquota,
    [CMD_GETQUOTAROOT] = handle_getquotaroot,
    [CMD_SETQUOTA] = handle_setquota,
    [CMD_GETMETADATA] = handle_getmetadata,
    [CMD_SETMETADATA] = handle_setmetadata,
};

static ssize_t memory_read(void *self, void *out, size_t size, struct error *err)
{
    struct memory_source *source = self;
    size_t taken = source->rest.len < size ? source->rest.len : size;
    if (taken > 0) {
        memcpy(out, source->rest.ptr, taken);
    }
    source->rest = str_from_offset(source->rest, taken);
    return (ssize_t)taken;
}

struct reader *conn_reader(struct memory_source *source, struct arena *arena)
{
    static const struct reader_limits limits = {.token_bytes = LIMIT_SERVER_LINE_BYTES,
                                                .literal_bytes = LIMIT_SERVER_LITERAL_BYTES,
                                                .depth = LIMIT_DEPTH,
                                                .unit_bytes = 2 * LIMIT_SERVER_LINE_BYTES};
    struct reader_source input = {memory_read, source};
    struct reader *reader = reader_new(&input, &limits);
    reader_begin(reader, arena);
    return reader;
}

/* ---- the end of a command ---- */

/* False when the mailbox is gone and the session with it. */
static bool tell_news(struct session *s, unsigned events, bool expunge, bool with_uid)
{
    struct error err = ERROR_INIT;
    if (s->state != STATE_SELECTED) {
        return true;
    }
    s->revision = s->backend.ops->revision(s->backend.self);
    if (tracker_sync(s, events, expunge, with_uid || s->notify != NULL, &err) == 0) {
        return true;
    }
    session_bye(s, err.text);
    return false;
}

static void say_refusal(struct session *s, const struct command *c, const char *word)
{
    const char *text = c->fault->text;
    writer_format(&s->out, "%.*s %s %s\r\n", STR_ARG(c->tag), word,
                  text != NULL ? text : "[UNAVAILABLE] Not now");
}

static void write_reply(struct session *s, const struct command *c)
{
    const struct fault *fault = c->fault;
    if (fault != NULL && fault->kind == FAULT_DELAY) {
        s->delay_ms += (int64_t)fault->value;
    }
    if (fault != NULL && (fault->kind == FAULT_DO_AND_CUT || fault->kind == FAULT_SILENCE)) {
        if (fault->kind == FAULT_SILENCE) {
            s->out.buf.len = c->output_start;
        }
        s->next = SESSION_CUT;
        session_set_mode(s, MODE_ENDED);
        return;
    }
    if (fault != NULL && fault->kind == FAULT_DO_AND_NO) {
        say_refusal(s, c, "NO");
        return;
    }
    if (c->tag.len > 0) {
        writer_raw(&s->out, c->tag);
    } else {
        writer_byte(&s->out, '*');
    }
    writer_sp(&s->out);
    imap_response_status_write(&s->out, &c->reply);
}

/* What a command did itself is told whatever NOTIFY says. */
static unsigned events_after(const struct session *s, const struct command_row *row)
{
    bool own = (row->flags & COMMAND_CHANGES_DATA) != 0 || row->id == CMD_FETCH ||
               row->id == CMD_UID_FETCH;
    return own ? ~0u : notify_message_events(s);
}

void conn_finish(struct session *s, struct command *c)
{
    bool bad = c->reply.status == STATUS_BAD;
    bool gone =
        c->row != NULL && !bad &&
        !tell_news(s, events_after(s, c->row), (c->row->flags & COMMAND_BREAKS_SEQS) != 0, c->uid);
    notify_news(s, false);
    if (!gone) {
        write_reply(s, c);
    }
    imap_response_status_free(&c->reply);
    s->bad_commands = bad ? s->bad_commands + 1 : 0;
    if (s->mode != MODE_ENDED && s->bad_commands >= LIMIT_SERVER_BAD_COMMANDS) {
        session_bye(s, "Too many bad commands");
    }
    if (s->mode != MODE_ENDED && s->failed_logins >= LIMIT_SERVER_FAILED_LOGINS) {
        session_bye(s, "Too many failed logins");
    }
}

/* ---- a command ---- */

static void refuse_by_fault(struct session *s, struct command *c)
{
    const char *text = c->fault->text;
    if (c->fault->kind == FAULT_BYE) {
        session_bye(s, text != NULL ? text : "[UNAVAILABLE] Going away");
        return;
    }
    say_refusal(s, c, c->fault->kind == FAULT_NO ? "NO" : "BAD");
}

static bool fault_refuses(const struct fault *fault)
{
    return fault != NULL &&
           (fault->kind == FAULT_NO || fault->kind == FAULT_BAD || fault->kind == FAULT_BYE);
}

/* RFC 9051 appendix E: IMAP4rev2 alone has neither CHECK nor LSUB. */
static bool in_revision(const struct session *s, const struct command_row *row)
{
    return session_offers(s, CAP_IMAP4REV1) || (row->id != CMD_CHECK && row->id != CMD_LSUB);
}

/* Sets c->row, counts it. False with BAD in the reply, or the reader failed. */
static bool read_name(struct session *s, struct command *c)
{
    struct str name;
    struct str second;
    if (!reader_expect_sp(c->reader) || !reader_expect_atom(c->reader, &name)) {
        return false;
    }
    if (str_eq_nocase(name, STR("UID"))) {
        if (!reader_expect_sp(c->reader) || !reader_expect_atom(c->reader, &second)) {
            return false;
        }
        name = str_from(arena_printf(c->arena, "UID %.*s", STR_ARG(second)));
    }
    const struct command_row *row = command_find(name);
    if (row == NULL || handlers[row->id] == NULL || !in_revision(s, row) ||
        (row->capability >= 0 && !session_offers(s, (enum capability)row->capability))) {
        reply_bad(c, "Unknown command");
        return false;
    }
    c->row = row;
    c->uid = str_starts(str_from(row->name), STR("UID "));
    s->counters.commands++;
    if ((row->flags & COMMAND_CHANGES_DATA) != 0) {
        s->counters.changing_commands++;
    }
    c->fault = fault_on_command(s->options.faults, row->name);
    return true;
}

/* The reply when it was not the handler that gave one. */
static void complete_reply(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    if (reader_check(c->reader, &err) < 0) {
        reply_bad(c, arena_strdup(c->arena, err.text));
    } else if (c->reply.status == STATUS_NONE && !c->deferred) {
        reply_bad(c, "Wrong arguments");
    }
}

static bool wants_id_first(const struct session *s, const struct command_row *row)
{
    return (row->id == CMD_SELECT || row->id == CMD_EXAMINE) && !s->identified &&
           fault_of_kind(s->options.faults, FAULT_ID_FIRST) != NULL;
}

/* False when a fault has answered it. */
static bool execute(struct session *s, struct command *c)
{
    if (!reader_expect_tag(c->reader, &c->tag) || !read_name(s, c)) {
        return true;
    }
    if (fault_refuses(c->fault)) {
        refuse_by_fault(s, c);
        return false;
    }
    if (s->frame.refused) {
        c->reply = s->frame.refusal;
    } else if (wants_id_first(s, c->row)) {
        reply_no(c, CODE_NONE, "SELECT Unsafe Login");
    } else if ((c->row->states & s->state) == 0) {
        reply_bad(c, "Not in this state");
    } else if (s->uidonly && !c->uid && (c->row->flags & COMMAND_USES_SEQS) != 0) {
        reply_set(c, STATUS_BAD, CODE_UIDREQUIRED, "Messages have no numbers here");
    } else {
        handlers[c->row->id](s, c);
    }
    return true;
}

static void run_command(struct session *s, size_t end)
{
    struct command *c = &s->command;
    struct memory_source source = {str_make(s->in.data + s->frame.start, end - s->frame.start)};
    arena_reset(s->arena);
    *c = (struct command){.arena = s->arena, .output_start = s->out.buf.len};
    c->reader = conn_reader(&source, c->arena);
    notify_news(s, true);
    bool answer = execute(s, c);
    if (answer && !s->frame.refused) {
        complete_reply(s, c);
    } else if (answer && c->reply.status == STATUS_NONE) {
        reply_bad(c, "Unknown command");
    }
    reader_free(&c->reader);
    frame_reset(s, end);
    if (answer && !c->deferred) {
        conn_finish(s, c);
    }
}

/* ---- lines that are no commands ---- */

static bool take_line(struct session *s, struct str *out)
{
    struct frame *frame = &s->frame;
    size_t have = s->in.len - frame->start;
    const char *end = have > 0 ? memchr(s->in.data + frame->start, '\n', have) : NULL;
    if (end == NULL) {
        if (have > LIMIT_SERVER_LINE_BYTES) {
            session_bye(s, "The line is too long");
        }
        return false;
    }
    *out = str_make(s->in.data + frame->start, (size_t)(end - s->in.data) - frame->start);
    if (str_ends(*out, STR("\r"))) {
        out->len--;
    }
    frame_reset(s, (size_t)(end - s->in.data) + 1);
    return true;
}

static bool step_command(struct session *s)
{
    size_t end = 0;
    switch (frame_scan(s, &end)) {
    case FRAME_COMPLETE:
        run_command(s, end);
        return true;
    case FRAME_BROKEN:
        session_bye(s, "The command is too long");
        return false;
    case FRAME_INCOMPLETE:
        break;
    }
    return false;
}

static bool step_idle(struct session *s)
{
    struct str line;
    if (!take_line(s, &line)) {
        return false;
    }
    session_set_mode(s, MODE_COMMAND);
    if (str_eq_nocase(line, STR("DONE"))) {
        reply_ok(&s->command, "IDLE ended");
    } else {
        reply_bad(&s->command, "Expected DONE");
    }
    conn_finish(s, &s->command);
    return true;
}

static bool step_sasl(struct session *s)
{
    struct str line;
    if (!take_line(s, &line)) {
        return false;
    }
    session_set_mode(s, MODE_COMMAND);
    auth_continue(s, line);
    return true;
}

/* One command or line; false when more input is needed. */
static bool step(struct session *s)
{
    switch (s->mode) {
    case MODE_COMMAND:
        return step_command(s);
    case MODE_SASL:
        return step_sasl(s);
    case MODE_IDLE:
        return step_idle(s);
    case MODE_FETCH:
        fetch_continue(s);
        return true;
    case MODE_GREETING:
    case MODE_STOPPED:
    case MODE_ENDED:
        break;
    }
    return false;
}

void conn_process(struct session *s)
{
    while (s->out.buf.len < SESSION_OUTPUT_HIGH_WATER) {
        if (!step(s)) {
            return;
        }
    }
    if (s->next == SESSION_READ) {
        s->next = SESSION_MORE;
    }
}

void conn_idle_news(struct session *s)
{
    /* Without IDLE only NOTIFY makes it speak, and not into a command that is coming in. */
    bool any_time = s->mode == MODE_COMMAND && notify_is_watching(s) &&
                    s->in.len == s->frame.start && (s->state & STATES_AUTH) != 0;
    if (s->mode != MODE_IDLE && !any_time) {
        return;
    }
    if (s->revision != s->backend.ops->revision(s->backend.self)) {
        bool expunge = s->mode == MODE_IDLE || !notify_delays_expunges(s);
        tell_news(s, notify_message_events(s), expunge, s->qresync);
    }
    if (s->mode != MODE_ENDED) {
        notify_news(s, true);
    }
}
