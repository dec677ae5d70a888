// Stacks of fibers and switching between them, for fibers.cpp.
#pragma once

#include <stdint.h>
#include <sys/mman.h>

#if defined(__x86_64__) && !defined(SAEVAL_EMULATOR_UCONTEXT)
/// Whether stacks are switched by the few instructions below, or else by ucontext.
#define EMULATOR_X86 1
#else
#define EMULATOR_X86 0
#include <ucontext.h>
#endif

#include "host.h"

#if EMULATOR_X86
extern "C" __attribute__((visibility("hidden"))) void saevalEmulatorSwitch(void** from, void* to);
// Pushes what a call must keep, changes stacks, and pops what the other stack kept. A jump instead
// of a return, which the processor would predict to go back to the caller.
asm(".text\n"
    ".globl saevalEmulatorSwitch\n"
    ".hidden saevalEmulatorSwitch\n"
    ".type saevalEmulatorSwitch, @function\n"
    "saevalEmulatorSwitch:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
    "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n"
    "    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    popq %rcx\n    jmp *%rcx\n"
    ".size saevalEmulatorSwitch, . - saevalEmulatorSwitch\n");
#endif

namespace emulator {
namespace {

/// Bytes of a fiber's stack, below which lies a page that may not be touched.
constexpr size_t stackBytes = 64 << 10, guardPage = 4096;

/// A stack and where it stopped.
struct Fiber {
#if EMULATOR_X86
    void* stopped;
#else
    ucontext_t stopped;
#endif
};

/// Fibers made so far.
int fiberCount;

/// Stops `from` here and goes on where `to` stopped.
void change(Fiber& from, Fiber& to) {
#if EMULATOR_X86
    saevalEmulatorSwitch(&from.stopped, to.stopped);
#else
    swapcontext(&from.stopped, &to.stopped);
#endif
}

/// What a fiber does; it never returns.
void fiberMain();

/// A new fiber that will begin in `fiberMain`.
Fiber* makeFiber() {
    void* memory = mmap(nullptr, stackBytes + guardPage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("No memory for the stack of thread %d.", fiberCount);
    mprotect(memory, guardPage, PROT_NONE);
    // Stacks start at different places of a page, or all would fight for the same cache lines.
    const size_t colour = (size_t)(fiberCount++ * 5 % 64) * 64;
    auto* fiber = new Fiber();
#if EMULATOR_X86
    void** top = reinterpret_cast<void**>((char*)memory + guardPage + stackBytes - 64 - colour);
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(fiberMain);
    fiber->stopped = top - 6;
#else
    getcontext(&fiber->stopped);
    fiber->stopped.uc_stack = {(char*)memory + guardPage, 0, stackBytes - colour};
    fiber->stopped.uc_link = nullptr;
    makecontext(&fiber->stopped, fiberMain, 0);
#endif
    return fiber;
}

}  // namespace
}  // namespace emulator
