/* In place of the prompt, where there is no library to edit lines. */
#include "cmd/imap_prompt.h"

bool imap_prompt_exists(void)
{
    return false;
}

int imap_prompt_run(struct imap_session *session, const struct wake *wake, const char *account,
                    const char *history_path)
{
    return 0;
}
