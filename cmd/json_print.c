#include "cmd/json_print.h"
#include <stdio.h>

void json_print(json_t **document)
{
    (void)json_dumpf(*document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    (void)putchar('\n');
    json_decref(*document);
    *document = NULL;
}
