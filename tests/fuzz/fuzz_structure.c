/* ENVELOPE, BODYSTRUCTURE, and any value as a tree. */
#include "base/alloc.h"
#include "imap/bodystructure.h"
#include "imap/tree.h"
#include "fuzz/fuzz.h"

static bool envelope_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct envelope value;
    if (!envelope_read(r, arena, &value)) {
        return false;
    }
    envelope_write(w, &value);
    return true;
}

static bool addresses_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_addresses value;
    if (!imap_addresses_read(r, arena, &value)) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        (void)imap_address_role(&value.items[i]);
    }
    imap_addresses_write(w, &value);
    return true;
}

static void look_up(const struct body_part *root)
{
    static const uint32_t paths[][3] = {{1, 1, 1}, {2, 1, 2}, {0, 1, 1}, {UINT32_MAX, 1, 1}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (size_t len = 0; len <= 3; len++) {
            const struct body_part *part = body_part_find(root, paths[i], len);
            if (part != NULL) {
                (void)body_param_find(&part->params, STR("charset"));
            }
        }
    }
}

static bool structure_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct body_part value;
    if (!bodystructure_read(r, arena, &value)) {
        return false;
    }
    look_up(&value);
    bodystructure_write(w, &value, true);
    return true;
}

static bool short_structure_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct body_part value;
    if (!bodystructure_read(r, arena, &value)) {
        return false;
    }
    bodystructure_write(w, &value, false);
    return true;
}

static void tree_write(struct writer *w, const struct tree *node)
{
    if (node->kind == TREE_LIST) {
        writer_byte(w, '(');
        for (const struct tree *child = node->children; child != NULL; child = child->next) {
            writer_cstr(w, child == node->children ? "" : " ");
            tree_write(w, child);
        }
        writer_byte(w, ')');
        return;
    }
    FUZZ_REQUIRE(!tree_is_number(node) || node->text.len > 0, node->text);
    (void)tree_number(node);
    writer_nstring(w, tree_string(node));
}

static bool tree_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct tree *value;
    if (!tree_read(r, arena, &value)) {
        return false;
    }
    tree_write(w, value);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_codec_row rows[] = {
        {'E', envelope_codec},        {'A', addresses_codec}, {'B', structure_codec},
        {'b', short_structure_codec}, {'T', tree_codec},
    };
    struct str input = fuzz_copy(data, size);
    fuzz_codecs_run(rows, sizeof rows / sizeof rows[0], input);
    xfree(&input.ptr);
    return 0;
}
