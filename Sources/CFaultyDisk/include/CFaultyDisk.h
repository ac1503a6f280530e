#ifndef CFAULTYDISK_H
#define CFAULTYDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A disk in memory under SQLite, which fails and loses power as it is told.
///
/// It serves every database whose path begins with its prefix; all other paths go to the virtual file system that was
/// the default before. A disk is used by one thread at a time; different disks may be used side by side.
typedef struct faulty_disk faulty_disk;

/// How often each fault hits, in millionths of the calls that it can hit.
typedef struct faulty_disk_faults {
    /// A sync fails, and nothing was synced.
    uint32_t sync_fails;
    /// A sync fails, and all was synced all the same.
    uint32_t sync_lies;
    /// A sync fails, and what it should have synced is never synced any more, though later syncs succeed.
    uint32_t sync_forgets;
    uint32_t write_fails;
    /// A write fails after some of its bytes were written.
    uint32_t write_tears;
    uint32_t read_fails;
    /// No file can grow.
    bool is_full;
    /// Every sync succeeds and does nothing: what a journal that does not wait for the disk would do.
    bool skips_syncs;
} faulty_disk_faults;

/// Makes an empty disk for paths that begin with `prefix`; null without memory or where SQLite refuses.
faulty_disk *faulty_disk_make(const char *prefix);
/// Frees the disk; every database on it must be closed.
void faulty_disk_free(faulty_disk *disk);

/// Empties the disk and takes a new seed for its faults.
void faulty_disk_reset(faulty_disk *disk, uint64_t seed);
void faulty_disk_set_faults(faulty_disk *disk, faulty_disk_faults faults);

/// Stops the disk at its `operations`-th call from now, so that the process dies in the middle of its work; 0: never.
void faulty_disk_stop_after(faulty_disk *disk, uint64_t operations);
/// From now on nothing reaches the disk: every call fails.
void faulty_disk_stop(faulty_disk *disk);
bool faulty_disk_is_stopped(const faulty_disk *disk);
/// Starts the disk again after the process has died; files that it had open stay dead.
///
/// `power_is_lost`: of what was not synced only some survives, torn at any byte.
void faulty_disk_start(faulty_disk *disk, bool power_is_lost);

/// Whether SQLite's whole check of the database at the disk's prefix finds something wrong; `words` then says what, in at
/// most `size` bytes with their end. The disk should have no faults meanwhile.
bool faulty_disk_is_damaged(faulty_disk *disk, char *words, size_t size);

/// Calls so far, and how many of them a fault has hit.
uint64_t faulty_disk_operations(const faulty_disk *disk);
uint64_t faulty_disk_faults_hit(const faulty_disk *disk);
/// What the latest fault was; empty where there was none.
const char *faulty_disk_last_fault(const faulty_disk *disk);
/// How many of its files are open.
size_t faulty_disk_open_files(const faulty_disk *disk);

/// Keeps what is on the disk now as its fresh content, which `faulty_disk_restore` brings back.
void faulty_disk_keep(faulty_disk *disk);
/// Empties the disk and brings back what was kept, with a new seed.
void faulty_disk_restore(faulty_disk *disk, uint64_t seed);

#endif
