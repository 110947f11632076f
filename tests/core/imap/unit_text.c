#include "core/imap/unit_text.h"
#include "imap/vanished.h"
#include <stdio.h>
#include <stdlib.h>

struct unit_text {
    struct writer w;
    bool failed;
};

static void write_names(struct writer *w, const struct str_list *names)
{
    for (size_t i = 0; i < names->len; i++) {
        writer_cstr(w, i == 0 ? "" : " ");
        writer_astring(w, names->items[i]);
    }
}

static void write_fetch(struct writer *w, const struct dissect_fetch *fetch)
{
    writer_byte(w, '(');
    fetch_data_write_items(w, &fetch->data);
    for (size_t i = 0; i < fetch->bodies_len; i++) {
        const struct dissect_literal *body = &fetch->bodies[i];
        bool before = (fetch->data.have & ~(unsigned)FETCH_BODY_SECTION) != 0 ||
                      fetch->data.binary_sizes_len > 0;
        writer_cstr(w, i > 0 || before ? " " : "");
        section_item_write(w, &body->section, false);
        writer_sp(w);
        writer_literal_header(w, body->size, false);
        writer_raw(w, body->bytes);
    }
    writer_byte(w, ')');
}

static void write_append(struct writer *w, const struct dissect_append *append)
{
    if (append->replaced.len > 0) {
        writer_atom(w, append->replaced);
        writer_sp(w);
    }
    writer_astring(w, append->mailbox);
    for (size_t i = 0; i < append->len; i++) {
        append_params_write(w, &append->params[i]);
        writer_literal_header(w, append->messages[i].size, false);
        writer_raw(w, append->messages[i].bytes);
    }
}

static void write_atoms(struct writer *w, const struct str_list *names)
{
    for (size_t i = 0; i < names->len; i++) {
        writer_cstr(w, i == 0 ? "" : " ");
        writer_atom(w, names->items[i]);
    }
}

/* Those whose writers leave the name to the caller. */
static void write_named_value(struct writer *w, const struct dissect_unit *unit)
{
    if (unit->has_number) {
        writer_number(w, unit->number);
        writer_sp(w);
    }
    writer_raw(w, unit->name);
    writer_sp(w);
    switch (unit->value) {
    case DISSECT_FETCH:
        write_fetch(w, &unit->fetch);
        break;
    case DISSECT_FLAGS:
        flags_write_permanent(w, &unit->flags);
        break;
    case DISSECT_CAPABILITY:
        write_atoms(w, &unit->names);
        break;
    case DISSECT_NAMESPACE:
        namespaces_write(w, &unit->namespaces);
        break;
    case DISSECT_ID:
        id_write(w, &unit->id);
        break;
    default:
        (void)fprintf(stderr, "a value that is not written: %d\n", (int)unit->value);
        abort();
    }
}

static void write_response_value(struct writer *w, const struct dissect_unit *unit)
{
    switch (unit->value) {
    case DISSECT_LIST:
        list_entry_write(w, unit->name.ptr, &unit->list);
        break;
    case DISSECT_STATUS:
        status_data_write(w, &unit->status);
        break;
    case DISSECT_SEARCH:
        search_result_write(w, &unit->search_result);
        break;
    case DISSECT_SORT:
        sort_result_write(w, &unit->sort_result);
        break;
    case DISSECT_THREAD:
        thread_result_write(w, unit->threads);
        break;
    case DISSECT_VANISHED:
        if (seqset_is_empty(&unit->vanished.uids)) {
            writer_fail(w, "nothing vanished");
        } else {
            vanished_write(w, unit->vanished.earlier, &unit->vanished.uids);
        }
        break;
    case DISSECT_QUOTA:
        quota_write(w, &unit->quota);
        break;
    case DISSECT_QUOTAROOT:
        quota_root_write(w, &unit->quota_root);
        break;
    case DISSECT_ACL:
        acl_write(w, &unit->acl);
        break;
    case DISSECT_LISTRIGHTS:
        acl_list_rights_write(w, &unit->list_rights);
        break;
    case DISSECT_MYRIGHTS:
        acl_my_rights_write(w, &unit->my_rights);
        break;
    case DISSECT_METADATA:
        metadata_write(w, &unit->metadata);
        break;
    default:
        write_named_value(w, unit);
        break;
    }
}

/* A response without a value: its number, name and text. */
static void write_plain(struct writer *w, const struct dissect_unit *unit)
{
    if (unit->has_number) {
        writer_number(w, unit->number);
        writer_sp(w);
    }
    writer_raw(w, unit->name);
    writer_cstr(w, unit->text.len > 0 ? " " : "");
    writer_text(w, unit->text);
    writer_crlf(w);
}

