#include "imap/str_list.h"

void str_list_add(struct arena *arena, struct str_list *list, struct str s)
{
    list->items = arena_grow(arena, list->items, list->len, &list->cap, sizeof *list->items);
    list->items[list->len++] = s;
}

bool str_list_has_nocase(const struct str_list *list, struct str s)
{
    for (size_t i = 0; i < list->len; i++) {
        if (str_eq_nocase(list->items[i], s)) {
            return true;
        }
    }
    return false;
}
