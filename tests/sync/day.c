#include "sync/day.h"
#include "sync/folder_sides.h"
#include "sync/scenario.h"

const char DAY_ACCOUNT[] = "    sync: {remove: both}\n";

const char DAY_END[] =
    "Box[w1] Drawn[d1] INBOX[here1/S here2 m1/F m2/S m3/FR m8 there1/F there2] "
    "New here[here4/D] New there[there4] Other[here3/FS m6 m7 m8 m9 o1 o2 there3/S]";

static void change_there(struct engine *e)
{
    scenario_change_there(e);
    server_move(e, "INBOX", "Other", "m7");
    server_copy(e, "INBOX", "Other", "m8");
    server_move(e, "INBOX", "Other", "m9");
    server_rename(e, "Bin", "Box");
    server_remove(e, "Gone there");
}

static void change_here(struct engine *e)
{
    scenario_change_here(e);
    local_move(e, "INBOX", "Draw", "m9");
    local_rename(e, "Draw", "Drawn");
    local_remove_folder(e, "Gone here");
}

void day_begin(struct engine *e)
{
    static const char *const mailboxes[] = {"Other", "Bin", "Draw", "Gone there", "Gone here"};
    for (size_t i = 0; i < sizeof mailboxes / sizeof *mailboxes; i++) {
        server_create(e, mailboxes[i]);
    }
    server_fill(e, "INBOX", "m", 9);
    server_fill(e, "Other", "o", 2);
    server_fill(e, "Bin", "w", 1);
    server_fill(e, "Draw", "d", 1);
    engine_agree(e);
    change_there(e);
    change_here(e);
}
