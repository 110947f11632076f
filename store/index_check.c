/*
 * Looks through the file of the index before LMDB works on it.
 *
 * LMDB maps its file and trusts it: a page that is not there is a SIGBUS, and a page with wrong
 * offsets sends it out of the map. Both happen to files cut short by a full disk, a broken copy or
 * a damaged disk. So all pages that a transaction can reach are read here first, with pread(), and
 * everything is checked that LMDB would follow: page numbers, kinds, the offsets of the nodes,
 * sizes, the lists of free pages; and that no page is used twice. What the records say is for the
 * decoders to judge.
 *
 * A file shorter than its last page number says is no damage by itself: LMDB does not write pages
 * that were freed in the transaction that took them.
 *
 * The structures are those of LMDB's data version 1 (0.9), in the byte order and word size of the
 * machine, as LMDB writes them.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "store/index_txn.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_MAGIC 0xBEEFC0DEu
#define META_VERSION 1
#define META_COUNT 2
#define PAGE_SIZE_LEAST 512
#define PAGE_SIZE_MOST 65536
/* LMDB's own bound on the depth of a tree. */
#define DEPTH_MAX 32
/* How far the last page number may lie beyond the end of the file. */
#define UNWRITTEN_BYTES_MAX (UINT64_C(64) << 20)
#define NO_PAGE SIZE_MAX

enum page_flags { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_FIXED = 0x20 };
enum node_flags { NODE_OVERFLOW = 1, NODE_TREE = 2, NODE_ENTRIES = 4 };

struct page_head {
    size_t number;
    uint16_t pad; /* size of an entry in a PAGE_FIXED */
    uint16_t flags;
    uint16_t
        lower; /* end of the offsets; in a PAGE_OVERFLOW lower and upper are one count of pages */
    uint16_t upper; /* begin of the nodes */
};

struct node_head {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint16_t low, high; /* size of the data, or of a branch the page number's lower half */
#else
    uint16_t high, low;
#endif
    uint16_t flags;
    uint16_t key_size;
};

struct tree_head {
    uint32_t pad;
    uint16_t flags;
    uint16_t depth;
    size_t branch_pages, leaf_pages, overflow_pages, entries;
    size_t root;
};

struct meta {
    uint32_t magic;
    uint32_t version;
    size_t address;
    size_t map_size;
    struct tree_head trees[2]; /* the free pages, the main database */
    size_t last_page;
    size_t txn;
};

struct check {
    int fd;
    const char *path;
    size_t page_size;
    size_t last_page;
    uint64_t file_size;
    uint8_t *seen; /* a bit for each page */
    struct error *err;
};

static int damaged(const struct check *c, const char *what)
{
    return index_damaged(c->path, what, c->err);
}

/* Exactly `size` bytes. */
static bool read_at(int fd, void *out, size_t size, uint64_t offset)
{
    char *to = out;
    while (size > 0) {
        ssize_t got = pread(fd, to, size, (off_t)offset);
        if (got <= 0) {
            return false;
        }
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

/* ---- the head of the file ---- */

static bool read_meta(int fd, size_t offset, struct meta *out)
{
    return read_at(fd, out, sizeof *out, offset + sizeof(struct page_head)) &&
           out->magic == META_MAGIC && out->version == META_VERSION;
}

/* Whether this meta page can belong to a file of that size. */
static bool meta_fits(const struct meta *meta, size_t page_size, uint64_t file_size)
{
    return meta->trees[0].pad == page_size &&
           meta->last_page <= (file_size + UNWRITTEN_BYTES_MAX) / page_size;
}

static bool page_size_valid(size_t size)
{
    return size >= PAGE_SIZE_LEAST && size <= PAGE_SIZE_MOST && (size & (size - 1)) == 0;
}

int index_check_header(const char *path, enum index_file_state *out, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc = file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(err);
        *out = INDEX_FILE_ABSENT;
        return 0;
    }
    if (rc < 0) {
        return rc;
    }
    struct stat found;
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) {
        return index_damaged(path, "it is not a file", err);
    }
    /* A crash between the making of the file and its first page leaves this. */
    if (found.st_size == 0) {
        *out = INDEX_FILE_EMPTY;
        return 0;
    }
    struct meta meta;
    struct meta other;
    if (!read_meta(fd, 0, &meta)) {
        return index_damaged(path, "it does not begin as an index does", err);
    }
    uint64_t size = (uint64_t)found.st_size;
    size_t page_size = meta.trees[0].pad;
    if (!page_size_valid(page_size) || size < META_COUNT * page_size ||
        !read_meta(fd, page_size, &other) || !meta_fits(&meta, page_size, size) ||
        !meta_fits(&other, page_size, size)) {
        return index_damaged(path, "its first pages do not fit together", err);
    }
    *out = INDEX_FILE_WHOLE;
    return 0;
}

