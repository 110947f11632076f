#pragma once
/*
 * Client and server in one thread: a stream whose other end is a session. When the client would
 * wait, the session takes a turn; if it has nothing to say either, the wait fails at once with
 * ERR_TIMEOUT. Runs are repeatable. A delay (a fault) takes no time: it is a timeout where the
 * client's patience is shorter, and nothing where it is not. There is no handshake in it: STARTTLS
 * and COMPRESS end the stream with ERR_UNSUPPORTED, and are best left out of the session's
 * capabilities.
 */
#include "net/stream.h"
#include "server/session.h"

/* `session` is borrowed and must outlive the stream. */
struct stream *lockstep_stream(struct session *session, const struct wake *wake,
                               const struct clock *clock);
