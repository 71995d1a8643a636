/* What Swift's Glibc module leaves out: epoll, eventfd, accept4, openat2. Static inline only, for macros and unions. */
#ifndef TIMINGLE_CLINUX_SHIM_H
#define TIMINGLE_CLINUX_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The header guards accept4 behind _GNU_SOURCE, and defining that here would change types (fd_set) under Glibc's feet. */
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

/* Guarded in the same way. */
extern ssize_t preadv2(int fd, const struct iovec *vectors, int count, off_t offset, int flags);

#define TIMINGLE_SOCK_NONBLOCK 04000
#define TIMINGLE_SOCK_CLOEXEC 02000000

/* SCHED_BATCH, guarded in the same way. */
#define TIMINGLE_SCHED_BATCH 3

static inline uint64_t timingle_epoll_event_data(const struct epoll_event *event) { return event->data.u64; }

static inline struct epoll_event timingle_epoll_event_make(uint32_t events, uint64_t data) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = data;
    return event;
}

/* Bytes in the send queue; Swift does not see ioctl, which is variadic. */
static inline int timingle_unacknowledged_bytes(int fd) {
    int count = 0;
    return ioctl(fd, SIOCOUTQ, &count) == 0 ? count : -1;
}

/* Opens a path that has to stay below `root`, through whatever links; ENOSYS where the kernel is older than 5.6.
   The header's struct would collide with <fcntl.h> on some systems, so it is written out here. */
static inline int timingle_open_beneath(int root, const char *path, int flags) {
#ifdef SYS_openat2
    struct { uint64_t flags, mode, resolve; } how = { (uint64_t)flags, 0, 0x02 | 0x08 }; /* NO_MAGICLINKS, BENEATH */
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
#else
    errno = ENOSYS;
    return -1;
#endif
}

/* recv, send and epoll_wait without what glibc does round them as cancellation points: two locked instructions at each
   call, and more. Only for code whose threads nobody cancels. */
static inline ssize_t timingle_recv(int fd, void *bytes, size_t count) {
    return syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL);
}
static inline ssize_t timingle_send(int fd, const void *bytes, size_t count, int flags) {
    return syscall(SYS_sendto, fd, bytes, count, flags, NULL, 0);
}
static inline int timingle_epoll_wait(int fd, struct epoll_event *events, int capacity, int timeout) {
    return (int)syscall(SYS_epoll_pwait, fd, events, capacity, timeout, NULL, 8);
}

/* Whether the byte at `offset` can be read without waiting for a disk: 1, or 0 where that is not so or nobody knows. */
static inline int timingle_is_in_memory(int fd, off_t offset) {
    char byte;
    struct iovec vector = { &byte, 1 };
    return preadv2(fd, &vector, 1, offset, 0x08) >= 0; /* RWF_NOWAIT */
}

#endif
