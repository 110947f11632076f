#pragma once
/* Any value of the grammar as a tree, for what servers send in more shapes than the standard has:
 * ENVELOPE and BODYSTRUCTURE are read so, and then looked at. */
#include "wire/reader.h"

enum tree_kind { TREE_NIL, TREE_STRING, TREE_LIST };
struct tree {
    enum tree_kind kind;
    struct str text;       /* TREE_STRING: of a string, atom or number; else ptr NULL */
    bool is_string;        /* TREE_STRING: in quotes or a literal */
    struct tree *children; /* TREE_LIST */
    struct tree *next;
};
/* At most LIMIT_DEPTH deep and no deeper than the reader allows, of LIMIT_TREE_NODES values. */
bool tree_read(struct reader *r, struct arena *arena, struct tree **out);
/* Digits alone that fit; NULL and all else are 0. */
uint64_t tree_number(const struct tree *node);
bool tree_is_number(const struct tree *node);
/* The node's string; ptr NULL for NULL, NIL and lists. */
struct str tree_string(const struct tree *node);
