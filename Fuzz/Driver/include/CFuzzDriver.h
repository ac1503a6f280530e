#pragma once

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own loop (llvm.org/docs/LibFuzzer.html): `read` is called with each input and returns 0.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*read)(const uint8_t *bytes, size_t count));
