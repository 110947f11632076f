#include "sim/there.h"
#include "base/alloc.h"
#include "net/dial.h"
#include "imap/list.h"
#include "server/lockstep.h"
#include "reconcile/flags.h"
#include "sim/acts.h"
#include "sim/machine.h"
#include "sim/markings.h"
#include <assert.h>

int __wrap_dial(const struct dial_options *options, struct stream **out, struct error *err);
int64_t __wrap_stream_connect_us(const struct stream *stream);

struct server server;

/* ---- what a server may lack ---- */

static const struct lack {
    const char *name;
    enum capability lacks[16]; /* ends at the first CAP_IMAP4REV1 */
    bool no_codes;
} LACKS[] = {
    {.name = "nothing"},
    {.name = "QRESYNC", .lacks = {CAP_QRESYNC}},
    {.name = "CONDSTORE", .lacks = {CAP_QRESYNC, CAP_CONDSTORE}},
    {.name = "LIST-STATUS", .lacks = {CAP_LIST_STATUS}},
    {.name = "LITERAL+", .lacks = {CAP_LITERAL_PLUS}},
    {.name = "OBJECTID", .lacks = {CAP_OBJECTID}},
    {.name = "MOVE", .lacks = {CAP_MOVE}},
    {.name = "codes of UIDPLUS", .no_codes = true},
    {.name = "UIDPLUS", .lacks = {CAP_UIDPLUS}},
    {.name = "OBJECTID and QRESYNC", .lacks = {CAP_OBJECTID, CAP_QRESYNC}},
    {.name = "OBJECTID and CONDSTORE", .lacks = {CAP_OBJECTID, CAP_QRESYNC, CAP_CONDSTORE}},
    {.name = "all extensions",
     .lacks = {CAP_QRESYNC, CAP_CONDSTORE, CAP_LIST_STATUS, CAP_LIST_EXTENDED, CAP_UIDPLUS,
               CAP_LITERAL_PLUS, CAP_MOVE, CAP_NAMESPACE, CAP_ENABLE, CAP_ID, CAP_UNSELECT,
               CAP_OBJECTID, CAP_SPECIAL_USE, CAP_CREATE_SPECIAL_USE, CAP_SASL_IR}},
};

unsigned there_lacks(void)
{
    return sizeof LACKS / sizeof LACKS[0];
}

const char *there_lack_name(unsigned which)
{
    return LACKS[which].name;
}

void there_lack(unsigned which)
{
    const struct lack *lack = &LACKS[which];
    session_default_capabilities(&server.options.capabilities);
    capabilities_set(&server.options.capabilities, CAP_STARTTLS, false);
    capabilities_set(&server.options.capabilities, CAP_COMPRESS_DEFLATE, false);
    for (size_t i = 0; i < 16 && lack->lacks[i] != CAP_IMAP4REV1; i++)
        capabilities_set(&server.options.capabilities, lack->lacks[i], false);
    server.faults.len = 0;
    if (lack->no_codes)
        there_fault((struct fault){.kind = FAULT_NO_UIDPLUS_CODES});
}

void there_fault(struct fault fault)
{
    assert(server.faults.len < THERE_FAULTS_MAX);
    if (fault.kind == FAULT_CUT_IN)
        fault.at += server.faults.bytes_in;
    if (fault.kind == FAULT_CUT_OUT)
        fault.at += server.faults.bytes_out;
    server.fault_items[server.faults.len] = fault;
    server.fault_hits[server.faults.len] = 0;
    server.faults.len++;
}

struct refusal {
    struct fault login;
    uint64_t hits;
    struct fault_script script;
};

/* ---- the server ---- */

static int64_t wall_ms(void *self)
{
    return machine_wall_ns() / 1000000;
}

static int64_t monotonic_ms(void *self)
{
    return machine.monotonic_ns / 1000000;
}

void there_reset(void)
{
    static const struct str nobody = {NULL, 0};
    struct error err = ERROR_INIT;
    there_hang_up();
    if (server.user != NULL)
        server.vtable.ops->logout(server.vtable.self, server.user);
    mem_backup_free(&server.backup);
    mem_backend_free(&server.backend);
    vec_free(&server.sessions);
    vec_free(&server.refusals);
    server = (struct server){.clock = {monotonic_ms, wall_ms, NULL}};
    server.backend = mem_backend_new(&server.clock);
    mem_backend_add_user(server.backend, THERE_USER, "p");
    server.vtable = mem_backend_vtable(server.backend);
    /* Without secrets there is no SCRAM, whose hashing would be most of the work. */
    server.vtable.auth = NULL;
    server.watched = acts_watch(&server.vtable);
    if (server.vtable.ops->login(server.vtable.self, STR(THERE_USER), nobody, &server.user, &err) <
        0)
        abort();
    server.faults.faults = server.fault_items;
    server.faults.hits = server.fault_hits;
    server.options = (struct session_options){.allow_plaintext = true, .faults = &server.faults};
    there_lack(0);
}

