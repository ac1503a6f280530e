#include "Disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/// A file as SQLite has it open.
typedef struct open_file {
    sqlite3_file base;
    faulty_disk *disk;
    disk_file *file;
    uint64_t life;
    int level;
    unsigned shared_locks;
    unsigned exclusive_locks;
    bool has_regions;
    bool is_removed_at_close;
    bool is_read_only;
    struct open_file *next;
} open_file;

static sqlite3_vfs *usual;
static faulty_disk *disks;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

/// Whether the call may go on: the disk runs and the file was opened in this life of it.
static bool is_alive(open_file *open) { return open->life == open->disk->life && disk_step(open->disk); }

// MARK: Reading and writing

static int close_file(sqlite3_file *base) {
    open_file *open = (open_file *)base;
    for (open_file **link = &open->disk->open; *link; link = &(*link)->next) {
        if (*link != open) continue;
        *link = open->next;
        open->disk->open_count--;
        break;
    }
    if (open->is_removed_at_close && open->life == open->disk->life) file_remove(open->file);
    return SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *bytes, int length, sqlite3_int64 offset) {
    open_file *open = (open_file *)base;
    if (!is_alive(open)) return SQLITE_IOERR_READ;
    if (disk_hits(open->disk, open->disk->faults.read_fails, "read failed")) return SQLITE_IOERR_READ;
    int64_t there = open->file->size - offset;
    if (there >= length) {
        memcpy(bytes, open->file->bytes + offset, (size_t)length);
        return SQLITE_OK;
    }
    if (there > 0) memcpy(bytes, open->file->bytes + offset, (size_t)there);
    if (there < 0) there = 0;
    memset((char *)bytes + there, 0, (size_t)(length - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 offset) {
    open_file *open = (open_file *)base;
    faulty_disk *disk = open->disk;
    if (!is_alive(open) || open->is_read_only) return SQLITE_IOERR_WRITE;
    if (disk_hits(disk, disk->faults.write_fails, "write failed")) return SQLITE_IOERR_WRITE;
    if (disk->faults.is_full && offset + length > open->file->size) {
        disk_hits(disk, 1000000, "disk full");
        return SQLITE_FULL;
    }
    if (disk_hits(disk, disk->faults.write_tears, "write torn")) {
        file_write(open->file, bytes, (int64_t)(disk_random(disk) % (uint64_t)length), offset);
        return SQLITE_IOERR_WRITE;
    }
    return file_write(open->file, bytes, length, offset) ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int cut_file(sqlite3_file *base, sqlite3_int64 size) {
    open_file *open = (open_file *)base;
    if (!is_alive(open) || open->is_read_only) return SQLITE_IOERR_TRUNCATE;
    return file_cut(open->file, size) ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int sync_file(sqlite3_file *base, int flags) {
    (void)flags;
    open_file *open = (open_file *)base;
    faulty_disk *disk = open->disk;
    if (!is_alive(open)) return SQLITE_IOERR_FSYNC;
    if (disk_hits(disk, disk->faults.sync_fails, "sync failed")) return SQLITE_IOERR_FSYNC;
    if (disk_hits(disk, disk->faults.sync_forgets, "sync failed and forgot")) {
        file_forget(open->file);
        return SQLITE_IOERR_FSYNC;
    }
    if (disk->faults.skips_syncs) return SQLITE_OK;
    file_sync(open->file);
    return disk_hits(disk, disk->faults.sync_lies, "sync done, reported failed") ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int size_of_file(sqlite3_file *base, sqlite3_int64 *size) {
    open_file *open = (open_file *)base;
    if (!is_alive(open)) return SQLITE_IOERR_FSTAT;
    *size = open->file->size;
    return SQLITE_OK;
}

// MARK: Locks on the file

static int highest_other(const open_file *open) {
    int highest = SQLITE_LOCK_NONE;
    for (const open_file *other = open->disk->open; other; other = other->next)
        if (other != open && other->file == open->file && other->life == open->life && other->level > highest)
            highest = other->level;
    return highest;
}

static int lock_file(sqlite3_file *base, int level) {
    open_file *open = (open_file *)base;
    if (!is_alive(open)) return SQLITE_IOERR_LOCK;
    if (level <= open->level) return SQLITE_OK;
    // The system grants no lock for writing on a file that was opened to be read.
    if (open->is_read_only && level > SQLITE_LOCK_SHARED) return SQLITE_IOERR_LOCK;
    int other = highest_other(open);
    bool is_free = level == SQLITE_LOCK_SHARED     ? other < SQLITE_LOCK_PENDING
                   : level == SQLITE_LOCK_RESERVED ? other < SQLITE_LOCK_RESERVED
                                                   : other < SQLITE_LOCK_SHARED;
    if (!is_free) return SQLITE_BUSY;
    open->level = level;
    return SQLITE_OK;
}

static int unlock_file(sqlite3_file *base, int level) {
    open_file *open = (open_file *)base;
    if (level < open->level) open->level = level;
    return SQLITE_OK;
}

static int check_reserved(sqlite3_file *base, int *is_reserved) {
    open_file *open = (open_file *)base;
    *is_reserved = open->level >= SQLITE_LOCK_RESERVED || highest_other(open) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int control(sqlite3_file *base, int code, void *argument) {
    (void)base, (void)code, (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base) { return (void)base, 4096; }
static int characteristics(sqlite3_file *base) { return (void)base, SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// MARK: The shared memory of a write-ahead log

static int map_region(sqlite3_file *base, int index, int size, int is_extending, void volatile **region) {
    open_file *open = (open_file *)base;
    disk_file *file = open->file;
    *region = NULL;
    if (!is_alive(open)) return SQLITE_IOERR_SHMMAP;
    if (index >= REGIONS_MAX) return SQLITE_IOERR_SHMMAP;
    if (!open->has_regions) {
        open->has_regions = true;
        file->region_users++;
    }
    if (!file->regions[index]) {
        if (!is_extending) return SQLITE_OK;
        file->regions[index] = calloc(1, (size_t)size);
        if (!file->regions[index]) return SQLITE_IOERR_NOMEM;
    }
    *region = file->regions[index];
    return SQLITE_OK;
}

static void release(open_file *open, unsigned mask) {
    for (int slot = 0; slot < LOCKS; slot++) {
        unsigned bit = 1u << slot;
        if (!(mask & bit)) continue;
        if (open->shared_locks & bit) open->file->shared[slot]--;
        if (open->exclusive_locks & bit) open->file->exclusive[slot] = false;
    }
    open->shared_locks &= ~mask;
    open->exclusive_locks &= ~mask;
}

static int lock_region(sqlite3_file *base, int offset, int count, int flags) {
    open_file *open = (open_file *)base;
    disk_file *file = open->file;
    unsigned mask = ((1u << count) - 1) << offset;
    if (flags & SQLITE_SHM_UNLOCK) {
        release(open, mask);
        return SQLITE_OK;
    }
    if (!is_alive(open)) return SQLITE_IOERR_SHMLOCK;
    bool is_shared = flags & SQLITE_SHM_SHARED;
    for (int slot = offset; slot < offset + count; slot++) {
        unsigned bit = 1u << slot;
        bool is_mine = open->exclusive_locks & bit;
        int others = file->shared[slot] - (open->shared_locks & bit ? 1 : 0);
        if (file->exclusive[slot] && !is_mine) return SQLITE_BUSY;
        if (!is_shared && others > 0) return SQLITE_BUSY;
    }
    for (int slot = offset; slot < offset + count; slot++) {
        unsigned bit = 1u << slot;
        if (is_shared && !(open->shared_locks & bit)) {
            file->shared[slot]++;
            open->shared_locks |= bit;
        } else if (!is_shared) {
            file->exclusive[slot] = true;
            open->exclusive_locks |= bit;
        }
    }
    return SQLITE_OK;
}

static void barrier(sqlite3_file *base) { (void)base; }

static int unmap_regions(sqlite3_file *base, int is_removing) {
    (void)is_removing;
    open_file *open = (open_file *)base;
    disk_file *file = open->file;
    release(open, (1u << LOCKS) - 1);
    if (!open->has_regions) return SQLITE_OK;
    open->has_regions = false;
    if (--file->region_users > 0) return SQLITE_OK;
    for (int index = 0; index < REGIONS_MAX; index++) {
        free(file->regions[index]);
        file->regions[index] = NULL;
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    2, close_file, read_file, write_file, cut_file, sync_file, size_of_file, lock_file, unlock_file, check_reserved,
    control, sector_size, characteristics, map_region, lock_region, barrier, unmap_regions, NULL, NULL,
};

// MARK: The virtual file system

static faulty_disk *disk_of(const char *path) {
    if (!path) return NULL;
    pthread_mutex_lock(&guard);
    faulty_disk *disk = disks;
    while (disk && strncmp(path, disk->prefix, disk->prefix_length) != 0) disk = disk->next;
    pthread_mutex_unlock(&guard);
    return disk;
}

static int open_path(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags) {
    (void)vfs;
    faulty_disk *disk = disk_of(path);
    if (!disk) return usual->xOpen(usual, path, base, flags, out_flags);
    open_file *open = (open_file *)base;
    open->base.pMethods = NULL;
    if (!disk_step(disk)) return SQLITE_CANTOPEN;
    disk_file *file = disk_find(disk, path, flags & SQLITE_OPEN_CREATE);
    if (!file || (!file->exists && !(flags & SQLITE_OPEN_CREATE))) return SQLITE_CANTOPEN;
    file->exists = true;
    *open = (open_file){
        .base = {&methods}, .disk = disk, .file = file, .life = disk->life, .next = disk->open,
        .is_removed_at_close = flags & SQLITE_OPEN_DELETEONCLOSE, .is_read_only = flags & SQLITE_OPEN_READONLY,
    };
    disk->open = open;
    disk->open_count++;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int delete_path(sqlite3_vfs *vfs, const char *path, int is_synced) {
    (void)vfs;
    faulty_disk *disk = disk_of(path);
    if (!disk) return usual->xDelete(usual, path, is_synced);
    if (!disk_step(disk)) return SQLITE_IOERR_DELETE;
    disk_file *file = disk_find(disk, path, false);
    if (!file || !file->exists) return SQLITE_IOERR_DELETE_NOENT;
    file_remove(file);
    return SQLITE_OK;
}

static int access_path(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    (void)vfs;
    faulty_disk *disk = disk_of(path);
    if (!disk) return usual->xAccess(usual, path, flags, result);
    if (!disk_step(disk)) return SQLITE_IOERR_ACCESS;
    disk_file *file = disk_find(disk, path, false);
    // An empty log counts as none, as it does on a real disk.
    *result = file && file->exists && (flags != SQLITE_ACCESS_EXISTS || file->size > 0);
    return SQLITE_OK;
}

static int full_path(sqlite3_vfs *vfs, const char *path, int length, char *out) {
    (void)vfs;
    if (!disk_of(path)) return usual->xFullPathname(usual, path, length, out);
    size_t size = strlen(path) + 1;
    if (size > (size_t)length) return SQLITE_CANTOPEN;
    memcpy(out, path, size);
    return SQLITE_OK;
}

static sqlite3_vfs faulty;

/// Puts our virtual file system before the default one, once.
static bool install(void) {
    if (usual) return true;
    sqlite3_vfs *found = sqlite3_vfs_find(NULL);
    if (!found) return false;
    faulty = *found;
    faulty.zName = "faulty";
    faulty.pNext = NULL;
    if (faulty.szOsFile < (int)sizeof(open_file)) faulty.szOsFile = sizeof(open_file);
    faulty.xOpen = open_path;
    faulty.xDelete = delete_path;
    faulty.xAccess = access_path;
    faulty.xFullPathname = full_path;
    if (sqlite3_vfs_register(&faulty, 1) != SQLITE_OK) return false;
    usual = found;
    return true;
}

faulty_disk *faulty_disk_make(const char *prefix) {
    if (sqlite3_initialize() != SQLITE_OK) return NULL;
    faulty_disk *disk = calloc(1, sizeof *disk);
    char *copy = strdup(prefix);
    if (!disk || !copy) {
        free(disk);
        free(copy);
        return NULL;
    }
    disk->prefix = copy;
    disk->prefix_length = strlen(prefix);
    disk->last_fault = "";
    pthread_mutex_lock(&guard);
    bool is_installed = install();
    if (is_installed) {
        disk->next = disks;
        disks = disk;
    }
    pthread_mutex_unlock(&guard);
    if (is_installed) return disk;
    free(copy);
    free(disk);
    return NULL;
}

void faulty_disk_free(faulty_disk *disk) {
    pthread_mutex_lock(&guard);
    for (faulty_disk **link = &disks; *link; link = &(*link)->next) {
        if (*link != disk) continue;
        *link = disk->next;
        break;
    }
    pthread_mutex_unlock(&guard);
    for (size_t index = 0; index < disk->file_count; index++) {
        disk_file *file = &disk->files[index];
        free(file->name);
        free(file->bytes);
        free(file->changes);
        free(file->arena);
        free(file->fresh);
    }
    free(disk->prefix);
    free(disk);
}

bool faulty_disk_is_damaged(faulty_disk *disk, char *words, size_t size) {
    sqlite3 *database = NULL;
    sqlite3_stmt *check = NULL;
    bool is_sound = false;
    int code = sqlite3_open_v2(disk->prefix, &database, SQLITE_OPEN_READONLY, faulty.zName);
    if (code == SQLITE_OK) code = sqlite3_prepare_v2(database, "PRAGMA integrity_check(1)", -1, &check, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(check);
    const char *found = code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : sqlite3_errstr(code);
    if (code == SQLITE_ROW && found) is_sound = strcmp(found, "ok") == 0;
    sqlite3_snprintf((int)size, words, "%s", found ? found : "no answer");
    sqlite3_finalize(check);
    sqlite3_close(database);
    return !is_sound;
}
