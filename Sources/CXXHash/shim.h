// The 128-bit XXH3 hash behind content keys and checksums.
#include <xxhash.h>
