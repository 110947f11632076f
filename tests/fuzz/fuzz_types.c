/* The vocabulary's smaller types, each written and read again. */
#include "base/alloc.h"
#include "imap/acl.h"
#include "imap/append.h"
#include "imap/capability.h"
#include "imap/copyuid.h"
#include "imap/date.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/metadata.h"
#include "imap/modseq.h"
#include "imap/namespace.h"
#include "imap/notify.h"
#include "imap/quota.h"
#include "imap/response.h"
#include "imap/select.h"
#include "imap/status.h"
#include "imap/store.h"
#include "imap/vanished.h"
#include "fuzz/fuzz.h"

static bool acl_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct acl value;
    if (!(reader_accept_word(r, "ACL") && reader_expect_sp(r) && acl_read(r, arena, &value))) {
        return reader_expected(r, "ACL");
    }
    acl_write(w, &value);
    return true;
}

static bool set_acl_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct acl_set value;
    (void)arena;
    if (!acl_set_read(r, &value)) {
        return false;
    }
    acl_set_write(w, &value);
    return true;
}

static bool list_rights_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct acl_list_rights value;
    if (!(reader_accept_word(r, "LISTRIGHTS") && reader_expect_sp(r) &&
          acl_list_rights_read(r, arena, &value))) {
        return reader_expected(r, "LISTRIGHTS");
    }
    acl_list_rights_write(w, &value);
    return true;
}

static bool my_rights_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct acl_my_rights value;
    (void)arena;
    if (!(reader_accept_word(r, "MYRIGHTS") && reader_expect_sp(r) &&
          acl_my_rights_read(r, &value))) {
        return reader_expected(r, "MYRIGHTS");
    }
    acl_my_rights_write(w, &value);
    return true;
}

static bool append_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct append_params value = {0};
    if (!append_params_read(r, arena, &value)) {
        return false;
    }
    append_params_write(w, &value);
    return true;
}

static bool capability_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct capabilities value;
    (void)arena;
    if (!capabilities_read(r, &value)) {
        return false;
    }
    capabilities_write(w, &value);
    return true;
}

static bool copyuid_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct copyuid value;
    (void)arena;
    bool good = reader_accept_word(r, "COPYUID") ? reader_expect_sp(r) && copyuid_read(r, &value)
                                                 : reader_expected(r, "COPYUID");
    if (good) {
        FUZZ_REQUIRE(copyuid_map(&value, 0) == 0, STR_EMPTY);
        copyuid_write(w, &value);
        copyuid_free(&value);
    }
    return good;
}

static bool date_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_date value;
    (void)arena;
    if (!imap_date_read(r, &value)) {
        return false;
    }
    imap_date_write(w, &value);
    return true;
}

static bool flags_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_flags value;
    if (!flags_read(r, arena, &value)) {
        return false;
    }
    flags_write_permanent(w, &value);
    return true;
}

static bool id_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct id_fields value;
    if (!id_read(r, arena, &value)) {
        return false;
    }
    id_write(w, &value);
    return true;
}

static bool list_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct list_entry value;
    (void)arena;
    if (!(reader_accept_word(r, "LIST") && reader_expect_sp(r) && list_entry_read(r, &value))) {
        return reader_expected(r, "LIST");
    }
    list_entry_write(w, "LIST", &value);
    return true;
}

static bool list_request_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct list_request value;
    if (!list_request_read(r, arena, &value)) {
        return false;
    }
    list_request_write(w, &value);
    return true;
}

static bool metadata_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct metadata value;
    if (!(reader_accept_word(r, "METADATA") && reader_expect_sp(r) &&
          metadata_read(r, arena, &value))) {
        return reader_expected(r, "METADATA");
    }
    metadata_write(w, &value);
    return true;
}

static bool metadata_set_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct metadata value;
    if (!metadata_set_read(r, arena, &value)) {
        return false;
    }
    metadata_set_write(w, &value);
    return true;
}

static bool metadata_get_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct metadata_get value;
    if (!metadata_get_read(r, arena, &value)) {
        return false;
    }
    metadata_get_write(w, &value);
    return true;
}

static bool namespace_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct namespaces value;
    if (!namespaces_read(r, arena, &value)) {
        return false;
    }
    namespaces_write(w, &value);
    return true;
}

