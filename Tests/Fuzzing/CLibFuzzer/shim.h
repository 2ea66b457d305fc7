/* libFuzzer's driver, which the Swift toolchain ships without a header. It is called from Fuzzer's own main. */
#ifndef DROVER_CLIBFUZZER_SHIM_H
#define DROVER_CLIBFUZZER_SHIM_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*run)(const uint8_t *bytes, size_t count));

#endif
