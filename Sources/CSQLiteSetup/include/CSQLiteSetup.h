#pragma once

#include <sqlite3.h>

/// Switches off SQLite's count of the memory that it uses: it costs a lock at each allocation, a tenth of what a commit
/// costs, and nothing here asks for it. Without effect once a connection was opened; gives SQLite's result code.
static inline int tl_sqlite_skip_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

/// Writes a file's bytes over themselves and syncs it; gives SQLite's result code.
///
/// After a sync that failed the system takes pages for written that are only in its memory. Written once more they are
/// on the disk, or an error. Without effect where there is no such file; goes through SQLite's default file system.
int tl_sqlite_write_again(const char *path);
