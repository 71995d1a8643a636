/* wsceil: a featureless one-thread hub, the practical ceiling that a real server is compared with.
 *
 * Same contract as the peers: GET <any path>?event_id=N upgrades to a WebSocket in room N; a text
 * message is sent verbatim to every member of the room, the sender included.  Any other GET answers
 * a short JSON with keep-alive and pipelining.  Nothing else: no timers, no limits, no UTF-8 check,
 * no fragments.  It is a measuring device, not a server: never bind it to anything but loopback.
 *
 *   wsceil [-p port] [-c cpu] [-i] [-e] [-u] [-U] [-k congestion-control] [-j] [-f drop|dup|swap|cross|join]
 *     default  one encode per message into the room's batch; at the end of each epoll round one
 *              send() per member with everything its room received in that round
 *     -i       immediate: one send() per member and message (what batching is worth)
 *     -u       like the default, but the sends of a round go through io_uring (needs -DWITH_URING)
 *     -U       io_uring with registered files and ring, no completion for a send that succeeds
 *     -e       edge-triggered epoll, both directions armed once (no EPOLL_CTL_MOD for back-pressure)
 *     -j       re-encode: the value of "message" goes out inside another JSON object
 *     -f       for checking the generator: lose, repeat, swap or misdirect every 500th message, or
 *              join the messages of a round with newlines into one frame (implies batching)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef WITH_URING
#include <liburing.h>
static struct io_uring ring;
#endif

typedef struct Room Room;
typedef struct Conn { int fd, slot; bool ws, wantout; Room *room; char *rx, *tx; uint32_t rxlen, txlen, txoff; struct Conn *dead; } Conn;
struct Room { long id; Conn **m; int n, cap; char *out; size_t len, ocap; bool dirty; Room *next; };

static int ep, immediate, uring, edge, reencode;
#define NFILES 16384
static char fault; /* first letter, 'u' for dup, 'J' for join */
static unsigned long nmsg;
static Room *tab[4096];
static Room **dirty;
static int ndirty, cdirty;
static Conn *graveyard;
static char buf[512 << 10];

static void die(const char *m) { perror(m); exit(1); }

/* SHA-1 of one short string, enough for the handshake */
static void sha1(const unsigned char *d, size_t n, unsigned char out[20]) {
    unsigned char b[128] = {0};
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    memcpy(b, d, n);
    b[n] = 0x80;
    size_t tot = n + 9 > 64 ? 128 : 64;
    for (int i = 0; i < 8; i++) b[tot - 1 - i] = (unsigned char)((uint64_t)n * 8 >> (8 * i));
    for (size_t o = 0; o < tot; o += 64) {
        uint32_t w[80];
        for (int i = 0; i < 16; i++) w[i] = (uint32_t)b[o + 4 * i] << 24 | b[o + 4 * i + 1] << 16 | b[o + 4 * i + 2] << 8 | b[o + 4 * i + 3];
        for (int i = 16; i < 80; i++) { uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]; w[i] = x << 1 | x >> 31; }
        uint32_t a = h[0], c = h[1], e = h[2], f = h[3], g = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t q, k;
            if (i < 20) q = (c & e) | (~c & f), k = 0x5A827999;
            else if (i < 40) q = c ^ e ^ f, k = 0x6ED9EBA1;
            else if (i < 60) q = (c & e) | (c & f) | (e & f), k = 0x8F1BBCDC;
            else q = c ^ e ^ f, k = 0xCA62C1D6;
            uint32_t t = (a << 5 | a >> 27) + q + g + k + w[i];
            g = f; f = e; e = c << 30 | c >> 2; c = a; a = t;
        }
        h[0] += a; h[1] += c; h[2] += e; h[3] += f; h[4] += g;
    }
    for (int i = 0; i < 20; i++) out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}
static void b64(const unsigned char *s, size_t n, char *d) {
    static const char t[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i + 2 < n; i += 3, d += 4) { d[0] = t[s[i] >> 2]; d[1] = t[(s[i] & 3) << 4 | s[i + 1] >> 4]; d[2] = t[(s[i + 1] & 15) << 2 | s[i + 2] >> 6]; d[3] = t[s[i + 2] & 63]; }
    if (n - i == 2) { d[0] = t[s[i] >> 2]; d[1] = t[(s[i] & 3) << 4 | s[i + 1] >> 4]; d[2] = t[(s[i + 1] & 15) << 2]; d[3] = '='; d += 4; }
    *d = 0;
}