/* ---- pages ---- */

static int take_pages(struct check *c, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t page = first + i;
        if (page < META_COUNT || page > c->last_page) {
            return damaged(c, "a page number out of range");
        }
        if ((c->seen[page / 8] >> (page % 8) & 1) != 0) {
            return damaged(c, "a page used twice");
        }
        c->seen[page / 8] |= (uint8_t)(1u << (page % 8));
    }
    return 0;
}

struct page {
    uint8_t *bytes;
    struct page_head head;
    size_t nodes;
};

/* The bytes are allocated; the head is within its bounds. */
static int read_page(struct check *c, size_t number, struct page *out)
{
    int rc = take_pages(c, number, 1);
    if (rc < 0) {
        return rc;
    }
    AUTO_FREE uint8_t *bytes = xmalloc(c->page_size);
    if (!read_at(c->fd, bytes, c->page_size, (uint64_t)number * c->page_size)) {
        return damaged(c, "it ends too early");
    }
    memcpy(&out->head, bytes, sizeof out->head);
    if (out->head.number != number || out->head.lower < sizeof out->head ||
        out->head.lower > out->head.upper || out->head.upper > c->page_size ||
        out->head.lower % 2 != 0) {
        return damaged(c, "a page that is none");
    }
    out->nodes = (out->head.lower - sizeof out->head) / 2;
    out->bytes = bytes;
    bytes = NULL;
    return 0;
}

struct node {
    struct node_head head;
    size_t data_size;
    const uint8_t *data; /* behind the key */
    size_t begin;        /* in its page */
    size_t end;
};

/* False if the node leaves its page. */
static bool node_at(const struct check *c, const struct page *page, size_t index, struct node *out)
{
    uint16_t offset;
    memcpy(&offset, page->bytes + sizeof page->head + 2 * index, sizeof offset);
    if (offset < page->head.upper || offset + sizeof out->head > c->page_size) {
        return false;
    }
    memcpy(&out->head, page->bytes + offset, sizeof out->head);
    size_t key_end = offset + sizeof out->head + out->head.key_size;
    out->data_size = (size_t)out->head.low | (size_t)out->head.high << 16;
    size_t held = out->data_size;
    if ((page->head.flags & PAGE_BRANCH) != 0) {
        held = 0;
    } else if ((out->head.flags & NODE_OVERFLOW) != 0) {
        held = sizeof(size_t);
    }
    out->data = page->bytes + key_end;
    out->begin = offset;
    out->end = key_end + held + (key_end + held) % 2;
    return out->end <= c->page_size;
}

/* LMDB moves nodes about on the word that they fill the page from `upper` to its end, side by side.
 */
static int check_packed(struct check *c, const struct page *page)
{
    uint16_t ends[PAGE_SIZE_MOST / 2]; /* of the node that begins there; they all begin evenly */
    memset(ends, 0, c->page_size / 2 * sizeof *ends);
    for (size_t i = 0; i < page->nodes; i++) {
        struct node node = {.data = NULL};
        if (!node_at(c, page, i, &node) || node.begin % 2 != 0 || ends[node.begin / 2] != 0) {
            return damaged(c, "a node out of its page");
        }
        ends[node.begin / 2] = (uint16_t)(node.end / 2);
    }
    size_t met = 0;
    size_t at = page->head.upper / 2;
    while (at < c->page_size / 2 && ends[at] != 0) {
        at = ends[at];
        met++;
    }
    bool packed = page->head.upper % 2 == 0 && at == c->page_size / 2 && met == page->nodes;
    return packed ? 0 : damaged(c, "a page with gaps");
}

/* ---- what a leaf holds ---- */

/* What a tree was found to consist of, to be compared with what it says. */
struct found {
    size_t branch_pages, leaf_pages, overflow_pages, entries;
    unsigned depth; /* of its leaves; 0 before the first */
};

