// Tells ThreadSanitizer what it cannot see on Linux, where the Swift runtime is not instrumented:
//
// - that a contended Mutex is handed on (the kernel writes the lock word, inside libswiftSynchronization);
// - that enqueuing a job happens before running it. The runtime has hooks for this, but they wait for a call of
//   __tsan_on_initialize, which an executable with a static sanitizer runtime binds to its own empty one.
//
// Without this most contended locks and many resumed tasks are reported as races. Preloaded by scripts/test.sh.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*LockSlow)(uint32_t, SELF);
typedef SWIFT void (*UnlockSlow)(SELF);

static void (*acquire)(void *);
static void (*release)(void *);
static LockSlow lockSlowOfSwift;
static UnlockSlow unlockSlowOfSwift;

static void look(void) {
    lockSlowOfSwift = (LockSlow)dlsym(RTLD_NEXT, LOCK_SLOW);
    unlockSlowOfSwift = (UnlockSlow)dlsym(RTLD_NEXT, UNLOCK_SLOW);
    acquire = (void (*)(void *))dlsym(RTLD_DEFAULT, "__tsan_acquire");
    release = (void (*)(void *))dlsym(RTLD_DEFAULT, "__tsan_release");
}

__attribute__((constructor)) static void begin(void) {
    look();
    void (*initialize)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "__tsan_on_initialize");
    if (acquire != NULL && initialize != NULL) {
        initialize();
    }
}

SWIFT void lockSlow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT void lockSlow(uint32_t thread, SELF) {
    if (lockSlowOfSwift == NULL) {
        look();
    }
    lockSlowOfSwift(thread, self);
    if (acquire != NULL) {
        acquire(self);
    }
}

SWIFT void unlockSlow(SELF) __asm__(UNLOCK_SLOW);
SWIFT void unlockSlow(SELF) {
    if (unlockSlowOfSwift == NULL) {
        look();
    }
    if (release != NULL) {
        release(self);
    }
    unlockSlowOfSwift(self);
}
