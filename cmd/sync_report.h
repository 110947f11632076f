#pragma once
/* What a pass did, for people. */
#include "pass/report.h"

/* One line: "work: 12 downloaded, 3 flags here; 0.4 s", "work: in step; 0.1 s". */
void sync_report_print(const struct report *report);
