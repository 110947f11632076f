#pragma once
/*
 * IMAP's typed values as JSON, as `maildird wire` and `maildird imap` print them. All are the
 * caller's. Names and texts are as they came; what is NIL or was not told is null or missing.
 */
#include "imap/acl.h"
#include "imap/append.h"
#include "imap/fetch.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/metadata.h"
#include "imap/namespace.h"
#include "imap/notify.h"
#include "imap/quota.h"
#include "imap/response.h"
#include "imap/search.h"
#include "imap/select.h"
#include "imap/sort.h"
#include "imap/status.h"
#include "imap/store.h"
#include "imap/thread.h"
#include <jansson.h>

/* Above this a literal is told by its size. */
#define JSON_LITERAL_BYTES 4096

/* ---- what the rest is made of (json_imap.c) ---- */

/* ptr NULL: null; not UTF-8: {"base64": "…"}. */
json_t *json_bytes(struct str bytes);
/* The same, or {"bytes": N} above `most`. */
json_t *json_literal(struct str bytes, size_t most);
/* {"bytes": N} */
json_t *json_byte_count(uint64_t count);
/* A number, or a string of digits where JSON's numbers end. */
json_t *json_u64(uint64_t number);
json_t *json_strings(const struct str_list *list);
/* "1:3,7,*" */
json_t *json_set(const struct seqset *set);
json_t *json_partial(const struct partial_range *range);
/* ["\\Seen", "$Forwarded"] */
json_t *json_flags(const struct imap_flags *flags);
/* "2026-01-31T12:00:00+01:00" */
json_t *json_date(const struct imap_date *date);
/* ["IMAP4rev1", "IDLE"] */
json_t *json_capabilities(const struct capabilities *caps);
/* Names of the bits that are set. */
struct json_bit {
    unsigned bit;
    const char *name;
};
json_t *json_bits(unsigned bits, const struct json_bit *names, size_t len);
json_t *json_status_items(unsigned items);

/* What the code in brackets brought; NULL where it brings nothing. */
json_t *json_code_data(const struct imap_response_status *status);

/* ---- mailboxes (json_mailbox.c) ---- */

json_t *json_list_entry(const struct list_entry *entry);
json_t *json_list_request(const struct list_request *request);
json_t *json_status_data(const struct status_data *data);
json_t *json_select_params(const struct select_params *params);
json_t *json_namespaces(const struct namespaces *ns);
json_t *json_id_fields(const struct id_fields *id);
json_t *json_quota(const struct quota *quota);
json_t *json_quota_root(const struct quota_root *root);
json_t *json_rights(const struct acl_rights *rights);
json_t *json_acl(const struct acl *acl);
json_t *json_acl_set(const struct acl_set *set);
json_t *json_list_rights(const struct acl_list_rights *rights);
json_t *json_my_rights(const struct acl_my_rights *rights);
/* Values above `most` octets as {"bytes": N}. */
json_t *json_metadata(const struct metadata *metadata, size_t most);
json_t *json_metadata_get(const struct metadata_get *get);
json_t *json_notify(const struct notify_request *request);

/* ---- messages (json_message.c) ---- */

/* Without sections, which the caller puts under "sections". */
json_t *json_fetch_data(const struct fetch_data *data);
json_t *json_fetch_request(const struct fetch_request *request);
/* "BODY[1.MIME]", "BINARY.SIZE[2]" */
json_t *json_section(const struct section *section);
json_t *json_store_params(const struct store_params *params);
json_t *json_append_params(const struct append_params *params);
json_t *json_search_result(const struct search_result *result);
json_t *json_search_request(const struct search_request *request);
json_t *json_sort_result(const struct sort_result *result);
json_t *json_sort_request(const struct sort_request *request);
json_t *json_thread_request(const struct thread_request *request);
/* A thread is [1, 2, [3, 4], [5]]: replies follow, branches are lists; null: not there. */
json_t *json_threads(const struct thread_node *threads);
