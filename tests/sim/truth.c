#include "sim/truth.h"
#include "base/alloc.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include <stdarg.h>
#include <stdio.h>

struct truth truth;

void truth_reset(const struct script_policy *policy, struct carries carries)
{
    truth.policy = policy;
    truth.carries = carries;
    if (truth.arena == NULL) {
        truth.arena = arena_new();
        buf_init(&truth.violation, 1 << 20);
    }
    arena_reset(truth.arena);
    vec_clear(&truth.messages);
    truth.failed = false;
    truth.begins = true;
    truth.keeps_marked = truth.letters_missing = false;
    truth.renamed = truth.recovers = truth.older_there = truth.older_flags = false;
    truth.unsure = truth.lost_answers = truth.views = false;
    truth.latest_s = 0;
    buf_clear(&truth.violation);
}

void truth_fail(const char *format, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    truth.failed = true;
    buf_addf(&truth.violation, "  %s\n", line);
}

void truth_note_taken(bool crashed, bool failed)
{
    int64_t now_s = machine_wall_ns() / 1000000000;
    truth.latest_s = now_s > truth.latest_s ? now_s : truth.latest_s;
    VEC_FOREACH (struct message *, at, &truth.messages) {
        struct message *m = *at;
        m->move_sought = m->move_sought || (failed && m->moved_here);
        m->revived = m->revived || ((crashed || truth.renamed) && m->taken_meanwhile);
        m->sent_again = m->sent_again || (crashed && m->taken_meanwhile && m->moved_here);
        m->taken_meanwhile = false;
    }
}

/* ---- texts ---- */

