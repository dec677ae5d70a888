// What differs between the variants of the emulated driver.

/// The version that cuDriverGetVersion answers, 12.9 unless build.sh says otherwise.
#ifndef SAEVAL_EMULATOR_VERSION
#define SAEVAL_EMULATOR_VERSION 12090
#endif
/// What cuInit answers.
#ifndef SAEVAL_EMULATOR_INITIALISATION
#define SAEVAL_EMULATOR_INITIALISATION 0
#endif

namespace emulator {
extern const int driverVersion, initialisationResult;
const int driverVersion = SAEVAL_EMULATOR_VERSION;
const int initialisationResult = SAEVAL_EMULATOR_INITIALISATION;
}  // namespace emulator