static bool notify_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct notify_request value;
    bool unknown;
    if (!notify_request_read(r, arena, &value, &unknown)) {
        return false;
    }
    notify_request_write(w, &value);
    return true;
}

static bool partial_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct partial_range value;
    (void)arena;
    if (!partial_range_read(r, &value)) {
        return false;
    }
    for (size_t count = 0; count < 5; count++) {
        size_t begin, end;
        partial_range_apply(&value, count, &begin, &end);
        FUZZ_REQUIRE(begin <= end && end <= count, STR_EMPTY);
    }
    partial_range_write(w, &value);
    return true;
}

static bool quota_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct quota value;
    if (!(reader_accept_word(r, "QUOTA") && reader_expect_sp(r) && quota_read(r, arena, &value))) {
        return reader_expected(r, "QUOTA");
    }
    quota_write(w, &value);
    return true;
}

static bool quota_root_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct quota_root value;
    if (!(reader_accept_word(r, "QUOTAROOT") && reader_expect_sp(r) &&
          quota_root_read(r, arena, &value))) {
        return reader_expected(r, "QUOTAROOT");
    }
    quota_root_write(w, &value);
    return true;
}

static bool quota_limits_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct quota value;
    if (!quota_limits_read(r, arena, &value)) {
        return false;
    }
    quota_limits_write(w, &value);
    return true;
}

static bool response_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_response_status value;
    if (!reader_accept_word(r, "OK")) {
        return reader_expected(r, "OK");
    }
    if (!imap_response_status_read(r, arena, STATUS_OK, &value)) {
        return false;
    }
    imap_response_status_write(w, &value);
    imap_response_status_free(&value);
    return true;
}

static bool select_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct select_params value = {0};
    (void)arena;
    bool good = select_params_read(r, &value);
    if (good) {
        select_params_write(w, &value);
    }
    seqset_free(&value.known_uids);
    return good;
}

static bool status_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct status_data value;
    (void)arena;
    if (!(reader_accept_word(r, "STATUS") && reader_expect_sp(r) && status_data_read(r, &value))) {
        return reader_expected(r, "STATUS");
    }
    status_data_write(w, &value);
    return true;
}

static bool status_items_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    unsigned value;
    (void)arena;
    if (!status_items_read(r, &value)) {
        return false;
    }
    status_items_write(w, value);
    return true;
}

static bool store_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct store_params value;
    if (!store_params_read(r, arena, &value)) {
        return false;
    }
    store_params_write(w, &value);
    return true;
}

static bool vanished_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct seqset value = {0};
    bool earlier;
    (void)arena;
    bool good = reader_accept_word(r, "VANISHED") ? reader_expect_sp(r) : reader_expected(r, "V");
    good = good && vanished_read(r, &earlier, &value);
    if (good && !seqset_is_empty(&value)) {
        vanished_write(w, earlier, &value);
    } else if (good) {
        writer_fail(w, "nothing vanished");
    }
    seqset_free(&value);
    return good;
}

static bool modseq_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    uint64_t value;
    (void)arena;
    if (!modseq_read(r, &value)) {
        return false;
    }
    FUZZ_REQUIRE(value <= MODSEQ_MAX, STR_EMPTY);
    writer_number(w, value);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_codec_row rows[] = {
        {'A', acl_codec},          {'a', set_acl_codec},      {'B', list_rights_codec},
        {'b', my_rights_codec},    {'C', capability_codec},   {'c', copyuid_codec},
        {'D', date_codec},         {'F', flags_codec},        {'I', id_codec},
        {'L', list_codec},         {'l', list_request_codec}, {'M', metadata_codec},
        {'m', metadata_set_codec}, {'g', metadata_get_codec}, {'N', namespace_codec},
        {'n', notify_codec},       {'P', partial_codec},      {'p', append_codec},
        {'Q', quota_codec},        {'q', quota_root_codec},   {'u', quota_limits_codec},
        {'R', response_codec},     {'S', select_codec},       {'T', status_codec},
        {'t', status_items_codec}, {'s', store_codec},        {'V', vanished_codec},
        {'v', modseq_codec},
    };
    struct str input = fuzz_copy(data, size);
    fuzz_codecs_run(rows, sizeof rows / sizeof rows[0], input);
    xfree(&input.ptr);
    return 0;
}