void there_hang_up(void)
{
    VEC_FOREACH (struct session *, session, &server.sessions) {
        session_free(session);
    }
    vec_clear(&server.sessions);
    VEC_FOREACH (struct refusal *, refusal, &server.refusals) {
        xfree(refusal);
    }
    vec_clear(&server.refusals);
}

struct session_counters there_counters(void)
{
    struct session_counters total = {0};
    VEC_FOREACH (struct session *, session, &server.sessions) {
        struct session_counters one = session_counters(*session);
        total.commands += one.commands;
        total.bytes_in += one.bytes_in;
        total.bytes_out += one.bytes_out;
    }
    return total;
}

/* ---- the stream ---- */

static ssize_t gate(struct error *err)
{
    if (machine_step())
        return 0;
    return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "the machine is off");
}

static void note_traffic(const void *data, ssize_t len)
{
    if (len > 0)
        server.traffic = server.traffic * 31 + str_hash(str_make(data, (size_t)len));
}

static ssize_t gate_try_read(struct stream_layer *layer, void *out, size_t size,
                             enum stream_want *want, struct error *err)
{
    ssize_t r = gate(err);
    if (r == 0) {
        r = stream_below_read(layer, out, size, want, err);
        note_traffic(out, r);
    }
    return r;
}

static ssize_t gate_try_write(struct stream_layer *layer, const void *data, size_t size,
                              enum stream_want *want, struct error *err)
{
    ssize_t r = gate(err);
    if (r == 0) {
        r = stream_below_write(layer, data, size, want, err);
        note_traffic(data, r);
    }
    return r;
}

static void gate_close(struct stream_layer *layer)
{
    server.connections--;
}

static const struct stream_layer_ops GATE = {
    .name = "gate",
    .try_read = gate_try_read,
    .try_write = gate_try_write,
    .close = gate_close,
};

void there_limit(unsigned connections, enum there_refusal refusal)
{
    server.connections_max = connections;
    server.refusal = refusal;
}

/* When the client logs in, as many servers do. */
static struct fault_script *refuse_login(void)
{
    struct refusal *refusal = xcalloc(1, sizeof *refusal);
    refusal->login = (struct fault){
        .kind = server.refusal == REFUSE_WITH_BYE ? FAULT_BYE : FAULT_NO,
        .command = "LOGIN",
        .at = 1,
        .text = "[UNAVAILABLE] Too many connections",
    };
    refusal->script =
        (struct fault_script){.faults = &refusal->login, .len = 1, .hits = &refusal->hits};
    vec_push(&server.refusals, refusal);
    return &refusal->script;
}

int __wrap_dial(const struct dial_options *options, struct stream **out, struct error *err)
{
    if (gate(err) < 0)
        return -ERR_NETWORK;
    bool room = server.connections_max == 0 || server.connections < server.connections_max;
    struct session_options session_options = server.options;
    server.refused += !room;
    if (!room && server.refusal == REFUSE_TO_CONNECT)
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "too many connections");
    if (!room)
        session_options.faults = refuse_login();
    struct session *session = session_new(&server.watched, &session_options);
    server.connections++;
    vec_push(&server.sessions, session);
    *out = lockstep_stream(session, NULL, &server.clock);
    stream_push(*out, &GATE, NULL);
    return 0;
}

int64_t __wrap_stream_connect_us(const struct stream *stream)
{
    return 0;
}

/* ---- what other clients do ---- */

void there_mailboxes(struct arena *arena, struct there_names *out)
{
    struct backend_list_entry *entries;
    size_t len;
    struct error err = ERROR_INIT;
    if (server.vtable.ops->list(server.user, arena, &entries, &len, &err) < 0)
        abort();
    for (size_t i = 0; i < len; i++) {
        if ((entries[i].attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) == 0)
            vec_push(out, arena_str(arena, entries[i].name).ptr);
    }
}

bool there_info(const char *mailbox, struct backend_mailbox_info *out)
{
    struct backend_mailbox *opened;
    struct error err = ERROR_INIT;
    if (server.vtable.ops->open(server.user, str_from(mailbox), &opened, &err) < 0)
        return false;
    int r = server.vtable.ops->info(opened, out, &err);
    server.vtable.ops->close(opened);
    return r == 0;
}