static struct str to_stored(struct str text)
{
    char *out = arena_alloc(truth.arena, text.len + 1);
    size_t len = 0;
    bool raw = false;
    for (size_t i = 0; i < text.len; i++) {
        bool cr = text.ptr[i] == '\r';
        bool pair = cr && i + 1 < text.len && text.ptr[i + 1] == '\n';
        raw = raw || (cr && !pair) || (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r'));
        if (!pair)
            out[len++] = text.ptr[i];
    }
    return raw ? text : str_make(out, len);
}

static struct str to_sent(struct str stored)
{
    char *out = arena_alloc(truth.arena, 2 * stored.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < stored.len; i++) {
        if (stored.ptr[i] == '\n' && (i == 0 || stored.ptr[i - 1] != '\r'))
            out[len++] = '\r';
        out[len++] = stored.ptr[i];
    }
    return str_make(out, len);
}

/* Days apart, where that matters. */
static int64_t date_of(unsigned number)
{
    return truth.policy->since_s == 0
               ? THERE_DATE_S
               : machine_wall_ns() / 1000000000 - (int64_t)(number % 4) * 86400;
}

static struct message *make(const char *id_form, int pad, const char *body)
{
    struct message *m = arena_alloc(truth.arena, sizeof *m);
    m->number = (unsigned)truth.messages.len + 1;
    m->date_s = date_of(m->number);
    const char *id =
        id_form[0] != '\0' ? arena_printf(truth.arena, "%s<%u@sim>\r\n", id_form, m->number) : "";
    m->text = str_from(arena_printf(truth.arena, "Subject: %u\r\n%sX-Pad: %0*d\r\n\r\n%s",
                                    m->number, id, pad, 0, body));
    m->stored = to_stored(m->text);
    m->sent = to_sent(m->stored);
    m->sent_stored = to_stored(m->sent);
    vec_push(&truth.messages, m);
    return m;
}

bool truth_is_large(const struct message *m)
{
    return truth.policy->max_size > 0 && m->text.len > truth.policy->max_size;
}

bool truth_is_old(int64_t date_s)
{
    return truth.policy->since_s > 0 && date_s < truth.latest_s - truth.policy->since_s;
}

struct message *truth_make_raw(void)
{
    return make("Message-ID: ", 3, "A bare \n in it\r\n");
}

struct message *truth_make(uint64_t *random, bool here)
{
    const char *id = "Message-ID: ";
    const char *body = "Hello.\r\n";
    switch (random_below(random, here ? 8 : 10)) {
    case 0:
        id = "";
        break;
    case 1:
        body = "No end of line";
        break;
    case 2:
        body = "";
        break;
    case 3:
        body = "\303\244\303\266\r\n\r\nFrom here\r\n.\r\n";
        break;
    case 8:
        body = "A bare \r in it\r\n";
        break;
    case 9:
        body = "A bare \n in it\r\n";
        break;
    default:
        break;
    }
    return make(id, (int)random_below(random, 40) + 1, body);
}

struct message *truth_know(struct str bytes, bool stored)
{
    unsigned number = 0;
    char begin[32] = "";
    memcpy(begin, bytes.ptr, bytes.len < sizeof begin - 1 ? bytes.len : sizeof begin - 1);
    if (sscanf(begin, "Subject: %u", &number) != 1 || number == 0 || number > truth.messages.len)
        return NULL;
    struct message *m = truth.messages.items[number - 1];
    bool known = str_eq(bytes, stored ? m->stored : m->text) ||
                 str_eq(bytes, stored ? m->sent_stored : m->sent);
    return known ? m : NULL;
}

void truth_note_flagged_there(struct message *m, unsigned bit)
{
    m->changed[bit]++;
    if (m->from_here && !m->came)
        m->unflagged_as_sent |= m->flags & (uint8_t)(1u << bit);
    truth_count();
    m->flagged_on_its_way = m->flagged_on_its_way || (m->moved_here && m->there > 1);
}

void truth_note_copied(struct message *m, bool here)
{
    m->made++;
    m->touched_here = m->touched_here || here;
    m->touched_there = m->touched_there || !here;
    m->copied_here = m->copied_here || here;
    m->copied_there = m->copied_there || !here;
    m->from_here = m->from_here || here;
    m->both_copied_first =
        m->both_copied_first || (truth.begins && m->copied_here && m->copied_there);
}

void truth_note_moved(struct message *m, bool here)
{
    bool by_both = here ? m->moved_there : m->moved_here;
    if (by_both)
        truth_count();
    m->moved_as_copy = m->moved_as_copy || (by_both && (here ? m->here : m->there) > m->made);
    m->touched_here = m->touched_here || here;
    m->touched_there = m->touched_there || !here;
    m->moved_here = m->moved_here || here;
    m->moved_there = m->moved_there || !here;
    m->from_here = m->from_here || here;
}

static bool sees_message(void *self, const struct backend_message *message, struct str body)
{
    const struct message **sought = self;
    *sought = truth_know(body, false) == *sought ? NULL : *sought;
    return *sought != NULL;
}

bool truth_is_in_trash(const struct message *m)
{
    (void)there_each(TRUTH_TRASH, sees_message, &m);
    return m == NULL;
}

bool truth_is_remains(const struct message *m, uint8_t flags)
{
    if (!m->trashed)
        return false;
    truth_count();
    bool is_marked = truth.keeps_marked && (flags & MARKING_TRASHED) != 0;
    return m->there > 1 && (is_marked || truth_is_in_trash(m));
}

/* ---- what was put back, or lost with the power ---- */

void truth_note_restored(void)
{
    size_t len = truth.messages.len;
    unsigned *before = xcalloc(2 * len + 1, sizeof *before);
    for (size_t i = 0; i < len; i++) {
        before[2 * i] = truth.messages.items[i]->here;
        before[2 * i + 1] = truth.messages.items[i]->there;
    }
    truth_count();
    for (size_t i = 0; i < len; i++) {
        struct message *m = truth.messages.items[i];
        unsigned was = before[2 * i] > before[2 * i + 1] ? before[2 * i] : before[2 * i + 1];
        unsigned is = m->here > m->there ? m->here : m->there;
        m->resettled = true;
        /* What is no more here may be too old to be fetched again. */
        m->came = m->came && m->here >= before[2 * i];
        if (is < was)
            m->removed += was - is;
        unsigned more_here = m->here > before[2 * i] ? m->here - before[2 * i] : 0;
        unsigned more_there = m->there > before[2 * i + 1] ? m->there - before[2 * i + 1] : 0;
        unsigned more = more_here > 0 ? more_here : more_there;
        m->made += more;
        m->removed += more;
    }
    xfree(&before);
    truth.recovers = true;
}

/* Files of a pass that did not come to its end need not be on the disk yet: the server has their
 * messages, unless it was put back to an older state before another pass could look. They are
 * judged again by their age. (Were they recorded, they would be deleted on the server, too.) */
void truth_note_power(void)
{
    size_t len = truth.messages.len;
    unsigned *before = xcalloc(len + 1, sizeof *before);
    for (size_t i = 0; i < len; i++)
        before[i] = truth.messages.items[i]->here;
    truth_count();
    for (size_t i = 0; i < len; i++) {
        struct message *m = truth.messages.items[i];
        if (truth.older_there && m->there == 0 && m->here < before[i])
            m->removed += before[i] - m->here;
        m->came = m->came && m->here >= before[i];
    }
    xfree(&before);
}
