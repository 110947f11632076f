#pragma once
/* Every bound on what a peer may make us hold or do, in units, with its reason. */

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
/* Capabilities in one answer. */
#define LIMIT_CAPABILITIES 256
/* Unsolicited responses waiting for the caller. */
#define LIMIT_UNSOLICITED 100000
