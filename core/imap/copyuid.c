#include "imap/copyuid.h"

void copyuid_free(struct copyuid *c)
{
    seqset_free(&c->source);
    seqset_free(&c->dest);
    c->uidvalidity = 0;
}

/* Some servers say 0 where they do not know: no UIDs. */
static bool read_uids(struct reader *r, struct seqset *out)
{
    return reader_accept(r, '0') || seqset_read_ordered(r, out);
}

static void write_uids(struct writer *w, const struct seqset *uids)
{
    if (seqset_is_empty(uids)) {
        writer_number(w, 0);
    } else {
        seqset_write(w, uids);
    }
}

bool appenduid_read(struct reader *r, struct copyuid *out)
{
    *out = (struct copyuid){0};
    if (reader_expect_number(r, &out->uidvalidity) && reader_expect_sp(r) &&
        read_uids(r, &out->dest)) {
        return true;
    }
    copyuid_free(out);
    return false;
}

bool copyuid_read(struct reader *r, struct copyuid *out)
{
    *out = (struct copyuid){0};
    if (reader_expect_number(r, &out->uidvalidity) && reader_expect_sp(r) &&
        read_uids(r, &out->source) && reader_expect_sp(r) && read_uids(r, &out->dest)) {
        return true;
    }
    copyuid_free(out);
    return false;
}

void appenduid_write(struct writer *w, const struct copyuid *c)
{
    writer_cstr(w, "APPENDUID ");
    writer_number(w, c->uidvalidity);
    writer_sp(w);
    write_uids(w, &c->dest);
}

void copyuid_write(struct writer *w, const struct copyuid *c)
{
    writer_cstr(w, "COPYUID ");
    writer_number(w, c->uidvalidity);
    writer_sp(w);
    write_uids(w, &c->source);
    writer_sp(w);
    write_uids(w, &c->dest);
}

/* The `index`th number of a set in its own order. */
static uint32_t uid_at(const struct seqset *set, uint64_t index)
{
    for (size_t i = 0; i < set->len; i++) {
        uint64_t count = (uint64_t)set->items[i].last - set->items[i].first + 1;
        if (index < count) {
            return set->items[i].first + (uint32_t)index;
        }
        index -= count;
    }
    return 0;
}

uint32_t copyuid_map(const struct copyuid *c, uint32_t source_uid)
{
    if (c->uidvalidity == 0 || seqset_count(&c->source) != seqset_count(&c->dest)) {
        return 0;
    }
    uint64_t before = 0;
    for (size_t i = 0; i < c->source.len; i++) {
        struct seq_range range = c->source.items[i];
        if (range.first <= source_uid && source_uid <= range.last) {
            return uid_at(&c->dest, before + source_uid - range.first);
        }
        before += (uint64_t)range.last - range.first + 1;
    }
    return 0;
}
