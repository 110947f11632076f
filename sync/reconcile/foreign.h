#pragma once
/* What other sync tools, and this one, leave in a Maildir: names and state files. Pure. */
#include "base/str.h"
#include "base/vec.h"

/* What a file's base name says of the one who gave it. */
struct foreign_name {
    bool synced;  /* a sync tool gave it: mbsync's and OfflineIMAP's ,U=, OfflineIMAP's ,FMD5=, or
                     the form of our own */
    uint32_t uid; /* of ,U=; 0: none. OfflineIMAP's is the server's, mbsync's its own */
};
struct foreign_name foreign_name_read(struct str base);

/* The pairs of mbsync's state file (.mbsyncstate), sorted by its own UID. */
struct foreign_pair {
    uint32_t near_uid; /* of the file's ,U= */
    uint32_t far_uid;  /* on the server */
};
struct foreign_state {
    uint32_t far_uidvalidity;
    struct foreign_pair *items;
    size_t len, cap;
};
/* Lines that are not understood are passed over. The caller owns `items` (vec_free). */
void foreign_state_read(struct str text, struct foreign_state *out);
/* The server's UID for the tool's; 0: not known. */
uint32_t foreign_state_find(const struct foreign_state *state, uint32_t near_uid);
