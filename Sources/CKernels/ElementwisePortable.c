// The loops over rows and elements without special instructions.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma STDC FP_CONTRACT OFF
#define FN(name) name##_portable
#include "Elementwise.h"
#include "LinearProbe.h"
#include "SparseCodes.h"
