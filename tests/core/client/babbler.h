#pragma once
/* A server that says all it has to say at once, whatever it hears, and closes. */
#include "net/stream.h"

/* A test program: `converse_with` talks to it as it is, cut at every byte, and with bytes changed
 * at random (always the same ones). It returns whether the connection was whole at the end, which
 * must be so for what is unchanged, and not for what is cut. */
int babbler_main(struct str said, bool (*converse_with)(struct stream *stream));
