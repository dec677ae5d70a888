// What the emulator's nvrtc writes and its driver reads.
#pragma once

/// The first bytes of a compiled image; the target (sm_…) and a hash of the source follow as text.
#define EMULATOR_IMAGE "SAEVAL-EMULATED-IMAGE"
