#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a parse came to.
typedef enum {
    TL_JSON_OK = 0,
    TL_JSON_TOO_DEEP = 1,
    TL_JSON_INVALID = 2,
    TL_JSON_OUT_OF_MEMORY = 3,
} tl_json_status;

/// simdjson's own result, read in place: the tape (one 64-bit word an element, see simdjson's doc/tape.md) and the
/// buffer of unescaped strings (each a 32-bit length and its UTF-8 bytes). Both belong to the calling thread's
/// parser and are valid until its next parse.
typedef struct {
    const uint64_t *tape;
    const uint8_t *strings;
    const char *message;
} tl_json_tape;

/// Parses and fully validates `length` bytes of JSON (UTF-8, one document), nested no deeper than `depth_max`.
tl_json_status tl_json_parse(const uint8_t *bytes, size_t length, size_t depth_max, tl_json_tape *out);

#ifdef __cplusplus
}
#endif
