#pragma once
/* Descriptors and paths of the disk in memory, for what stands in the place of the C library. */
#include "sim/disk.h"

#define REAL_PATH_MAX 600

struct watch {
    int number;
    const struct disk_node *directory;
    uint64_t changes; /* of the directory, when the watch began or was read last */
};
VEC_STRUCT(watches, struct watch);

struct open_file {
    struct disk_node *node;  /* NULL: closed, or watches */
    struct watches *watches; /* inotify */
    size_t offset;
};

bool is_our_fd(int fd);
struct open_file *file_of(int fd);
int open_node(struct disk_node *node);
int open_watches(void);
int close_fd(int fd);
ssize_t read_watches(struct open_file *file, void *out, size_t size);

/* Where a path leads. */
struct place {
    struct disk_node *directory; /* NULL: the path names the starting point itself */
    char name[300];
    struct disk_node *node; /* NULL: nothing there */
};
bool is_ours(int dirfd, const char *path);
/* 0, or the errno. */
int place_find(int dirfd, const char *path, struct place *out);
/* The real file's path, if it is the index. */
bool path_of_index(const char *path, char out[REAL_PATH_MAX]);
/* Before the file of that name is renamed or removed. */
void calls_index_moves(void);
