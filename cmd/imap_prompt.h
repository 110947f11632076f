#pragma once
/* The prompt of `maildird imap`: a line is an operation, on one connection. */
#include "base/wake.h"
#include "cmd/imap_op.h"

/* Whether this program was built with line editing. */
bool imap_prompt_exists(void);
/* Until the end of the input, `quit`, or a broken connection. Lines are kept in `history_path`,
 * which nobody else may read. The exit code of the last operation. */
int imap_prompt_run(struct imap_session *session, const struct wake *wake, const char *account,
                    const char *history_path);