static void write_copy(struct writer *w, const struct dissect_sets *copy)
{
    seqset_write(w, &copy->set);
    if (copy->mailbox.ptr != NULL) {
        writer_sp(w);
        writer_astring(w, copy->mailbox);
    }
}

static void write_command_value(struct writer *w, const struct dissect_unit *unit)
{
    switch (unit->value) {
    case DISSECT_STRINGS:
        write_names(w, &unit->names);
        break;
    case DISSECT_CAPABILITY:
        write_atoms(w, &unit->names);
        break;
    case DISSECT_SELECT:
        writer_astring(w, unit->select.mailbox);
        select_params_write(w, &unit->select.params);
        break;
    case DISSECT_LIST_REQUEST:
        list_request_write(w, &unit->list_request);
        break;
    case DISSECT_STATUS_REQUEST:
        writer_astring(w, unit->status_request.mailbox);
        writer_sp(w);
        status_items_write(w, unit->status_request.items);
        break;
    case DISSECT_APPEND:
        write_append(w, &unit->append);
        break;
    case DISSECT_SEARCH_REQUEST:
        search_request_write(w, &unit->search_request);
        break;
    case DISSECT_SORT_REQUEST:
        sort_request_write(w, &unit->sort_request);
        break;
    case DISSECT_THREAD_REQUEST:
        thread_request_write(w, &unit->thread_request);
        break;
    case DISSECT_FETCH_REQUEST:
        seqset_write(w, &unit->fetch_request.set);
        writer_sp(w);
        fetch_request_write(w, &unit->fetch_request.request);
        break;
    case DISSECT_STORE:
        seqset_write(w, &unit->store.set);
        writer_sp(w);
        store_params_write(w, &unit->store.params);
        break;
    case DISSECT_COPY:
        write_copy(w, &unit->copy);
        break;
    case DISSECT_SETACL:
        acl_set_write(w, &unit->acl_set);
        break;
    case DISSECT_GETMETADATA:
        metadata_get_write(w, &unit->metadata_get);
        break;
    case DISSECT_METADATA:
        metadata_set_write(w, &unit->metadata);
        break;
    case DISSECT_QUOTA:
        quota_limits_write(w, &unit->quota);
        break;
    case DISSECT_NOTIFY:
        notify_request_write(w, &unit->notify);
        break;
    case DISSECT_ID:
        id_write(w, &unit->id);
        break;
    default:
        writer_text(w, unit->text);
        break;
    }
}

static void write_response(struct writer *w, const struct dissect_unit *unit)
{
    writer_raw(w, unit->tag.len > 0 ? unit->tag : STR("*"));
    writer_sp(w);
    if (unit->value == DISSECT_STATUS_RESPONSE) {
        imap_response_status_write(w, &unit->status_response);
    } else if (unit->value == DISSECT_NONE || unit->value == DISSECT_TEXT) {
        write_plain(w, unit);
    } else {
        write_response_value(w, unit);
        writer_crlf(w);
    }
}

static int write_unit(void *self, const struct dissect_unit *unit, struct error *err)
{
    struct unit_text *t = self;
    struct error ignored = ERROR_INIT;
    struct writer w;
    writer_init(&w, WRITER_LITERAL_PLUS, false, 1000000);
    if (unit->kind == DISSECT_ERROR) {
        writer_cstr(&w, "ERROR\r\n");
    } else if (unit->kind == DISSECT_COMMAND) {
        writer_raw(&w, unit->tag);
        writer_sp(&w);
        writer_raw(&w, unit->name);
        writer_cstr(&w, unit->value == DISSECT_NONE ? "" : " ");
        write_command_value(&w, unit);
        writer_crlf(&w);
    } else if (unit->kind == DISSECT_CONTINUATION) {
        writer_cstr(&w, unit->direction == DISSECT_SERVER ? "+ " : "");
        writer_text(&w, unit->text);
        writer_crlf(&w);
    } else {
        write_response(&w, unit);
    }
    /* Of what is not known, literals are passed over. */
    bool cut = unit->value == DISSECT_TEXT && str_ends(unit->text, STR("}"));
    t->failed =
        t->failed || cut || unit->value == DISSECT_SECRET || writer_finish(&w, &ignored) < 0;
    writer_raw(&t->w, buf_str(&w.buf));
    writer_free(&w);
    return 0;
}

bool units_write(struct str input, struct buf *out)
{
    struct error err = ERROR_INIT;
    uint64_t bad;
    struct unit_text t = {0};
    writer_init(&t.w, WRITER_LITERAL_PLUS, false, 4000000);
    const struct dissect_visitor visitor = {write_unit, NULL, &t};
    if (dissect_memory(input, &visitor, &bad, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    buf_clear(out);
    buf_add_str(out, buf_str(&t.w.buf));
    writer_free(&t.w);
    return !t.failed;
}
