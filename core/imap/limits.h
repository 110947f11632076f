#pragma once
/* Every bound on what a peer may make us hold or do, in units, with its reason. */
#include <stddef.h>

/* One atom, quoted string or literal read whole: mailbox names and header fields stay far below. */
#define LIMIT_TOKEN_BYTES (1024 * 1024)
/* One response without its streamed literals: a FETCH with a large ENVELOPE or a long UID list. */
#define LIMIT_RESPONSE_BYTES (64 * 1024 * 1024)
/* One streamed literal: no mail provider takes more than a few hundred MB. */
#define LIMIT_LITERAL_BYTES (4ULL * 1024 * 1024 * 1024)
/* Parentheses: real BODYSTRUCTUREs stay under 40. */
#define LIMIT_DEPTH 100
/* Mailboxes in one LIST answer. */
#define LIMIT_MAILBOXES 100000
/* A mailbox name in bytes. */
#define LIMIT_MAILBOX_NAME_BYTES 4096
/* Flags and keywords on one message or mailbox. */
#define LIMIT_FLAGS 512
/* Ranges in one sequence set: the worst case of a mailbox of 2 million with every other UID. */
#define LIMIT_SET_RANGES (1024 * 1024)
/* A command line we send, without literals: RFC 7162 asks servers to take 8192 octets. */
#define LIMIT_COMMAND_LINE_BYTES 8000
/* A command line the embedded server takes, and a literal in it that is not message data. */
#define LIMIT_SERVER_LINE_BYTES (64 * 1024)
#define LIMIT_SERVER_LITERAL_BYTES (64 * 1024 * 1024)
/* Commands that came in before the one under way was answered, with their literals. */
#define LIMIT_SERVER_INPUT_BYTES ((size_t)2 * LIMIT_SERVER_LITERAL_BYTES)
/* What one step of a session can put out: a message more than the largest, with what surrounds it.
 */
#define LIMIT_SERVER_OUTPUT_BYTES ((size_t)4 * LIMIT_SERVER_LITERAL_BYTES)
/* The value of one annotation: RFC 5464 section 4.3 asks for 1024 octets at least. */
#define LIMIT_SERVER_METADATA_BYTES ((size_t)32 * 1024)
/* Notifications at once, unless told otherwise, before NOTIFY is given up: a survey is cheaper. */
#define LIMIT_SERVER_NOTIFICATIONS 1000
/* What the embedded server bears before it says BYE: wrong passwords, and bad commands in a row. */
#define LIMIT_SERVER_FAILED_LOGINS 3
#define LIMIT_SERVER_BAD_COMMANDS 20
/* Connections of one listener, unless told otherwise: each has a thread. */
#define LIMIT_SERVER_CONNECTIONS 200
/* Capabilities in one answer. */
#define LIMIT_CAPABILITIES 256
/* Unsolicited responses waiting for the caller, and what they hold. */
#define LIMIT_UNSOLICITED 100000
#define LIMIT_UNSOLICITED_BYTES (16 * 1024 * 1024)
/* Messages told by one FETCH or SELECT and not yet taken: the largest mailboxes have 2 million. */
#define LIMIT_FETCH_QUEUE (4 * 1024 * 1024)
/* An ALERT and the like, in an event: a person reads it. What is longer is cut. */
#define LIMIT_EVENT_TEXT_BYTES 1000
/* Challenges in one authentication: SCRAM has two. */
#define LIMIT_SASL_STEPS 20
/* One challenge or response: those of GSSAPI and OAuth tokens have some kilobytes. */
#define LIMIT_SASL_BYTES (64 * 1024)
/* A password that the embedded server compares: longer ones are none of its own. */
#define LIMIT_SASL_PASSWORD_BYTES 1024
/* Header fields named in one section: mail programs ask for about twenty. */
#define LIMIT_SECTION_FIELDS 256
/* Sections in one FETCH command. */
#define LIMIT_FETCH_SECTIONS 64
/* Numbers in the path of a section, BODY[1.2.3]: real mail stays below 20. */
#define LIMIT_SECTION_PATH 32
/* Namespaces of one kind. */
#define LIMIT_NAMESPACES 256
/* Fields of ID: RFC 2971 allows 30. */
#define LIMIT_ID_FIELDS 64
/* Parts of one message in BODYSTRUCTURE, and in a message taken apart: real mail stays below 1000.
 */
#define LIMIT_BODY_PARTS 10000
/* Values in one ENVELOPE or BODYSTRUCTURE: 10,000 addresses of four strings, and parts likewise. */
#define LIMIT_TREE_NODES (256 * 1024)
/* Parts within parts in a message that the server takes apart: real mail stays below 20. */
#define LIMIT_MIME_DEPTH 50
/* Parameters of one body part, and addresses in one field: mails to thousands exist. */
#define LIMIT_BODY_PARAMS 1024
#define LIMIT_ADDRESSES 10000
/* One unfolded header field in ENVELOPE and the like: what is longer is cut. */
#define LIMIT_MIME_FIELD_BYTES (64 * 1024)
/* Bytes of a text part looked at for PREVIEW: 200 characters behind markup. */
#define LIMIT_PREVIEW_BYTES (64 * 1024)
/* Keys of one SEARCH, and how deep: a person's query has a few dozen. */
#define LIMIT_SEARCH_KEYS 10000
#define LIMIT_SEARCH_DEPTH 100
/* Criteria of one SORT: there are nine keys. */
#define LIMIT_SORT_CRITERIA 16
/* Numbers in one SEARCH, SORT or THREAD answer: as LIMIT_FETCH_QUEUE. */
#define LIMIT_SEARCH_NUMBERS (4 * 1024 * 1024)
/* Branches within branches of a thread; the reader does not recurse, the trees' users may. */
#define LIMIT_THREAD_DEPTH 1000
/* Entries in one answer about quotas, rights or metadata. */
#define LIMIT_QUOTA_RESOURCES 64
#define LIMIT_ACL_ENTRIES 10000
#define LIMIT_METADATA_ENTRIES 10000
/* Groups of one NOTIFY, patterns of one LIST. */
#define LIMIT_NOTIFY_GROUPS 64
#define LIMIT_LIST_PATTERNS 1024
/* Labels on one message, sizes told of one. */
#define LIMIT_LABELS 10000
/* SCRAM's iterations: RFC 7677 asks for 4096 at least, password guides for up to 600,000; beyond
 * this a server could keep us busy for minutes. */
#define LIMIT_SCRAM_ITERATIONS 2000000
/* The embedded server's own iterations. */
#define LIMIT_SCRAM_SERVER_ITERATIONS 4096
/* What one side says in the middle of the other's unit, in a dissected conversation: a `+` with its
 * text for each literal. */
#define LIMIT_DISSECT_WAITING_BYTES ((size_t)16 * 1024)
#define LIMIT_DISSECT_WAITING_LINES 1000
