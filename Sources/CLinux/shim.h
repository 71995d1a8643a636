/* What Swift's Glibc module leaves out: epoll, eventfd, accept4. Static inline only, for macros and unions. */
#ifndef TIMINGLE_CLINUX_SHIM_H
#define TIMINGLE_CLINUX_SHIM_H

#include <errno.h>
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
#include <sys/uio.h>
#include <unistd.h>

/* The header guards accept4 behind _GNU_SOURCE, and defining that here would change types (fd_set) under Glibc's feet. */
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

#define TIMINGLE_SOCK_NONBLOCK 04000
#define TIMINGLE_SOCK_CLOEXEC 02000000

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

#endif