/* LMDB copies a list of free pages by the count it begins with. */
static int check_free_list(struct check *c, const uint8_t *list, size_t size)
{
    size_t count;
    if (size < sizeof count) {
        return damaged(c, "a list of free pages");
    }
    memcpy(&count, list, sizeof count);
    if (count > size / sizeof count - 1) {
        return damaged(c, "a list of free pages");
    }
    for (size_t i = 1; i <= count; i++) {
        size_t page;
        memcpy(&page, list + i * sizeof page, sizeof page);
        int rc = take_pages(c, page, 1);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int check_overflow(struct check *c, const struct node *node, bool free_list,
                          struct found *found)
{
    size_t first;
    struct page_head head;
    uint32_t pages;
    memcpy(&first, node->data, sizeof first);
    uint64_t offset = (uint64_t)first * c->page_size;
    if (first > c->last_page || !read_at(c->fd, &head, sizeof head, offset)) {
        return damaged(c, "it ends too early");
    }
    memcpy(&pages, &head.lower, sizeof pages);
    uint64_t bytes = (uint64_t)pages * c->page_size;
    if (head.number != first || (head.flags & PAGE_OVERFLOW) == 0 ||
        bytes < sizeof head + (uint64_t)node->data_size) {
        return damaged(c, "a page that is none");
    }
    if (offset + bytes > c->file_size) {
        return damaged(c, "it ends too early");
    }
    found->overflow_pages += pages;
    int rc = take_pages(c, first, pages);
    if (rc < 0 || !free_list) {
        return rc;
    }
    AUTO_FREE uint8_t *data = xmalloc(node->data_size + 1);
    if (!read_at(c->fd, data, node->data_size, offset + sizeof head)) {
        return damaged(c, "it ends too early");
    }
    return check_free_list(c, data, node->data_size);
}

/* A page of entries of one size, in `size` bytes. */
static int check_fixed(struct check *c, const struct page_head *head, size_t entry_size,
                       size_t size, struct found *found)
{
    size_t entries = head->lower < sizeof *head ? 0 : (head->lower - sizeof *head) / 2;
    size_t used = sizeof *head + entries * entry_size;
    if ((head->flags & PAGE_FIXED) == 0 || entries == 0 || entry_size == 0 || used > size ||
        head->lower > head->upper || (size_t)(head->upper - head->lower) != size - used) {
        return damaged(c, "a page that is none");
    }
    found->entries += entries;
    return 0;
}

/* ---- trees ---- */

enum tree_kind {
    TREE_FREE,    /* lists of free pages */
    TREE_MAIN,    /* the heads of all others */
    TREE_RECORDS, /* one value for a key */
    TREE_KEYS,    /* entries of one size for a key */
    TREE_ENTRIES, /* those of one key, when they are many */
};

struct tree {
    enum tree_kind kind;
    struct tree_head head;
    struct found found;
};

static int check_page(struct check *c, struct tree *tree, size_t number, unsigned depth);

static int check_tree(struct check *c, enum tree_kind kind, const struct tree_head *head)
{
    struct tree tree = {.kind = kind, .head = *head};
    int rc = head->root == NO_PAGE ? 0 : check_page(c, &tree, head->root, 1);
    if (rc < 0) {
        return rc;
    }
    const struct found *found = &tree.found;
    bool same = found->branch_pages == head->branch_pages &&
                found->leaf_pages == head->leaf_pages &&
                found->overflow_pages == head->overflow_pages && found->entries == head->entries &&
                found->depth == head->depth;
    return same ? 0 : damaged(c, "a tree that is not as it says");
}

/* A node that is the head of another tree. */
static int check_inner_tree(struct check *c, const struct node *node, struct tree *tree)
{
    struct tree_head head;
    if (node->data_size != sizeof head) {
        return damaged(c, "a tree where none can be");
    }
    memcpy(&head, node->data, sizeof head);
    if (tree->kind == TREE_KEYS && head.flags == MDB_DUPFIXED) {
        tree->found.entries += head.entries;
        return check_tree(c, TREE_ENTRIES, &head);
    }
    if (tree->kind == TREE_MAIN &&
        (head.flags == 0 || head.flags == (MDB_DUPSORT | MDB_DUPFIXED))) {
        tree->found.entries++;
        return check_tree(c, head.flags == 0 ? TREE_RECORDS : TREE_KEYS, &head);
    }
    return damaged(c, "a tree where none can be");
}

static int check_leaf_node(struct check *c, const struct node *node, struct tree *tree)
{
    struct page_head inner;
    switch (node->head.flags) {
    case NODE_OVERFLOW:
        tree->found.entries++;
        return check_overflow(c, node, tree->kind == TREE_FREE, &tree->found);
    case NODE_TREE:
    case NODE_TREE | NODE_ENTRIES:
        return check_inner_tree(c, node, tree);
    case NODE_ENTRIES:
        if (tree->kind != TREE_KEYS || node->data_size < sizeof inner) {
            return damaged(c, "a page that is none");
        }
        memcpy(&inner, node->data, sizeof inner);
        return check_fixed(c, &inner, inner.pad, node->data_size, &tree->found);
    case 0:
        tree->found.entries++;
        return tree->kind == TREE_FREE ? check_free_list(c, node->data, node->data_size) : 0;
    default:
        return damaged(c, "a node of no kind");
    }
}

static int check_leaf(struct check *c, const struct page *page, struct tree *tree, unsigned depth)
{
    tree->found.leaf_pages++;
    if (tree->found.depth != 0 && tree->found.depth != depth) {
        return damaged(c, "a tree with leaves of several depths");
    }
    tree->found.depth = depth;
    if (tree->kind == TREE_ENTRIES) {
        return check_fixed(c, &page->head, tree->head.pad, c->page_size, &tree->found);
    }
    int rc = check_packed(c, page);
    for (size_t i = 0; rc == 0 && i < page->nodes; i++) {
        struct node node = {.data = NULL};
        (void)node_at(c, page, i, &node);
        rc = check_leaf_node(c, &node, tree);
    }
    return rc;
}

static int check_branch(struct check *c, const struct page *page, struct tree *tree, unsigned depth)
{
    tree->found.branch_pages++;
    if (page->nodes < 2) {
        return damaged(c, "a branch without arms");
    }
    int rc = check_packed(c, page);
    for (size_t i = 0; rc == 0 && i < page->nodes; i++) {
        struct node node = {.data = NULL};
        (void)node_at(c, page, i, &node);
        /* The upper half of the number stands in the place of the flags. */
        uint64_t child = node.data_size;
        if (sizeof(size_t) > 4) {
            child |= (uint64_t)node.head.flags << 32;
        }
        rc = check_page(c, tree, (size_t)child, depth + 1);
    }
    return rc;
}

static int check_page(struct check *c, struct tree *tree, size_t number, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        return damaged(c, "a tree that is too deep");
    }
    struct page page = {.bytes = NULL};
    int rc = read_page(c, number, &page);
    AUTO_FREE uint8_t *bytes __attribute__((unused)) = page.bytes;
    if (rc < 0) {
        return rc;
    }
    unsigned fixed = tree->kind == TREE_ENTRIES ? PAGE_FIXED : 0;
    if (page.head.flags == PAGE_BRANCH) {
        return check_branch(c, &page, tree, depth);
    }
    if (page.head.flags == (PAGE_LEAF | fixed)) {
        return check_leaf(c, &page, tree, depth);
    }
    return damaged(c, "a page that is none");
}

int index_check_pages(struct index *index, MDB_txn *mdb, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc = file_open(AT_FDCWD, index->path, O_RDONLY, 0, &fd, err);
    if (rc < 0) {
        return rc;
    }
    struct meta meta;
    size_t txn = mdb_txn_id(mdb);
    struct stat found;
    if (!read_meta(fd, txn % META_COUNT * index->page_size, &meta) || fstat(fd, &found) < 0 ||
        meta.txn < txn) {
        return index_damaged(index->path, "its first pages do not fit together", err);
    }
    if (meta.txn != txn) {
        return error_set(err, ERR_CHANGED, SCOPE_ACCOUNT,
                         "the index %s is being written to: try again", index->path);
    }
    AUTO_FREE uint8_t *seen = xcalloc(meta.last_page / 8 + 1, 1);
    struct check c = {.fd = fd,
                      .path = index->path,
                      .page_size = index->page_size,
                      .last_page = meta.last_page,
                      .file_size = (uint64_t)found.st_size,
                      .seen = seen,
                      .err = err};
    rc = check_tree(&c, TREE_FREE, &meta.trees[0]);
    return rc < 0 ? rc : check_tree(&c, TREE_MAIN, &meta.trees[1]);
}