bool there_each(const char *mailbox,
                bool (*visit)(void *self, const struct backend_message *message, struct str body),
                void *self)
{
    struct error err = ERROR_INIT;
    return mem_backend_each(server.backend, THERE_USER, mailbox, visit, self, &err) == 0;
}

uint8_t there_flags(const struct imap_flags *flags)
{
    uint8_t out = flags_system_from_imap(flags);
    for (size_t i = 0; i < flags->keywords_len; i++) {
        for (unsigned k = 0; k < MARKINGS_KEYWORDS; k++)
            out |= str_eq_nocase(flags->keywords[i], str_from(marking_keywords[k]))
                       ? (uint8_t)MARKING_OF(k)
                       : 0;
    }
    return out;
}

static void to_words(uint8_t flags, struct arena *arena, struct imap_flags *out)
{
    struct imap_flags system;
    flags_to_imap(flags & MARKINGS_SYSTEM, arena, &system);
    *out = (struct imap_flags){.system = system.system};
    out->keywords =
        arena_array(arena, system.keywords_len + MARKINGS_KEYWORDS, sizeof *out->keywords);
    for (size_t i = 0; i < system.keywords_len; i++)
        out->keywords[out->keywords_len++] = system.keywords[i];
    for (unsigned k = 0; k < MARKINGS_KEYWORDS; k++) {
        if ((flags & MARKING_OF(k)) != 0)
            out->keywords[out->keywords_len++] = str_from(marking_keywords[k]);
    }
}

bool there_append(const char *mailbox, struct str text, uint8_t flags, int64_t date_s)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct backend_mailbox *open;
    struct imap_flags words;
    struct error err = ERROR_INIT;
    uint32_t uid;
    to_words(flags, arena, &words);
    if (server.vtable.ops->open(server.user, str_from(mailbox), &open, &err) < 0)
        return false;
    int r = server.vtable.ops->append(open, text, &words, date_s, &uid, &err);
    server.vtable.ops->close(open);
    return r == 0;
}

void there_set_flags(const char *mailbox, uint32_t uid, uint8_t flags)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct backend_mailbox *open;
    struct imap_flags words;
    struct error err = ERROR_INIT;
    to_words(flags, arena, &words);
    if (server.vtable.ops->open(server.user, str_from(mailbox), &open, &err) < 0)
        return;
    (void)server.vtable.ops->set_flags(open, uid, &words, &err);
    server.vtable.ops->close(open);
}

void there_expunge(const char *mailbox, uint32_t uid)
{
    struct error err = ERROR_INIT;
    (void)mem_backend_expunge(server.backend, THERE_USER, mailbox, uid, &err);
}

void there_copy(const char *from, uint32_t uid, const char *to, bool moving)
{
    struct backend_mailbox *source, *target;
    struct error err = ERROR_INIT;
    uint32_t ignored;
    if (server.vtable.ops->open(server.user, str_from(from), &source, &err) < 0)
        return;
    if (server.vtable.ops->open(server.user, str_from(to), &target, &err) == 0) {
        int r = server.vtable.ops->copy(source, uid, target, moving, &ignored, &err);
        if (r == 0 && moving)
            (void)server.vtable.ops->expunge(source, &uid, 1, &err);
        server.vtable.ops->close(target);
    }
    server.vtable.ops->close(source);
}

bool there_create(const char *mailbox)
{
    struct error err = ERROR_INIT;
    return mem_backend_create(server.backend, THERE_USER, mailbox, 0, &err) == 0;
}

bool there_rename(const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    return server.vtable.ops->rename(server.user, str_from(from), str_from(to), &err) == 0;
}

bool there_remove(const char *mailbox)
{
    struct error err = ERROR_INIT;
    return mem_backend_remove(server.backend, THERE_USER, mailbox, &err) == 0;
}

bool there_subscribe(const char *mailbox, bool on)
{
    struct error err = ERROR_INIT;
    return server.vtable.ops->subscribe(server.user, str_from(mailbox), on, &err) == 0;
}

void there_renumber(const char *mailbox)
{
    struct error err = ERROR_INIT;
    (void)mem_backend_renumber(server.backend, THERE_USER, mailbox, &err);
}

void there_forget_expunged(const char *mailbox)
{
    struct error err = ERROR_INIT;
    (void)mem_backend_forget_expunged(server.backend, THERE_USER, mailbox, &err);
}

void there_back_up(void)
{
    mem_backup_free(&server.backup);
    server.backup = mem_backup_new(server.backend, THERE_USER);
}

bool there_restore(void)
{
    if (server.backup == NULL)
        return false;
    mem_backup_restore(server.backend, THERE_USER, server.backup);
    return true;
}
