#pragma once
/*
 * The layout of the index: its sub-databases, their keys, their records. Nothing else knows it.
 *
 * Keys are big-endian, so that byte order is numeric order, and at most 511 bytes. A record begins
 * with its version; numbers in it are LEB128, signed ones zigzag first, strings a length and their
 * bytes.
 *
 * - meta: "schema" -> version of this layout; "account" -> struct index_meta; "next-…" -> the last
 *   number given out in a sequence (numbers are never used twice)
 * - mailbox: id:4 -> struct index_mailbox
 * - mailbox-by-name: name key -> id:4
 * - message: mailbox:4 uid:4 -> struct index_message
 * - file: mailbox:4 -> { hash of the base name:8 uid:4 }, sorted, of fixed size
 * - content: one key -> { first half of the header digest:8 mailbox:4 uid:4 }, likewise
 * - email-id: one key -> { hash of the EMAILID:8 mailbox:4 uid:4 }, likewise
 * - keyword: "i" id:4 -> name; "n" name in lower case -> id:4
 * - intent, held, event: id:8 -> the struct of that name
 * - server: name key -> bytes
 *
 * A name key is "n" and the name, or "d" and the digest of a name too long for a key. The entries
 * of file, content and email-id only point: the message record they lead to decides whether they
 * match.
 */
#include "base/buf.h"
#include "store/index.h"

/* Raised with every change of the layout or of a record's fields: an index of an earlier one is set
 * aside and made anew, by what the messages hold. */
#define INDEX_SCHEMA_VERSION 2
#define INDEX_KEY_MAX 511
/* Bytes of one record, far above what the limits of the protocol let through. */
#define INDEX_RECORD_MAX (256 * 1024)
#define INDEX_KEYWORDS_MAX 255
#define INDEX_EVENTS_MAX 10000

enum index_db {
    INDEX_DB_META,
    INDEX_DB_MAILBOX,
    INDEX_DB_MAILBOX_BY_NAME,
    INDEX_DB_MESSAGE,
    INDEX_DB_FILE,
    INDEX_DB_CONTENT,
    INDEX_DB_EMAIL_ID,
    INDEX_DB_KEYWORD,
    INDEX_DB_INTENT,
    INDEX_DB_HELD,
    INDEX_DB_EVENT,
    INDEX_DB_SERVER,
};
#define INDEX_DB_COUNT (INDEX_DB_SERVER + 1)

struct index_db_row {
    const char *name;
    bool entries; /* one key leads to many entries of one size */
};
extern const struct index_db_row index_dbs[INDEX_DB_COUNT];

enum index_sequence {
    INDEX_NEXT_MAILBOX,
    INDEX_NEXT_KEYWORD,
    INDEX_NEXT_INTENT,
    INDEX_NEXT_HELD,
    INDEX_NEXT_EVENT,
};
#define INDEX_SEQUENCE_COUNT (INDEX_NEXT_EVENT + 1)
extern const char *const index_sequence_keys[INDEX_SEQUENCE_COUNT];

#define INDEX_META_SCHEMA STR("schema")
#define INDEX_META_ACCOUNT STR("account")
/* The one key of content and email-id. */
#define INDEX_ENTRIES_KEY STR("*")

struct index_key {
    uint8_t bytes[INDEX_KEY_MAX];
    size_t len;
};
struct str index_key_str(const struct index_key *key);
struct index_key index_key_u32(uint32_t id);
struct index_key index_key_u64(uint64_t id);
struct index_key index_key_message(uint32_t mailbox, uint32_t uid);
struct index_key index_key_name(struct str name);
struct index_key index_key_keyword_id(uint32_t id);
struct index_key index_key_keyword_name(struct str name);
/* Of big-endian bytes; 0 if they are not of that size. */
uint32_t index_key_to_u32(struct str bytes);
uint64_t index_key_to_u64(struct str bytes);

#define INDEX_FILE_ENTRY_SIZE 12
#define INDEX_CONTENT_ENTRY_SIZE 16
struct index_key index_file_entry(struct str base, uint32_t uid);
struct index_key index_content_entry(const struct digest *header_digest, uint32_t mailbox,
                                     uint32_t uid);
struct index_key index_email_id_entry(struct str email_id, uint32_t mailbox, uint32_t uid);
/* Whether two entries have the same hash, and so may mean the same thing. */
bool index_entry_same_hash(struct str a, struct str b);
uint32_t index_file_entry_uid(struct str entry);
void index_content_entry_split(struct str entry, uint32_t *mailbox_out, uint32_t *uid_out);

/* Records. Decoding gives views into `value`; false if it is damaged or of another version. */
void index_encode_number(struct buf *out, uint64_t number);
bool index_decode_number(struct str value, uint64_t *out);
void index_encode_bytes(struct buf *out, struct str bytes);
bool index_decode_bytes(struct str value, struct str *out);
void index_encode_meta(struct buf *out, const struct index_meta *meta);
bool index_decode_meta(struct str value, struct index_meta *out);
void index_encode_mailbox(struct buf *out, const struct index_mailbox *mailbox);
bool index_decode_mailbox(struct str value, struct index_mailbox *out);
/* Mailbox and uid are in the key and not in the record. `keywords` has INDEX_KEYWORDS_MAX places
 * and is what out->flags.keywords points to. */
void index_encode_message(struct buf *out, const struct index_message *message);
bool index_decode_message(struct str value, uint32_t *keywords, struct index_message *out);
void index_encode_intent(struct buf *out, const struct index_intent *intent);
bool index_decode_intent(struct str value, uint32_t *keywords, struct index_intent *out);
void index_encode_held(struct buf *out, const struct index_held *held);
bool index_decode_held(struct str value, struct index_held *out);
void index_encode_event(struct buf *out, const struct index_event *event);
bool index_decode_event(struct str value, struct index_event *out);
