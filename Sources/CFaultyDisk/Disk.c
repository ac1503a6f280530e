#include "Disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// MARK: Chance

// SplitMix64, by Steele, Lea and Flood (2014).
uint64_t disk_random(faulty_disk *disk) {
    uint64_t word = disk->random += 0x9E3779B97F4A7C15u;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
    word = (word ^ word >> 27) * 0x94D049BB133111EBu;
    return word ^ word >> 31;
}

bool disk_hits(faulty_disk *disk, uint32_t share, const char *what) {
    if (share == 0 || disk_random(disk) % 1000000 >= share) return false;
    disk->faults_hit++;
    disk->last_fault = what;
    return true;
}

bool disk_step(faulty_disk *disk) {
    if (disk->is_stopped) return false;
    disk->operations++;
    if (disk->stop_at == 0 || disk->operations < disk->stop_at) return true;
    faulty_disk_stop(disk);
    return false;
}

// MARK: Files

disk_file *disk_find(faulty_disk *disk, const char *name, bool make) {
    for (size_t index = 0; index < disk->file_count; index++) {
        disk_file *file = &disk->files[index];
        if (strcmp(file->name, name) == 0) return file;
    }
    if (!make || disk->file_count == FILES_MAX) return NULL;
    char *copy = strdup(name);
    if (!copy) return NULL;
    disk_file *file = &disk->files[disk->file_count++];
    memset(file, 0, sizeof *file);
    file->name = copy;
    return file;
}

static bool reserve(void *buffer, size_t *capacity, size_t needed, size_t element) {
    if (needed <= *capacity) return true;
    size_t larger = *capacity ? *capacity : 64;
    while (larger < needed) larger *= 2;
    void *grown = realloc(*(void **)buffer, larger * element);
    if (!grown) return false;
    *(void **)buffer = grown;
    *capacity = larger;
    return true;
}

static bool grow(disk_file *file, int64_t size) {
    size_t capacity = (size_t)file->capacity;
    if (!reserve(&file->bytes, &capacity, (size_t)size, 1)) return false;
    file->capacity = (int64_t)capacity;
    return true;
}

/// Writes down what a change replaces.
static bool note(disk_file *file, int64_t offset, int64_t length, int64_t replaced, bool is_cut) {
    if (!reserve(&file->changes, &file->change_capacity, file->change_count + 1, sizeof(change))) return false;
    if (!reserve(&file->arena, &file->arena_capacity, file->arena_size + (size_t)replaced, 1)) return false;
    if (replaced > 0) memcpy(file->arena + file->arena_size, file->bytes + offset, (size_t)replaced);
    file->changes[file->change_count++] = (change){
        .offset = offset, .length = length, .old_size = file->size, .old_length = replaced,
        .kept = file->arena_size, .is_cut = is_cut,
    };
    file->arena_size += (size_t)replaced;
    return true;
}

static void put(disk_file *file, const void *bytes, int64_t length, int64_t offset) {
    if (offset > file->size) memset(file->bytes + file->size, 0, (size_t)(offset - file->size));
    memcpy(file->bytes + offset, bytes, (size_t)length);
    if (offset + length > file->size) file->size = offset + length;
}

bool file_write(disk_file *file, const void *bytes, int64_t length, int64_t offset) {
    if (length <= 0) return true;
    int64_t end = offset + length;
    int64_t replaced = offset >= file->size ? 0 : (end < file->size ? length : file->size - offset);
    if (!grow(file, end > file->size ? end : file->size) || !note(file, offset, length, replaced, false)) return false;
    put(file, bytes, length, offset);
    if (!file->is_shown) file_show(file);
    return true;
}

bool file_cut(disk_file *file, int64_t size) {
    if (size >= file->size) return true;
    if (!note(file, size, 0, file->size - size, true)) return false;
    file->size = size;
    file_show(file);
    return true;
}

void file_sync(disk_file *file) {
    if (file->has_forgotten) {
        for (size_t index = 0; index < file->change_count; index++) file->changes[index].is_synced = true;
        return;
    }
    file->change_count = 0;
    file->arena_size = 0;
}

void file_forget(disk_file *file) {
    for (size_t index = 0; index < file->change_count; index++) {
        if (file->changes[index].is_synced) continue;
        file->changes[index].is_forgotten = true;
        file->has_forgotten = true;
    }
}

void file_remove(disk_file *file) {
    file->exists = false;
    file->size = 0;
    file->change_count = 0;
    file->arena_size = 0;
    file->has_forgotten = false;
    file_show(file);
}

void file_show(disk_file *file) {
    bool is_there = file->exists && file->size > 0;
    if (is_there == file->is_shown) return;
    size_t length = strlen(file->name);
    if (length < 4 || strcmp(file->name + length - 4, "-wal") != 0) return;
    file->is_shown = is_there;
    if (!is_there) {
        unlink(file->name);
        return;
    }
    FILE *shown = fopen(file->name, "w");
    if (!shown) return;
    fputc('\n', shown);
    fclose(shown);
}

