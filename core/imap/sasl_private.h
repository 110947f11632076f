#pragma once
/* What both sides share; for the sasl*.c files only. */
#include "imap/sasl.h"
#include <gsasl.h>

bool sasl_client_first(enum sasl_mechanism mechanism);
bool sasl_is_scram(enum sasl_mechanism mechanism);
/* ERR_AUTH with libgsasl's words. */
int sasl_fail(struct error *err, enum sasl_mechanism mechanism, int code);
/* Moves libgsasl's output into `out`, leaving no copy of it. */
void sasl_take_output(struct buf *out, char *output, size_t len);
void sasl_set_channel_binding(Gsasl_session *session, struct str channel_binding);
