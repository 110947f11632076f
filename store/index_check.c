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
#include "store/index_private.h"
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

/* A page of a tree, allocated; its head is within its bounds. NULL after ERR_REFUSED. */
static uint8_t *read_page(struct check *c, size_t number)
{
    if (take_pages(c, number, 1) < 0) {
        return NULL;
    }
    AUTO_FREE uint8_t *page = xmalloc(c->page_size);
    if (!read_at(c->fd, page, c->page_size, (uint64_t)number * c->page_size)) {
        (void)damaged(c, "it ends too early");
        return NULL;
    }
    struct page_head head;
    memcpy(&head, page, sizeof head);
    if (head.number != number || head.lower < sizeof head || head.lower > head.upper ||
        head.upper > c->page_size || head.lower % 2 != 0) {
        (void)damaged(c, "a page that is none");
        return NULL;
    }
    uint8_t *out = page;
    page = NULL;
    return out;
}

static size_t page_nodes(const uint8_t *page)
{
    struct page_head head;
    memcpy(&head, page, sizeof head);
    return (head.lower - sizeof head) / 2;
}

struct node {
    struct node_head head;
    const uint8_t *data; /* behind the key */
    size_t room;         /* from data to the end of the page */
};

static bool node_at(const uint8_t *page, size_t size, size_t index, struct node *out)
{
    struct page_head head;
    uint16_t offset;
    memcpy(&head, page, sizeof head);
    memcpy(&offset, page + sizeof head + 2 * index, sizeof offset);
    if (offset < head.upper || offset + sizeof out->head > size) {
        return false;
    }
    memcpy(&out->head, page + offset, sizeof out->head);
    size_t end_of_key = offset + sizeof out->head + out->head.key_size;
    if (end_of_key > size) {
        return false;
    }
    out->data = page + end_of_key;
    out->room = size - end_of_key;
    return true;
}

static size_t node_data_size(const struct node *node)
{
    return (size_t)node->head.low | (size_t)node->head.high << 16;
}

/* ---- what a leaf holds ---- */

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

static int check_overflow(struct check *c, const struct node *node, bool free_list)
{
    size_t first;
    size_t size = node_data_size(node);
    struct page_head head;
    uint32_t pages;
    if (node->room < sizeof first) {
        return damaged(c, "a node that is too large");
    }
    memcpy(&first, node->data, sizeof first);
    uint64_t offset = (uint64_t)first * c->page_size;
    if (first > c->last_page || !read_at(c->fd, &head, sizeof head, offset)) {
        return damaged(c, "it ends too early");
    }
    memcpy(&pages, &head.lower, sizeof pages);
    uint64_t bytes = (uint64_t)pages * c->page_size;
    if (head.number != first || (head.flags & PAGE_OVERFLOW) == 0 ||
        bytes < sizeof head + (uint64_t)size) {
        return damaged(c, "a page that is none");
    }
    if (offset + bytes > c->file_size) {
        return damaged(c, "it ends too early");
    }
    int rc = take_pages(c, first, pages);
    if (rc < 0 || !free_list) {
        return rc;
    }
    AUTO_FREE uint8_t *data = xmalloc(size + 1);
    if (!read_at(c->fd, data, size, offset + sizeof head)) {
        return damaged(c, "it ends too early");
    }
    return check_free_list(c, data, size);
}

/* Several entries of one key, while they are few: a page within the node. */
static int check_inner_page(struct check *c, const struct node *node)
{
    struct page_head head;
    size_t size = node_data_size(node);
    if (size < sizeof head) {
        return damaged(c, "a page that is none");
    }
    memcpy(&head, node->data, sizeof head);
    size_t entries = head.lower < sizeof head ? 0 : (head.lower - sizeof head) / 2;
    if (entries == 0 || (head.flags & PAGE_FIXED) == 0 || sizeof head + entries * head.pad > size) {
        return damaged(c, "a page that is none");
    }
    return 0;
}

/* ---- trees ---- */

