// The emulated NVRTC, libnvrtc.so.12. It compiles nothing: the image it makes names the target and
// a hash of the source, and the emulated driver takes only such images or PTX text. A source with
// the word saeval_compile_error does not compile.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <string>

#include "image.h"

/// Answers of the calls.
enum nvrtcResult {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6
};

/// A source and what became of it.
struct _nvrtcProgram {
    std::string source, name, log, ptx, cubin;
    bool compiled;
};
typedef _nvrtcProgram* nvrtcProgram;

namespace {

/// Targets of version 12.9.
const int targets[] = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90, 100, 101, 103, 120};
constexpr int targetCount = sizeof(targets) / sizeof(targets[0]);

/// Beginnings of the options that are accepted and change nothing here.
const char* const knownOptions[] = {
    "-std=", "-use_fast_math", "-fmad=", "-ftz=", "-prec-div=", "-prec-sqrt=", "-default-device",
    "-device-as-default-execution-space", "-lineinfo", "-generate-line-info", "-D", "-I",
    "-define-macro=", "-include-path=", "-w", "-disable-warnings", "-restrict", "-minimal",
    "-maxrregcount=", "-split-compile=", "-extra-device-vectorization", "-diag-suppress=", "-G"};

/// The FNV-1a hash of a text.
uint64_t hash(const std::string& text) {
    uint64_t value = 0xCBF29CE484222325u;
    for (unsigned char byte : text) value = (value ^ byte) * 0x100000001B3u;
    return value;
}

/// Reads "sm_90" or "compute_90"; an "a" or "f" may follow. 0 for other words.
int readTarget(const std::string& word, bool& isReal) {
    isReal = word.rfind("sm_", 0) == 0;
    if (!isReal && word.rfind("compute_", 0) != 0) return 0;
    const int number = atoi(word.c_str() + (isReal ? 3 : 8));
    for (int target : targets) {
        if (target == number) return number;
    }
    return 0;
}

/// Reads the options; false if one is unknown, which the log then names.
bool readOptions(nvrtcProgram program, int count, const char* const* options, int& target,
                 bool& isReal) {
    for (int index = 0; index < count; index++) {
        std::string option = options[index];
        if (option.rfind("--", 0) == 0) option.erase(0, 1);
        const bool isTarget =
            option.rfind("-arch", 0) == 0 || option.rfind("-gpu-architecture", 0) == 0;
        bool known = false;
        if (isTarget) {
            const size_t equals = option.find('=');
            const bool follows = equals == std::string::npos && index + 1 < count;
            const std::string word = follows ? std::string(options[++index])
                                             : option.substr(equals + 1);
            target = readTarget(word, isReal);
            known = target != 0;
        }
        for (const char* start : knownOptions) {
            known = known || (!isTarget && option.rfind(start, 0) == 0);
        }
        if (!known) {
            program->log = "nvrtc: error: unrecognized option " + option + " found\n";
            return false;
        }
    }
    return true;
}

/// Copies a text out.
nvrtcResult copyOut(const std::string& text, size_t bytes, char* to) {
    if (!to) return NVRTC_ERROR_INVALID_INPUT;
    memcpy(to, text.c_str(), bytes);
    return NVRTC_SUCCESS;
}

}  // namespace

extern "C" {

const char* nvrtcGetErrorString(nvrtcResult result) {
    switch (result) {
        case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
        case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
        case NVRTC_ERROR_INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
        case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
        case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
    }
    return "NVRTC_ERROR unknown";
}

nvrtcResult nvrtcVersion(int* major, int* minor) {
    if (!major || !minor) return NVRTC_ERROR_INVALID_INPUT;
    (*major = 12, *minor = 9);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
    if (!count) return NVRTC_ERROR_INVALID_INPUT;
    *count = targetCount;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetSupportedArchs(int* numbers) {
    if (!numbers) return NVRTC_ERROR_INVALID_INPUT;
    memcpy(numbers, targets, sizeof(targets));
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source, const char* name,
                               int headerCount, const char* const* headers,
                               const char* const* includeNames) {
    const bool named = headerCount == 0 || (headers && includeNames);
    if (!program || !source || headerCount < 0 || !named) return NVRTC_ERROR_INVALID_INPUT;
    *program = new _nvrtcProgram{source, name ? name : "default_program", "", "", "", false};
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
    if (!program || !*program) return NVRTC_ERROR_INVALID_PROGRAM;
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int optionCount, const char* const* options) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    int target = 52;
    bool isReal = false;
    if (!readOptions(program, optionCount, options, target, isReal)) {
        return NVRTC_ERROR_INVALID_OPTION;
    }
    const size_t mark = program->source.find("saeval_compile_error");
    if (mark != std::string::npos) {
        const auto line = 1 + std::count(program->source.begin(),
                                         program->source.begin() + (std::ptrdiff_t)mark, '\n');
        program->log = program->name + "(" + std::to_string(line) +
                       "): error: identifier \"saeval_compile_error\" is undefined\n\n1 error "
                       "detected in the compilation of \"" + program->name + "\".\n";
        return NVRTC_ERROR_COMPILATION;
    }
    char text[400];
    const auto number = (unsigned long long)hash(program->source);
    snprintf(text, sizeof(text),
             "//\n// " EMULATOR_IMAGE " %016llx\n//\n\n.version 8.8\n.target sm_%d\n"
             ".address_size 64\n", number, target);
    program->ptx = text;
    snprintf(text, sizeof(text), EMULATOR_IMAGE "\nsm_%d\n%016llx\n", target, number);
    program->cubin = isReal ? text : "";
    program->compiled = true;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t* bytes) {
    if (!program || !program->compiled) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!bytes) return NVRTC_ERROR_INVALID_INPUT;
    *bytes = program->ptx.size() + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* ptx) {
    if (!program || !program->compiled) return NVRTC_ERROR_INVALID_PROGRAM;
    return copyOut(program->ptx, program->ptx.size() + 1, ptx);
}

/// 0 bytes for a virtual target, as in NVIDIA's library; otherwise a zero ends the text.
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t* bytes) {
    if (!program || !program->compiled) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!bytes) return NVRTC_ERROR_INVALID_INPUT;
    *bytes = program->cubin.empty() ? 0 : program->cubin.size() + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* cubin) {
    if (!program || program->cubin.empty()) return NVRTC_ERROR_INVALID_PROGRAM;
    return copyOut(program->cubin, program->cubin.size() + 1, cubin);
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t* bytes) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!bytes) return NVRTC_ERROR_INVALID_INPUT;
    *bytes = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    return copyOut(program->log, program->log.size() + 1, log);
}

}  // extern "C"
