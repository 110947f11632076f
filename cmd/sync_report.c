#include "cmd/sync_report.h"
#include "base/buf.h"
#include <stdio.h>

void sync_report_print(const struct report *report)
{
    AUTO_BUF struct buf done = BUF_INIT(4096);
    report_summary(report, &done);
    printf("%s: %s\n", report->account, done.data);
    if (report->messages.held > 0) {
        printf("%s: see `maildird held %s`\n", report->account, report->account);
    }
}
