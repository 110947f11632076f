#pragma once
/* What a pass did, for people and for scripts. */
#include "sync/report.h"
#include <jansson.h>

/* One line: "work: 12 downloaded, 3 flags here; 0.4 s", "work: in step; 0.1 s". */
void sync_report_print(const struct report *report);
/* The account's object in the document of `sync --json`; the caller owns it. */
json_t *sync_report_json(const struct report *report);
