#pragma once
/* JSON for scripts, on standard output. */
#include "pass/json_text.h"

/* Prints the document on one line, and releases it. */
void json_print(json_t **document);
