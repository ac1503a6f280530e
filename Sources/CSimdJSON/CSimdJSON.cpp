#include "CSimdJSON.h"

#include <simdjson.h>

// One parser a thread: its buffers grow to the largest document seen and are reused, which is most of its speed.
static thread_local simdjson::dom::parser parser;
static thread_local size_t parser_depth = 0;

// A buffer that one large document made large is given back, so that a burst of 4 MiB bodies does not stay for good.
static const size_t kept_capacity_max = 1 << 20;

tl_json_status tl_json_parse(const uint8_t *bytes, size_t length, size_t depth_max, tl_json_tape *out) {
    out->tape = nullptr;
    out->strings = nullptr;
    out->message = nullptr;
    if (parser.capacity() > kept_capacity_max && length <= kept_capacity_max) {
        parser = simdjson::dom::parser();
        parser_depth = 0;
    }
    if (parser_depth != depth_max) {
        if (parser.allocate(length < 65536 ? 65536 : length, depth_max) != simdjson::SUCCESS) {
            return TL_JSON_OUT_OF_MEMORY;
        }
        parser_depth = depth_max;
    }
    simdjson::error_code error = parser.parse(bytes, length, true).error();
    switch (error) {
        case simdjson::SUCCESS:
            out->tape = parser.doc.tape.get();
            out->strings = parser.doc.string_buf.get();
            return TL_JSON_OK;
        case simdjson::DEPTH_ERROR:
            out->message = simdjson::error_message(error);
            return TL_JSON_TOO_DEEP;
        case simdjson::MEMALLOC:
            return TL_JSON_OUT_OF_MEMORY;
        default:
            out->message = simdjson::error_message(error);
            return TL_JSON_INVALID;
    }
}
