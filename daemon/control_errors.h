#pragma once
/* The errors of org.maildird, and the exit codes that the verbs make of them. */
#include "base/error.h"

/* "org.maildird.Failed" and its like for an error of ours. Every one has the parameter `text`. */
const char *control_error_name(const struct error *err);
/* The code for an error by this name; ERR_PROTOCOL for one that nobody knows. */
enum error_code control_error_code(const char *name);