static Room *room_of(long id) {
    Room **p = &tab[(unsigned long)id % 4096];
    while (*p && (*p)->id != id) p = &(*p)->next;
    if (!*p) { *p = calloc(1, sizeof(Room)); (*p)->id = id; }
    return *p;
}
static void join(Conn *c, long id) {
    Room *r = room_of(id);
    if (r->n == r->cap) r->m = realloc(r->m, sizeof(Conn *) * (size_t)(r->cap = r->cap ? r->cap * 2 : 4));
    c->slot = r->n;
    r->m[r->n++] = c;
    c->room = r;
}
static void drop(Conn *c) {
    if (c->fd < 0) return;
    if (c->room) { Room *r = c->room; Conn *l = r->m[--r->n]; r->m[c->slot] = l; l->slot = c->slot; }
#ifdef WITH_URING
    if (uring == 2) { int none = -1; io_uring_register_files_update(&ring, (unsigned)c->fd, &none, 1); }
#endif
    close(c->fd);
    c->fd = -1;
    free(c->rx);
    free(c->tx);
    c->dead = graveyard;
    graveyard = c;
}
static void keep(Conn *c, const char *d, size_t n) { /* what the socket did not take */
    char *nb = malloc(c->txlen + n);
    memcpy(nb, c->tx ? c->tx + c->txoff : "", c->txlen);
    memcpy(nb + c->txlen, d, n);
    free(c->tx);
    c->tx = nb;
    c->txoff = 0;
    c->txlen += (uint32_t)n;
    if (!c->wantout && !edge) { c->wantout = true; struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); }
}
static void out(Conn *c, const char *d, size_t n) {
    if (c->fd < 0) return;
    if (c->txlen) { keep(c, d, n); return; }
    ssize_t r = send(c->fd, d, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (r == (ssize_t)n) return;
    if (r < 0) { if (errno != EAGAIN) return; r = 0; }
    keep(c, d + r, n - (size_t)r);
}
static void broadcast(Room *r, const char *p, size_t n);
static void raw_broadcast(Room *r, const char *p, size_t n);
static void broadcast(Room *r, const char *p, size_t n) {
    static char js[80000], held[80000];
    static size_t nheld;
    static Room *rheld;
    if (reencode) {
        const char *m = memmem(p, n, "\"message\":\"", 11), *e = p + n;
        if (m && n < 70000) {
            while (e > m && e[-1] != '"') e--;
            n = (size_t)sprintf(js, "{\"event_id\":%ld,\"created_at\":\"2026-01-01T00:00:00Z\",\"sender_id\":1,%.*s,\"is_deleted\":false}", r->id, (int)(e - m), m);
            p = js;
        }
    }
    if (fault && fault != 'J' && ++nmsg % 500 == 0) switch (fault) {
        case 'd': return;
        case 'u': raw_broadcast(r, p, n); break;
        case 's': memcpy(held, p, n); nheld = n; rheld = r; return;
        case 'c': raw_broadcast(room_of(r->id + 1), p, n); return;
        }
    raw_broadcast(r, p, n);
    if (rheld == r) { rheld = NULL; raw_broadcast(r, held, nheld); }
}
static void raw_broadcast(Room *r, const char *p, size_t n) {
    if (fault == 'J' && r->dirty) { /* grow the frame that is already there */
        unsigned char *f = (unsigned char *)r->out;
        size_t old = f[1] < 126 ? f[1] : (size_t)f[2] << 8 | f[3], h = f[1] < 126 ? 2 : 4, now = old + 1 + n;
        if (now < 65000) {
            if (now + 10 > r->ocap) { r->out = realloc(r->out, r->ocap = (now + 10) * 2); f = (unsigned char *)r->out; }
            if (h == 2 && now > 125) { memmove(f + 4, f + 2, old); h = 4; }
            f[h + old] = '\n';
            memcpy(f + h + old + 1, p, n);
            if (h == 4) { f[1] = 126; f[2] = (unsigned char)(now >> 8); f[3] = (unsigned char)now; } else f[1] = (unsigned char)now;
            r->len = h + now;
            return;
        }
    }
    if (r->len + n + 10 > r->ocap) r->out = realloc(r->out, r->ocap = (r->len + n + 10) * 2);
    unsigned char *h = (unsigned char *)r->out + r->len;
    size_t k = n < 126 ? 2 : 4;
    h[0] = 0x81;
    if (n < 126) h[1] = (unsigned char)n;
    else { h[1] = 126; h[2] = (unsigned char)(n >> 8); h[3] = (unsigned char)n; }
    memcpy(h + k, p, n);
    r->len += n + k;
    if (immediate) { for (int i = 0; i < r->n; i++) out(r->m[i], r->out, r->len); r->len = 0; return; }
    if (!r->dirty) {
        r->dirty = true;
        if (ndirty == cdirty) dirty = realloc(dirty, sizeof(Room *) * (size_t)(cdirty = cdirty ? cdirty * 2 : 64));
        dirty[ndirty++] = r;
    }
}
#ifdef WITH_URING
static void reap(void) {
    struct io_uring_cqe *q;
    while (!io_uring_peek_cqe(&ring, &q)) {
        Conn *c = io_uring_cqe_get_data(q);
        Room *r = c->room;
        if (c->fd >= 0 && r) {
            if (q->res == -EAGAIN) keep(c, r->out, r->len);
            else if (q->res >= 0 && (size_t)q->res < r->len) keep(c, r->out + q->res, r->len - (size_t)q->res);
        }
        io_uring_cqe_seen(&ring, q);
    }
}
#endif
static void flush(void) {
    for (int d = 0; d < ndirty; d++) {
        Room *r = dirty[d];
        r->dirty = false;
#ifdef WITH_URING
        if (uring) {
            for (int i = 0; i < r->n; i++) {
                Conn *c = r->m[i];
                if (c->txlen) { keep(c, r->out, r->len); continue; }
                struct io_uring_sqe *s = io_uring_get_sqe(&ring);
                if (!s) { io_uring_submit(&ring); reap(); s = io_uring_get_sqe(&ring); }
                if (uring == 2) { /* a short send counts as failure with MSG_WAITALL, so it still completes visibly */
                    io_uring_prep_send(s, c->fd, r->out, r->len, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
                    s->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
                } else io_uring_prep_send(s, c->fd, r->out, r->len, MSG_NOSIGNAL | MSG_DONTWAIT);
                io_uring_sqe_set_data(s, c);
            }
            continue;
        }
#endif
        for (int i = 0; i < r->n; i++) out(r->m[i], r->out, r->len);
        r->len = 0;
    }
#ifdef WITH_URING
    if (uring && ndirty) {
        io_uring_submit(&ring); /* non-blocking sends complete inside the call */
        reap();
        for (int d = 0; d < ndirty; d++) dirty[d]->len = 0;
    }
#endif
    ndirty = 0;
}

static size_t http(Conn *c, char *p, size_t n) {
    size_t off = 0;
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"hello\":\"you\"}";
    static char o[1 << 20];
    size_t ol = 0;
    for (;;) {
        char *e = memmem(p + off, n - off, "\r\n\r\n", 4);
        if (!e) break;
        char *key = NULL;
        if (memmem(p + off, (size_t)(e - p) - off, "pgrade: ", 8)) key = memmem(p + off, (size_t)(e - p) - off, "Sec-WebSocket-Key: ", 19);
        if (key) {
            unsigned char d[128], h[20];
            char acc[32], r[256];
            memcpy(d, key + 19, 24);
            memcpy(d + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
            sha1(d, 60, h);
            b64(h, 20, acc);
            char *q = memmem(p + off, (size_t)(e - p) - off, "event_id=", 9);
            int k = sprintf(r, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", acc);
            c->ws = true;
            out(c, r, (size_t)k);
            join(c, q ? atol(q + 9) : 0);
            return (size_t)(e - p) + 4;
        }
        memcpy(o + ol, hello, sizeof hello - 1);
        ol += sizeof hello - 1;
        off = (size_t)(e - p) + 4;
        if (ol > sizeof o - 256) { out(c, o, ol); ol = 0; }
    }
    if (ol) out(c, o, ol);
    return off;
}
static ssize_t frames(Conn *c, unsigned char *p, size_t n) {
    size_t off = 0;
    while (n - off >= 6) {
        unsigned char *f = p + off;
        size_t len = f[1] & 127, h = 6;
        if (!(f[1] & 0x80) || len == 127) return -1;
        if (len == 126) { if (n - off < 8) break; len = (size_t)f[2] << 8 | f[3]; h = 8; }
        if (n - off < h + len) break;
        unsigned char *d = f + h;
        uint32_t k;
        memcpy(&k, d - 4, 4);
        uint64_t kk = (uint64_t)k << 32 | k;
        size_t i = 0;
        for (; i + 8 <= len; i += 8) { uint64_t w; memcpy(&w, d + i, 8); w ^= kk; memcpy(d + i, &w, 8); }
        for (; i < len; i++) d[i] ^= (unsigned char)(k >> (8 * (i & 3)));
        int op = f[0] & 15;
        if (op == 1) broadcast(c->room, (char *)d, len);
        else if (op == 9) { unsigned char o[130] = {0x8a, (unsigned char)len}; memcpy(o + 2, d, len); out(c, (char *)o, len + 2); }
        else if (op == 8) return -1;
        off += h + len;
    }
    return (ssize_t)off;
}
static void readable(Conn *c) {
    size_t have = c->rxlen;
    if (have) memcpy(buf, c->rx, have);
    ssize_t r = recv(c->fd, buf + have, sizeof buf - have, MSG_DONTWAIT);
    if (r < 0 && errno == EAGAIN) return;
    if (r <= 0) { drop(c); return; }
    size_t n = have + (size_t)r, off = 0;
    if (!c->ws) off = http(c, buf, n);
    if (c->ws) { ssize_t k = frames(c, (unsigned char *)buf + off, n - off); if (k < 0) { drop(c); return; } off += (size_t)k; }
    size_t left = n - off;
    char *nb = NULL;
    if (left) { nb = malloc(left); memcpy(nb, buf + off, left); }
    free(c->rx);
    c->rx = nb;
    c->rxlen = (uint32_t)left;
}

int main(int argc, char **argv) {
    int port = 9001, cpu = -1, o, one = 1;
    const char *cc = NULL;
    while ((o = getopt(argc, argv, "p:c:k:f:iuUej")) != -1) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'c': cpu = atoi(optarg); break;
        case 'k': cc = optarg; break;
        case 'i': immediate = 1; break;
        case 'u': uring = 1; break;
        case 'U': uring = 2; break;
        case 'e': edge = 1; break;
        case 'j': reencode = 1; break;
        case 'f': fault = !strcmp(optarg, "dup") ? 'u' : !strcmp(optarg, "join") ? 'J' : *optarg; break;
        default: return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    if (cpu >= 0) { cpu_set_t s; CPU_ZERO(&s); CPU_SET(cpu, &s); sched_setaffinity(0, sizeof s, &s); }
    if (uring) {
#ifdef WITH_URING
        struct io_uring_params pr = {.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER};
        int rc = io_uring_queue_init_params(512, &ring, &pr);
        if (rc) { fprintf(stderr, "io_uring: %s\n", strerror(-rc)); return 3; }
        if (uring == 2 && (io_uring_register_files_sparse(&ring, NFILES) || io_uring_register_ring_fd(&ring) != 1)) { fprintf(stderr, "io_uring registration failed\n"); return 3; }
#else
        fprintf(stderr, "built without io_uring\n");
        return 3;
#endif
    }
    int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(l, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* inherited by accepted sockets */
    if (cc && setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc))) die("TCP_CONGESTION");
    if (bind(l, (void *)&a, sizeof a) || listen(l, 4096)) die("listen");
    ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ev[1024];
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &e);
    for (;;) {
        int n = epoll_wait(ep, ev, 1024, -1);
        for (int i = 0; i < n; i++) {
            Conn *c = ev[i].data.ptr;
            if (!c) {
                int fd;
                while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    c = calloc(1, sizeof *c);
                    c->fd = fd;
#ifdef WITH_URING
                    if (uring == 2 && fd < NFILES) io_uring_register_files_update(&ring, (unsigned)fd, &fd, 1);
#endif
                    struct epoll_event x = {.events = edge ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN, .data.ptr = c};
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &x);
                }
                continue;
            }
            if (c->fd < 0) continue;
            if ((ev[i].events & EPOLLOUT) && c->txlen) {
                while (c->txlen) {
                    ssize_t r = send(c->fd, c->tx + c->txoff, c->txlen, MSG_NOSIGNAL | MSG_DONTWAIT);
                    if (r <= 0) break;
                    c->txoff += (uint32_t)r;
                    c->txlen -= (uint32_t)r;
                }
                if (!c->txlen) {
                    free(c->tx);
                    c->tx = NULL;
                    c->txoff = 0;
                    c->wantout = false;
                    struct epoll_event x = {.events = EPOLLIN, .data.ptr = c};
                    if (!edge) epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &x);
                }
            }
            if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
        }
        flush();
        while (graveyard) { Conn *c = graveyard; graveyard = c->dead; free(c); }
    }
}