// MARK: Losing power

/// How much of a change that was not synced reached the platter: all, nothing, or its beginning.
static int64_t survived(faulty_disk *disk, const change *one, int mode, bool *is_over) {
    if (one->is_synced && !one->is_forgotten) return one->length;
    if (one->is_forgotten) return disk_random(disk) % 4 == 0 ? one->length : -1;
    switch (mode) {
    case 0: return -1;
    case 1: return one->length;
    case 2:
        if (*is_over) return -1;
        if (disk_random(disk) % 4 != 0) return one->length;
        *is_over = true;
        return one->length > 0 ? (int64_t)(disk_random(disk) % (uint64_t)one->length) : -1;
    default:
        if (disk_random(disk) % 8 == 0 && one->length > 0)
            return (int64_t)(disk_random(disk) % (uint64_t)one->length);
        return disk_random(disk) % 2 ? one->length : -1;
    }
}

void file_lose_power(faulty_disk *disk, disk_file *file) {
    size_t count = file->change_count;
    if (count == 0) return;
    uint8_t **written = calloc(count, sizeof *written);
    if (!written) return;
    for (size_t index = count; index-- > 0;) {
        const change *one = &file->changes[index];
        if (!one->is_cut) {
            written[index] = malloc((size_t)one->length);
            if (written[index]) memcpy(written[index], file->bytes + one->offset, (size_t)one->length);
        }
        if (one->old_length > 0) memcpy(file->bytes + one->offset, file->arena + one->kept, (size_t)one->old_length);
        file->size = one->old_size;
    }
    int mode = (int)(disk_random(disk) % 4);
    bool is_over = false;
    for (size_t index = 0; index < count; index++) {
        const change *one = &file->changes[index];
        int64_t length = survived(disk, one, mode, &is_over);
        if (one->is_cut) {
            if (length >= 0 && one->offset < file->size) file->size = one->offset;
        } else if (length > 0 && written[index] && grow(file, one->offset + length)) {
            put(file, written[index], length, one->offset);
        }
        free(written[index]);
    }
    free(written);
    file->change_count = 0;
    file->arena_size = 0;
    file->has_forgotten = false;
}

// MARK: The disk as a whole

void faulty_disk_set_faults(faulty_disk *disk, faulty_disk_faults faults) { disk->faults = faults; }

void faulty_disk_stop_after(faulty_disk *disk, uint64_t operations) {
    disk->stop_at = operations == 0 ? 0 : disk->operations + operations;
}

void faulty_disk_stop(faulty_disk *disk) {
    disk->is_stopped = true;
    disk->stop_at = 0;
}

bool faulty_disk_is_stopped(const faulty_disk *disk) { return disk->is_stopped; }

void faulty_disk_start(faulty_disk *disk, bool power_is_lost) {
    for (size_t index = 0; index < disk->file_count; index++) {
        if (power_is_lost) file_lose_power(disk, &disk->files[index]);
        file_show(&disk->files[index]);
    }
    disk->is_stopped = false;
    disk->stop_at = 0;
    disk->life++;
}

void faulty_disk_reset(faulty_disk *disk, uint64_t seed) {
    for (size_t index = 0; index < disk->file_count; index++) file_remove(&disk->files[index]);
    disk->faults = (faulty_disk_faults){0};
    disk->random = seed;
    disk->operations = 0;
    disk->faults_hit = 0;
    disk->last_fault = "";
    faulty_disk_start(disk, false);
}

void faulty_disk_keep(faulty_disk *disk) {
    for (size_t index = 0; index < disk->file_count; index++) {
        disk_file *file = &disk->files[index];
        free(file->fresh);
        file->fresh = file->exists && file->size > 0 ? malloc((size_t)file->size) : NULL;
        file->fresh_size = file->fresh ? file->size : 0;
        file->is_fresh = file->exists;
        if (file->fresh) memcpy(file->fresh, file->bytes, (size_t)file->size);
    }
}

void faulty_disk_restore(faulty_disk *disk, uint64_t seed) {
    faulty_disk_reset(disk, seed);
    for (size_t index = 0; index < disk->file_count; index++) {
        disk_file *file = &disk->files[index];
        if (!file->is_fresh || !grow(file, file->fresh_size)) continue;
        if (file->fresh_size > 0) memcpy(file->bytes, file->fresh, (size_t)file->fresh_size);
        file->size = file->fresh_size;
        file->exists = true;
    }
}

uint64_t faulty_disk_operations(const faulty_disk *disk) { return disk->operations; }
uint64_t faulty_disk_faults_hit(const faulty_disk *disk) { return disk->faults_hit; }
const char *faulty_disk_last_fault(const faulty_disk *disk) { return disk->last_fault ? disk->last_fault : ""; }
size_t faulty_disk_open_files(const faulty_disk *disk) { return disk->open_count; }
