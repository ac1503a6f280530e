#ifndef FAULTY_DISK_INTERNAL_H
#define FAULTY_DISK_INTERNAL_H

#include "CFaultyDisk.h"

#define FILES_MAX 16
#define LOCKS 8
#define REGIONS_MAX 64

/// A write or a cut that is not synced yet, with what it replaced, so that it can be taken back.
typedef struct {
    int64_t offset;
    int64_t length;
    int64_t old_size;
    /// Bytes of the old content that it replaced, at `kept` in the file's arena.
    int64_t old_length;
    size_t kept;
    bool is_cut;
    bool is_synced;
    bool is_forgotten;
} change;

typedef struct {
    char *name;
    bool exists;
    /// Whether a file of that name lies in the real folder.
    bool is_shown;
    uint8_t *bytes;
    int64_t size;
    int64_t capacity;
    change *changes;
    size_t change_count;
    size_t change_capacity;
    uint8_t *arena;
    size_t arena_size;
    size_t arena_capacity;
    bool has_forgotten;
    // What was kept as fresh content.
    uint8_t *fresh;
    int64_t fresh_size;
    bool is_fresh;
    // The shared memory of a write-ahead log, and its locks.
    void *regions[REGIONS_MAX];
    int region_size;
    int region_users;
    int shared[LOCKS];
    bool exclusive[LOCKS];
} disk_file;

struct faulty_disk {
    char *prefix;
    size_t prefix_length;
    disk_file files[FILES_MAX];
    size_t file_count;
    faulty_disk_faults faults;
    uint64_t random;
    uint64_t operations;
    uint64_t stop_at;
    uint64_t faults_hit;
    const char *last_fault;
    bool is_stopped;
    /// Files that were opened before the last start are dead.
    uint64_t life;
    /// Every open file, in no order.
    struct open_file *open;
    size_t open_count;
    struct faulty_disk *next;
};

uint64_t disk_random(faulty_disk *disk);
/// Counts a call; false where the disk is stopped.
bool disk_step(faulty_disk *disk);
/// Whether a fault of that share hits now; notes it.
bool disk_hits(faulty_disk *disk, uint32_t share, const char *what);
/// The file of that name; made where there is none and `make` is set. Null where there is none or no room for more.
disk_file *disk_find(faulty_disk *disk, const char *name, bool make);
bool file_write(disk_file *file, const void *bytes, int64_t length, int64_t offset);
bool file_cut(disk_file *file, int64_t size);
/// Everything written so far survives a loss of power, but for what was forgotten.
void file_sync(disk_file *file);
/// What is not synced will never be.
void file_forget(disk_file *file);
void file_lose_power(faulty_disk *disk, disk_file *file);
void file_remove(disk_file *file);
/// Shows in the real folder whether there is a log: libraries look for it there, past SQLite.
void file_show(disk_file *file);

#endif
