#include "CSQLiteSetup.h"

#include <stdlib.h>

enum { BLOCK = 1 << 16 };

static int write_blocks_again(sqlite3_file *file) {
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    if (code != SQLITE_OK || size == 0) return code;
    void *block = malloc(BLOCK);
    if (!block) return SQLITE_NOMEM;
    for (sqlite3_int64 offset = 0; code == SQLITE_OK && offset < size; offset += BLOCK) {
        int length = size - offset < BLOCK ? (int)(size - offset) : BLOCK;
        code = file->pMethods->xRead(file, block, length, offset);
        if (code == SQLITE_OK) code = file->pMethods->xWrite(file, block, length, offset);
    }
    free(block);
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

int tl_sqlite_write_again(const char *path) {
    sqlite3_vfs *files = sqlite3_vfs_find(NULL);
    if (!files) return SQLITE_ERROR;
    int is_there = 0;
    int code = files->xAccess(files, path, SQLITE_ACCESS_EXISTS, &is_there);
    if (code != SQLITE_OK || !is_there) return code;
    // As SQLite hands names to a file system: with their parameters, here none, behind them.
    const char *name = sqlite3_create_filename(path, "", "", 0, NULL);
    sqlite3_file *file = calloc(1, (size_t)files->szOsFile);
    code = name && file ? files->xOpen(files, name, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, NULL) : SQLITE_NOMEM;
    if (code == SQLITE_OK) code = write_blocks_again(file);
    if (file && file->pMethods) file->pMethods->xClose(file);
    free(file);
    sqlite3_free_filename(name);
    return code;
}
