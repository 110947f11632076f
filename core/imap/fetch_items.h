#pragma once
/* The names of what FETCH asks for and tells; for the fetch*.c files only. */
#include "imap/fetch.h"

struct fetch_item_row {
    enum fetch_item item;
    struct str name;
};
/* In the order in which items are written. */
#define FETCH_ITEM_ROWS 15
extern const struct fetch_item_row fetch_item_rows[FETCH_ITEM_ROWS];
/* Case-insensitive; 0 if unknown. */
unsigned fetch_item_find(struct str name);