enum tree_kind { TREE_FREE, TREE_MAIN, TREE_RECORDS, TREE_ENTRIES };

static int check_tree(struct check *c, size_t number, enum tree_kind kind, unsigned depth);

static int check_subtree(struct check *c, const struct node *node, enum tree_kind kind,
                         unsigned depth)
{
    struct tree_head head;
    if (kind == TREE_FREE || kind == TREE_ENTRIES || node_data_size(node) != sizeof head) {
        return damaged(c, "a tree where none can be");
    }
    memcpy(&head, node->data, sizeof head);
    if (head.root == NO_PAGE) {
        return 0;
    }
    return check_tree(c, head.root, kind == TREE_MAIN ? TREE_RECORDS : TREE_ENTRIES, depth);
}

static int check_leaf_node(struct check *c, const struct node *node, enum tree_kind kind,
                           unsigned depth)
{
    if ((node->head.flags & NODE_OVERFLOW) != 0) {
        return check_overflow(c, node, kind == TREE_FREE);
    }
    if (node_data_size(node) > node->room) {
        return damaged(c, "a node that is too large");
    }
    if ((node->head.flags & NODE_TREE) != 0) {
        return check_subtree(c, node, kind, depth);
    }
    if ((node->head.flags & NODE_ENTRIES) != 0) {
        return check_inner_page(c, node);
    }
    return kind == TREE_FREE ? check_free_list(c, node->data, node_data_size(node)) : 0;
}

static int check_leaf(struct check *c, const uint8_t *page, enum tree_kind kind, unsigned depth)
{
    struct page_head head;
    memcpy(&head, page, sizeof head);
    size_t nodes = page_nodes(page);
    if ((head.flags & PAGE_FIXED) != 0) {
        bool fits = kind == TREE_ENTRIES && sizeof head + nodes * head.pad <= c->page_size;
        return fits ? 0 : damaged(c, "a page that is none");
    }
    for (size_t i = 0; i < nodes; i++) {
        struct node node;
        if (!node_at(page, c->page_size, i, &node)) {
            return damaged(c, "a node out of its page");
        }
        int rc = check_leaf_node(c, &node, kind, depth);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int check_branch(struct check *c, const uint8_t *page, enum tree_kind kind, unsigned depth)
{
    size_t nodes = page_nodes(page);
    for (size_t i = 0; i < nodes; i++) {
        struct node node;
        if (!node_at(page, c->page_size, i, &node)) {
            return damaged(c, "a node out of its page");
        }
        uint64_t child = (uint64_t)node_data_size(&node);
        if (sizeof(size_t) > 4) {
            child |= (uint64_t)node.head.flags << 32;
        }
        int rc = check_tree(c, (size_t)child, kind, depth);
        if (rc < 0) {
            return rc;
        }
    }
    return nodes > 0 ? 0 : damaged(c, "a page that is none");
}

static int check_tree(struct check *c, size_t number, enum tree_kind kind, unsigned depth)
{
    if (depth >= DEPTH_MAX) {
        return damaged(c, "a tree that is too deep");
    }
    AUTO_FREE uint8_t *page = read_page(c, number);
    if (page == NULL) {
        return -ERR_REFUSED;
    }
    struct page_head head;
    memcpy(&head, page, sizeof head);
    switch (head.flags & (PAGE_BRANCH | PAGE_LEAF | PAGE_OVERFLOW)) {
    case PAGE_BRANCH:
        return check_branch(c, page, kind, depth + 1);
    case PAGE_LEAF:
        return check_leaf(c, page, kind, depth + 1);
    default:
        return damaged(c, "a page that is none");
    }
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
    if (meta.trees[0].root != NO_PAGE) {
        rc = check_tree(&c, meta.trees[0].root, TREE_FREE, 0);
    }
    if (rc == 0 && meta.trees[1].root != NO_PAGE) {
        rc = check_tree(&c, meta.trees[1].root, TREE_MAIN, 0);
    }
    return rc;
}
