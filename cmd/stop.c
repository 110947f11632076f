#include "cmd/stop.h"
#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* As interrupted work ends otherwise. */
#define EXIT_CODE 75

static struct wake wake = {.fd = -1};
static volatile sig_atomic_t asked;

static void on_signal(int signal_number)
{
    if (asked != 0) {
        _exit(EXIT_CODE);
    }
    asked = signal_number;
    wake_signal(&wake);
}

int stop_on_signals(const struct wake **out, struct error *err)
{
    static const int signals[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (wake.fd < 0 && wake_init(&wake, err) < 0) {
        return -(int)err->code;
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], &action, NULL) < 0) {
            return error_set_errno(err, ERR_DEFECT, SCOPE_ACCOUNT, errno, "sigaction");
        }
    }
    *out = &wake;
    return 0;
}

bool stop_is_asked(void)
{
    return asked != 0;
}

bool stop_is_for_good(void)
{
    return asked == SIGTERM;
}

void stop_forget(void)
{
    asked = 0;
    wake_clear(&wake);
}
