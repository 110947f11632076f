#pragma once
/*
 * Which file is which message of the server, by what they hold (law 6): pure.
 *
 * Nothing is known by UID alone any more, or nothing ever was. What is surest goes first: a record
 * that still holds; a UID that a sync tool noted, where the content agrees; EMAILID; the header
 * digest with the size; the same of the bytes as they are stored (law 5); at last the header digest
 * with a size that differs by no more than line ends can make. Each message is given away once, so
 * that several identical ones are settled by count.
 */
#include "base/digest.h"
#include "reconcile/model.h"

/* What is to be paired from this side: a file, or a record without one. */
struct pairing_file {
    uint32_t wanted_uid; /* by a record or by a sync tool; 0: none */
    bool trusted;        /* by a record whose UIDs still hold: no content needs to agree */
    bool ghost;          /* a record without a file: comes after all files */
    bool marked;       /* a ghost: removed here, and \Deleted there if it is there at all. One that
                          is not so is another message, which may have come since */
    bool once_synced;  /* by a record, or by a name or header that a sync tool gave */
    bool has_content;  /* of the wire form */
    bool has_stored;   /* of the bytes as they are stored */
    uint64_t size;     /* of the wire form */
    uint64_t left_out; /* of it, in lines that the header digest leaves out */
    uint64_t lines;    /* of it; 0: not known */
    uint64_t stored_size;
    struct digest header, stored_header;
    struct str email_id; /* empty: not known */
    size_t partner;      /* index of the message; PAIRING_NONE: none */
    bool by_stored;      /* the stored bytes agreed, not the wire form */
};

struct pairing_message {
    uint32_t uid;
    bool has_content;
    uint64_t size;
    uint64_t left_out;
    struct digest header;
    struct str email_id;
    bool marked;    /* \Deleted */
    size_t partner; /* index of the file; PAIRING_NONE: none */
};

#define PAIRING_NONE SIZE_MAX

/* The index of the message with this UID, or PAIRING_NONE. */
size_t pairing_find_uid(const struct pairing_message *messages, size_t len, uint32_t uid);

/* Sets the partners of what has none yet; may be called again when more content is known.
 * `messages` ascend by UID. */
void pairing_match(struct pairing_file *files, size_t files_len, struct pairing_message *messages,
                   size_t messages_len);

enum pairing_fate {
    PAIRING_PAIRED,
    PAIRING_NEW,         /* to be sent like any other new file */
    PAIRING_HELD_SYNCED, /* once synced, and no longer on the server */
    PAIRING_HELD_FEW,    /* too little of the folder was found on the server */
};
/* Below this share of paired files the others are held too, where there are at least so many. */
#define PAIRING_ENOUGH_PERCENT 80
#define PAIRING_ENOUGH_OF 10

/* The fate of each, into `out`; that of ghosts counts for nothing. */
void pairing_settle(const struct pairing_file *files, size_t len, enum pairing_fate *out);
