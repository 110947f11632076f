#pragma once
/* A list of strings in an arena. */
#include "base/arena.h"

struct str_list {
    struct str *items;
    size_t len, cap;
};

/* The bytes of `s` are borrowed. */
void str_list_add(struct arena *arena, struct str_list *list, struct str s);
bool str_list_has_nocase(const struct str_list *list, struct str s);
