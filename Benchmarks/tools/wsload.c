/* wsload: a small epoll WebSocket load generator for chat-like servers (rooms, broadcast).
 *
 *   wsload fanout  R rooms x M members, S senders per room; checks exactly-once and per-sender order
 *   wsload echo    N connections, D messages in flight each (a fanout with one member per room)
 *   wsload idle    N idle connections; server memory per connection, connect rate
 *   wsload churn   connect / upgrade / (one round trip) / close, as fast as C slots allow
 *   wsload run     run any command and report the CPU which other processes used meanwhile
 *
 * Rooms never cross threads, so threads share nothing while the load runs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tls.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static void die(const char *fmt, ...) {
    va_list a;
    va_start(a, fmt);
    vfprintf(stderr, fmt, a);
    va_end(a);
    fputc('\n', stderr);
    exit(2);
}
static void *xalloc(size_t n) {
    void *p = calloc(1, n ? n : 1);
    if (!p) die("out of memory");
    return p;
}
static inline uint64_t mono(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
static void nap(double s) {
    struct timespec t = {(time_t)s, (long)((s - (time_t)s) * 1e9)};
    while (nanosleep(&t, &t) && errno == EINTR) {}
}

/* ---------------------------------------------------------------- histogram (log-linear, 1/64) */

#define HSUB 6
#define HN ((64 - HSUB + 1) << HSUB)
typedef struct { uint64_t n, sum, max, b[HN]; } Hist;

static inline void hadd(Hist *h, uint64_t v) {
    unsigned i;
    if (v < (1u << HSUB)) i = (unsigned)v;
    else {
        unsigned sh = 63 - HSUB - (unsigned)__builtin_clzll(v);
        i = ((sh + 1) << HSUB) + (unsigned)((v >> sh) - (1u << HSUB));
    }
    h->b[i]++;
    h->n++;
    h->sum += v;
    if (v > h->max) h->max = v;
}
static void hmerge(Hist *d, const Hist *s) {
    for (unsigned i = 0; i < HN; i++) d->b[i] += s->b[i];
    d->n += s->n;
    d->sum += s->sum;
    if (s->max > d->max) d->max = s->max;
}
static double hq(const Hist *h, double q) { /* in microseconds, middle of the bucket */
    if (!h->n) return 0;
    uint64_t want = (uint64_t)(q * (double)h->n), c = 0;
    if (want >= h->n) want = h->n - 1;
    for (unsigned i = 0; i < HN; i++) {
        c += h->b[i];
        if (c > want) {
            unsigned sh = i >> HSUB;
            double v = sh ? ((double)((1u << HSUB) + (i & ((1u << HSUB) - 1))) + 0.5) * (double)(1ull << (sh - 1)) : (double)i;
            if (v > (double)h->max) v = (double)h->max;
            return v / 1e3;
        }
    }
    return (double)h->max / 1e3;
}

/* ---------------------------------------------------------------- process and machine readings */

#define MAXPID 64
static int npid;
static pid_t pids[MAXPID];

typedef struct { double cpu, usr, sys, busy, steal; long rss_kb, tcpmem_kb, slab_kb, avail_kb, threads; } Sample;

static long proc_kb(pid_t p, const char *key) {
    char f[64], line[256];
    if (p) snprintf(f, sizeof f, "/proc/%d/status", p);
    else snprintf(f, sizeof f, "/proc/meminfo");
    FILE *fp = fopen(f, "r");
    long v = -1;
    size_t k = strlen(key);
    if (!fp) return -1;
    while (fgets(line, sizeof line, fp))
        if (!strncmp(line, key, k) && line[k] == ':') { v = atol(line + k + 1); break; }
    fclose(fp);
    return v;
}
static Sample sample(void) {
    Sample s = {0};
    long hz = sysconf(_SC_CLK_TCK);
    for (int i = 0; i < npid; i++) {
        clockid_t c;
        struct timespec t;
        if (!clock_getcpuclockid(pids[i], &c) && !clock_gettime(c, &t)) s.cpu += (double)t.tv_sec + (double)t.tv_nsec / 1e9;
        char f[64], buf[1024];
        snprintf(f, sizeof f, "/proc/%d/stat", pids[i]);
        FILE *fp = fopen(f, "r");
        if (fp) {
            size_t n = fread(buf, 1, sizeof buf - 1, fp);
            buf[n] = 0;
            char *p = strrchr(buf, ')');
            unsigned long long u = 0, k = 0;
            if (p && sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &u, &k) == 2) s.usr += (double)u / (double)hz, s.sys += (double)k / (double)hz;
            fclose(fp);
        }
        long r = proc_kb(pids[i], "VmRSS");
        if (r > 0) s.rss_kb += r;
        r = proc_kb(pids[i], "Threads");
        if (r > 0) s.threads += r;
    }
    FILE *fp = fopen("/proc/stat", "r");
    if (fp) {
        double u, n, k, id, io, irq, sirq, st;
        if (fscanf(fp, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &u, &n, &k, &id, &io, &irq, &sirq, &st) == 8) {
            s.busy = (u + n + k + irq + sirq) / (double)hz;
            s.steal = st / (double)hz;
        }
        fclose(fp);
    }
    fp = fopen("/proc/net/sockstat", "r");
    if (fp) {
        char line[256];
        while (fgets(line, sizeof line, fp)) {
            char *m = strstr(line, " mem ");
            if (!strncmp(line, "TCP:", 4) && m) s.tcpmem_kb = atol(m + 5) * (sysconf(_SC_PAGESIZE) / 1024);
        }
        fclose(fp);
    }
    s.slab_kb = proc_kb(0, "Slab");
    s.avail_kb = proc_kb(0, "MemAvailable");
    return s;
}
static double self_cpu(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6 + (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec / 1e6;
}
static double loadavg(void) {
    double l[1] = {0};
    getloadavg(l, 1);
    return l[0];
}

/* ---------------------------------------------------------------- options */

enum { MODE_FANOUT, MODE_ECHO, MODE_IDLE, MODE_CHURN, MODE_RUN };
static int mode;
static const char *o_host = "127.0.0.1", *o_path = "/ws?event_id={room}", *o_label = "", *o_cc, *o_tokens, *o_json;
static const char *o_msg = "{\"type\":\"message\",\"message\":\"{\\\"seq\\\":{seq},\\\"t\\\":{t},\\\"sid\\\":{sid}} {pad}\"}";
static const char *o_headers[32];
static const char *o_hello[8];
static int o_nhello, o_nheaders, o_port = 9001, o_rooms = 1, o_members = 0, o_senders = 1, o_window = 1, o_payload = 200, o_threads = 1;
static int o_self = 1, o_split = 1, o_conns, o_srccount = 1, o_connpar = 64, o_roundtrip, o_wsclose, o_rcvbuf, o_roombase = 1, o_burst = 1, o_mask = 1;
static int o_tls, o_tlsversion, o_tlsresume;
static const char *o_tlsciphers;
static double o_rate, o_duration = 5, o_warmup = 1, o_hold = 2, o_drain = 5, o_settle;
static int o_cpu[64], o_ncpu;
static long o_max = 0;
static const char *o_roomnames;
static char **tokens, **roomnames;
static int ntokens, nroomnames;
static struct sockaddr_in srv;
static uint32_t src0 = 0x7f000001u;

/* ---------------------------------------------------------------- templates */

enum { T_LIT, T_SEQ, T_TIME, T_SID, T_ROOM, T_MEMBER, T_CONN, T_TOKEN, T_PAD };
typedef struct { int kind; const char *s; size_t n; } Seg;
typedef struct { Seg seg[64]; int n; } Tmpl;

static Tmpl compile(const char *t) {
    static const struct { const char *name; int kind; } names[] = {{"{seq}", T_SEQ}, {"{t}", T_TIME}, {"{sid}", T_SID}, {"{room}", T_ROOM},
        {"{member}", T_MEMBER}, {"{conn}", T_CONN}, {"{token}", T_TOKEN}, {"{pad}", T_PAD}};
    Tmpl r = {.n = 0};
    const char *lit = t;
    while (*t) {
        int hit = -1;
        if (*t == '{')
            for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
                if (!strncmp(t, names[i].name, strlen(names[i].name))) hit = (int)i;
        if (hit < 0) { t++; continue; }
        if (r.n > 60) die("template too long");
        if (t > lit) r.seg[r.n++] = (Seg){T_LIT, lit, (size_t)(t - lit)};
        r.seg[r.n++] = (Seg){names[hit].kind, NULL, 0};
        t += strlen(names[hit].name);
        lit = t;
    }
    if (t > lit) r.seg[r.n++] = (Seg){T_LIT, lit, (size_t)(t - lit)};
    return r;
}
static inline size_t putu(char *d, uint64_t v) {
    char b[24];
    size_t n = 0;
    do b[n++] = (char)('0' + v % 10); while (v /= 10);
    for (size_t i = 0; i < n; i++) d[i] = b[n - 1 - i];
    return n;
}
typedef struct { uint64_t seq, t, sid, room, member, conn; } Vars;

static size_t render(const Tmpl *t, const Vars *v, char *d, size_t want) {
    char *p = d;
    char *pad = NULL;
    for (int i = 0; i < t->n; i++) {
        const Seg *s = &t->seg[i];
        switch (s->kind) {
        case T_LIT: memcpy(p, s->s, s->n); p += s->n; break;
        case T_SEQ: p += putu(p, v->seq); break;
        case T_TIME: p += putu(p, v->t); break;
        case T_SID: p += putu(p, v->sid); break;
        case T_ROOM:
            if (nroomnames) { const char *k = roomnames[(v->room - (uint64_t)o_roombase) % (uint64_t)nroomnames]; size_t n = strlen(k); memcpy(p, k, n); p += n; }
            else p += putu(p, v->room);
            break;
        case T_MEMBER: p += putu(p, v->member); break;
        case T_CONN: p += putu(p, v->conn); break;
        case T_TOKEN:
            if (ntokens) { const char *k = tokens[v->conn % (uint64_t)ntokens]; size_t n = strlen(k); memcpy(p, k, n); p += n; }
            break;
        case T_PAD: pad = p; break;
        }
    }
    size_t n = (size_t)(p - d);
    if (pad && n < want) {
        size_t k = want - n;
        memmove(pad + k, pad, (size_t)(p - pad));
        memset(pad, 'x', k);
        n = want;
    }
    return n;
}

/* ---------------------------------------------------------------- connections and threads */

enum { C_NEW, C_CONNECTING, C_SHAKING, C_UPGRADING, C_OPEN, C_CLOSED };
typedef struct {
    int fd;
    uint8_t state, wantout, fragop, pad;
    uint32_t room, member, id; /* room and member count from 0 inside the run */
    uint32_t *next;            /* expected sequence number of every sender of the room */
    char *rx, *tx, *frag;
    SSL *tls;
    uint32_t rxlen, txoff, txlen, txcap, fraglen, fragcap;
    uint64_t t0;
} Conn;

typedef struct {
    Conn *c;
    uint32_t sent, inflight, credit;
    uint16_t *acks;
    bool queued;
} Sender;

typedef struct {
    uint64_t deliv, deliv_bytes, recvs, waits, frames, sent, joined;
    uint64_t gaps, late, foreign, unparsed, perr, dropped, pings, rst;
} Stats;

typedef struct {
    int idx, ep;
    pthread_t th;
    uint32_t room0, nrooms, nconns;
    Conn *conns;
    Sender *snd; /* nrooms * o_senders */
    Sender **ready;
    uint32_t nready, nextconn, inprog, nopen, nfail;
    uint64_t tick0, ticks, nsend_rr;
    char *rbuf, *sbuf;
    size_t rcap;
    uint32_t hint_seq, maskkey;
    Hist lat, conn_lat;
    Stats all, win; /* whole run and measured window */
    uint64_t last_deliv;
    Tmpl path, msg, hdr[32], hello[8];
    double cpu0, cpu1;
    uint64_t churned, resumed;
} Th;

enum { P_CONNECT, P_WARM, P_MEASURE, P_DRAIN, P_DONE };
static atomic_int phase;
static atomic_int threads_open, threads_drained;
static atomic_uint total_open;
static uint64_t base;
static uint32_t wslots;
static Th *ths;

#define KEY64 "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void ctl(Th *t, Conn *c, int op, uint32_t ev) {
    struct epoll_event e = {.events = ev, .data.ptr = c};
    if (epoll_ctl(t->ep, op, c->fd, &e) && op != EPOLL_CTL_DEL) die("epoll_ctl: %s", strerror(errno));
}

static void conn_close(Th *t, Conn *c, bool rst) {
    if (c->tls) { SSL_free(c->tls); c->tls = NULL; }
    if (c->fd >= 0) {
        if (rst) {
            struct linger l = {1, 0};
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        }
        close(c->fd);
        c->fd = -1;
    }
    if (c->state == C_OPEN) t->nopen--;
    if (c->state == C_CONNECTING || c->state == C_SHAKING || c->state == C_UPGRADING) t->inprog--;
    c->state = C_CLOSED;
    free(c->rx); c->rx = NULL; c->rxlen = 0;
    free(c->tx); c->tx = NULL; c->txlen = c->txoff = c->txcap = 0;
    free(c->frag); c->frag = NULL; c->fraglen = c->fragcap = 0;
}

static inline ssize_t sock_send(Conn *c, const char *d, size_t n) { return c->tls ? tls_send(c->tls, d, n) : send(c->fd, d, n, MSG_NOSIGNAL | MSG_DONTWAIT); }
static inline ssize_t sock_recv(Conn *c, char *d, size_t n) { return c->tls ? tls_recv(c->tls, d, n) : recv(c->fd, d, n, MSG_DONTWAIT); }

static void raw_send(Th *t, Conn *c, const char *d, size_t n) {
    if (c->fd < 0) return;
    size_t off = 0;
    if (!c->txlen) {
        ssize_t r = sock_send(c, d, n);
        if (r == (ssize_t)n) return;
        if (r < 0 && errno != EAGAIN && errno != EINTR) return; /* the reader will see the error */
        if (r > 0) off = (size_t)r;
    }
    size_t need = c->txlen + (n - off);
    if (c->txoff + need > c->txcap) {
        char *nb = xalloc(need * 2);
        memcpy(nb, c->tx + c->txoff, c->txlen);
        free(c->tx);
        c->tx = nb;
        c->txcap = (uint32_t)(need * 2);
        c->txoff = 0;
    }
    memcpy(c->tx + c->txoff + c->txlen, d + off, n - off);
    c->txlen = (uint32_t)need;
    if (!c->wantout) { c->wantout = 1; ctl(t, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT); }
}
static void flush_tx(Th *t, Conn *c) {
    while (c->txlen) {
        ssize_t r = sock_send(c, c->tx + c->txoff, c->txlen);
        if (r <= 0) return;
        c->txoff += (uint32_t)r;
        c->txlen -= (uint32_t)r;
    }
    free(c->tx);
    c->tx = NULL;
    c->txoff = c->txcap = 0;
    if (c->wantout) { c->wantout = 0; ctl(t, c, EPOLL_CTL_MOD, EPOLLIN); }
}

/* A masked client frame at d; the payload is already at d + 14 - 0; returns its start and length. */
static inline size_t frame(Th *t, char *d, int op, size_t n, char **start) {
    size_t h = n < 126 ? 2 : n < 65536 ? 4 : 10;
    unsigned char *p = (unsigned char *)d + 14 - h - 4;
    p[0] = (unsigned char)(0x80 | op);
    if (h == 2) p[1] = (unsigned char)(0x80 | n);
    else if (h == 4) { p[1] = 0x80 | 126; p[2] = (unsigned char)(n >> 8); p[3] = (unsigned char)n; }
    else { p[1] = 0x80 | 127; for (int i = 0; i < 8; i++) p[2 + i] = (unsigned char)((uint64_t)n >> (56 - 8 * i)); }
    t->maskkey = t->maskkey * 1664525u + 1013904223u;
    uint32_t k = o_mask ? t->maskkey : 0;
    memcpy(p + h, &k, 4);
    if (k) {
        uint64_t kk = (uint64_t)k << 32 | k;
        char *q = d + 14;
        size_t i = 0;
        for (; i + 8 <= n; i += 8) { uint64_t w; memcpy(&w, q + i, 8); w ^= kk; memcpy(q + i, &w, 8); }
        for (; i < n; i++) q[i] ^= (char)(k >> (8 * (i & 3)));
    }
    *start = (char *)p;
    return h + 4 + n;
}
static void send_frame(Th *t, Conn *c, int op, const char *d, size_t n) {
    char b[160], *s;
    if (n > 125) n = 125;
    memcpy(b + 14, d, n);
    size_t k = frame(t, b, op, n, &s);
    raw_send(t, c, s, k);
}

/* ---------------------------------------------------------------- reading a delivered message */

/* "key", then quotes (plain, escaped, \u0022) and blanks around a colon, then digits */
static inline bool after_key(const char *p, const char *e, uint64_t *v, const char **end) {
    bool colon = false;
    while (p < e) {
        char ch = *p;
        if (ch == '"' || ch == '\\' || ch == ' ') p++;
        else if (ch == ':' && !colon) { colon = true; p++; }
        else if (ch == 'u' && e - p > 5 && !memcmp(p, "u0022", 5) && p[-1] == '\\') p += 5;
        else break;
    }
    if (!colon || p >= e || *p < '0' || *p > '9') return false;
    uint64_t x = 0;
    while (p < e && *p >= '0' && *p <= '9') x = x * 10 + (uint64_t)(*p++ - '0');
    *v = x;
    *end = p;
    return true;
}
static inline bool ident(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_'; }

static bool find_key(const char *p, const char *b, const char *e, const char *key, size_t k, uint64_t *v, const char **end) {
    while (p + k < e) {
        const char *q = memmem(p, (size_t)(e - p), key, k);
        if (!q) return false;
        if ((q == b || !ident(q[-1])) && after_key(q + k, e, v, end)) return true;
        p = q + 1;
    }
    return false;
}

static void message(Th *t, Conn *c, const char *p, size_t n, uint64_t now) {
    const char *e = p + n, *q = NULL;
    uint64_t seq, ts, sid;
    bool ok = false;
    if (t->hint_seq + 3 < n && !memcmp(p + t->hint_seq, "seq", 3) && after_key(p + t->hint_seq + 3, e, &seq, &q)) ok = true;
    else {
        const char *s = p;
        while ((s = memmem(s, (size_t)(e - s), "seq", 3))) {
            if ((s == p || !ident(s[-1])) && after_key(s + 3, e, &seq, &q)) { ok = true; t->hint_seq = (uint32_t)(s - p); break; }
            s++;
        }
    }
    if (!ok) { t->all.unparsed++; return; } /* presence notices, history, ... */
    const char *r;
    if (!find_key(q, p, e, "t", 1, &ts, &r) && !find_key(p, p, e, "t", 1, &ts, &r)) { t->all.unparsed++; return; }
    if (!find_key(r, p, e, "sid", 3, &sid, &q) && !find_key(p, p, e, "sid", 3, &sid, &q)) { t->all.unparsed++; return; }
    uint32_t room = (uint32_t)(sid / (uint64_t)o_senders), si = (uint32_t)(sid % (uint64_t)o_senders);
    if (room != c->room) { t->all.foreign++; return; }
    uint32_t *nx = &c->next[si];
    Sender *s = &t->snd[(room - t->room0) * (uint32_t)o_senders + si];
    if (seq >= s->sent) { t->all.foreign++; return; } /* not from this run */
    if (seq == *nx) *nx = (uint32_t)seq + 1;
    else if (seq > *nx) { t->all.gaps += seq - *nx; *nx = (uint32_t)seq + 1; }
    else { t->all.late++; return; }
    t->all.deliv++;
    if (atomic_load_explicit(&phase, memory_order_relaxed) == P_MEASURE) {
        t->win.deliv++;
        t->win.deliv_bytes += n;
        uint64_t at = base + ts;
        hadd(&t->lat, now > at ? now - at : 0);
    }
    if (s->acks) {
        uint32_t need = (uint32_t)o_members - (o_self ? 0 : 1);
        uint16_t *a = &s->acks[seq & (wslots - 1)];
        if (++*a >= need) {
            *a = 0;
            s->inflight--;
            s->credit++;
            if (!s->queued) { s->queued = true; t->ready[t->nready++] = s; }
        }
    }
}
static void text(Th *t, Conn *c, char *p, size_t n, uint64_t now) {
    if (mode == MODE_IDLE) return;
    if (o_split) {
        char *nl;
        while (n && (nl = memchr(p, '\n', n))) {
            if (nl > p) message(t, c, p, (size_t)(nl - p), now);
            t->all.joined++;
            n -= (size_t)(nl + 1 - p);
            p = nl + 1;
        }
        if (!n) return;
    }
    message(t, c, p, n, now);
}

/* Returns bytes consumed, or -1 to drop the connection. */
static ssize_t frames(Th *t, Conn *c, char *buf, size_t n, uint64_t now) {
    size_t off = 0;
    while (n - off >= 2) {
        unsigned char *p = (unsigned char *)buf + off;
        size_t h = 2;
        uint64_t len = p[1] & 127;
        if (p[1] & 0x80 || p[0] & 0x70) { t->all.perr++; return -1; }
        if (len == 126) {
            if (n - off < 4) break;
            len = (uint64_t)p[2] << 8 | p[3];
            h = 4;
        } else if (len == 127) {
            if (n - off < 10) break;
            len = 0;
            for (int i = 0; i < 8; i++) len = len << 8 | p[2 + i];
            h = 10;
            if (len > (64u << 20)) { t->all.perr++; return -1; }
        }
        if (n - off < h + len) break;
        char *d = buf + off + h;
        int op = p[0] & 15;
        bool fin = p[0] & 0x80;
        t->all.frames++;
        if (op == 1 || op == 2) {
            if (c->fraglen || c->fragop) { t->all.perr++; return -1; }
            if (fin) text(t, c, d, len, now);
            else c->fragop = (uint8_t)op;
        }
        if ((op == 0) || ((op == 1 || op == 2) && !fin)) {
            if (op == 0 && !c->fragop) { t->all.perr++; return -1; }
            if (c->fraglen + len > c->fragcap) {
                c->fragcap = (uint32_t)(c->fraglen + len) * 2 + 64;
                c->frag = realloc(c->frag, c->fragcap);
                if (!c->frag) die("out of memory");
            }
            memcpy(c->frag + c->fraglen, d, len);
            c->fraglen += (uint32_t)len;
            if (fin) { text(t, c, c->frag, c->fraglen, now); c->fraglen = 0; c->fragop = 0; }
        } else if (op == 9) { t->all.pings++; send_frame(t, c, 10, d, len); }
        else if (op == 8) return -1;
        else if (op > 10 || (op > 2 && op < 8)) { t->all.perr++; return -1; }
        off += h + len;
    }
    return (ssize_t)off;
}

/* ---------------------------------------------------------------- connecting */

static bool start_connect(Th *t, Conn *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket: %s (raise ulimit -n)", strerror(errno));
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (o_rcvbuf) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &o_rcvbuf, sizeof o_rcvbuf);
    if (o_cc && setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, o_cc, (socklen_t)strlen(o_cc))) die("TCP_CONGESTION: %s", strerror(errno));
    if (o_srccount > 1) {
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(src0 + c->id % (uint32_t)o_srccount)};
        if (bind(c->fd, (void *)&a, sizeof a)) die("bind source address: %s", strerror(errno));
    }
    c->t0 = mono();
    c->state = C_CONNECTING;
    t->inprog++;
    if (connect(c->fd, (void *)&srv, sizeof srv) && errno != EINPROGRESS) {
        t->inprog--;
        c->state = C_CLOSED;
        close(c->fd);
        c->fd = -1;
        t->nfail++;
        return false;
    }
    c->wantout = 1;
    ctl(t, c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    return true;
}
static void send_upgrade(Th *t, Conn *c) {
    char b[16384];
    Vars v = {.room = c->room + (uint32_t)o_roombase, .member = c->member, .conn = c->id};
    size_t n = 0;
    n += (size_t)sprintf(b + n, "GET ");
    n += render(&t->path, &v, b + n, 0);
    n += (size_t)sprintf(b + n, " HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY64 "\r\nSec-WebSocket-Version: 13\r\n", o_host, o_port);
    for (int i = 0; i < o_nheaders; i++) {
        n += render(&t->hdr[i], &v, b + n, 0);
        n += (size_t)sprintf(b + n, "\r\n");
    }
    n += (size_t)sprintf(b + n, "\r\n");
    c->state = C_UPGRADING;
    c->wantout = 0;
    ctl(t, c, EPOLL_CTL_MOD, EPOLLIN);
    raw_send(t, c, b, n);
}
static void shake(Th *t, Conn *c) {
    if (tls_handshake(c->tls) == 1) { send_upgrade(t, c); return; }
    if (errno == EAGAIN) {
        bool want = SSL_want_write(c->tls);
        if (want != (bool)c->wantout) { c->wantout = want; ctl(t, c, EPOLL_CTL_MOD, EPOLLIN | (want ? EPOLLOUT : 0)); }
        return;
    }
    static atomic_int shown;
    if (!atomic_fetch_add(&shown, 1)) fprintf(stderr, "TLS handshake: %s: %s\n", strerror(errno), ERR_error_string(ERR_peek_error(), NULL));
    t->nfail++;
    conn_close(t, c, true);
}
static void start_tls(Th *t, Conn *c) {
    c->tls = tls_open(c->fd);
    if (!c->tls) die("out of memory for TLS");
    c->state = C_SHAKING;
    shake(t, c);
}
/* Returns header length, 0 for not yet, -1 for refused. */
static ssize_t check_upgrade(const char *b, size_t n) {
    const char *e = memmem(b, n, "\r\n\r\n", 4);
    if (!e) return n > 16000 ? -1 : 0;
    if (n < 12 || memcmp(b, "HTTP/1.1 101", 12)) {
        static atomic_int shown;
        if (!atomic_fetch_add(&shown, 1)) fprintf(stderr, "upgrade refused: %.*s\n", (int)(e - b > 300 ? 300 : e - b), b);
        return -1;
    }
    size_t h = (size_t)(e - b) + 4;
    if (!memmem(b, h, ACCEPT, sizeof ACCEPT - 1)) { fprintf(stderr, "wrong Sec-WebSocket-Accept\n"); return -1; }
    return (ssize_t)h;
}

/* ---------------------------------------------------------------- sending */

static size_t build(Th *t, Sender *s, uint32_t sid, uint64_t when, char *d, char **start) {
    Conn *c = s->c;
    Vars v = {.seq = s->sent, .t = when - base, .sid = sid, .room = c->room + (uint32_t)o_roombase, .member = c->member, .conn = c->id};
    size_t n = render(&t->msg, &v, d + 14, (size_t)o_payload);
    s->sent++;
    t->all.sent++;
    if (atomic_load_explicit(&phase, memory_order_relaxed) == P_MEASURE) t->win.sent++;
    return frame(t, d, 1, n, start);
}
static void send_some(Th *t, Sender *s, uint32_t k, uint64_t when) {
    if (s->c->state != C_OPEN) return;
    uint32_t sid = t->room0 * (uint32_t)o_senders + (uint32_t)(s - t->snd);
    size_t off = 0, slot = (size_t)o_payload + 1024;
    char tmp[1024 + 65536 + 64], *st;
    if (slot > sizeof tmp) die("payload too large");
    for (uint32_t i = 0; i < k; i++) {
        size_t n = build(t, s, sid, when, tmp, &st);
        if (off + n > (1u << 20)) { raw_send(t, s->c, t->sbuf, off); off = 0; }
        memcpy(t->sbuf + off, st, n);
        off += n;
    }
    if (off) raw_send(t, s->c, t->sbuf, off);
}
static void pump(Th *t) { /* closed loop: spend the credits won in this batch */
    uint32_t n = t->nready;
    for (uint32_t i = 0; i < n; i++) {
        Sender *s = t->ready[i];
        uint32_t k = s->credit;
        s->queued = false;
        s->credit = 0;
        s->inflight += k;
        send_some(t, s, k, mono());
    }
    t->nready = 0;
}

static void say_hello(Th *t, Conn *c) { /* what a protocol wants said first: connect, subscribe, ... */
    Vars v = {.room = c->room + (uint32_t)o_roombase, .member = c->member, .conn = c->id};
    char b[14 + 16384], *s;
    for (int i = 0; i < o_nhello; i++) {
        size_t n = render(&t->hello[i], &v, b + 14, 0);
        size_t k = frame(t, b, 1, n, &s);
        raw_send(t, c, s, k);
    }
}

/* ---------------------------------------------------------------- the loop */

static void readable(Th *t, Conn *c, uint64_t *now) {
    for (;;) {
        size_t have = c->rxlen;
        if (have) memcpy(t->rbuf, c->rx, have);
        ssize_t r = sock_recv(c, t->rbuf + have, t->rcap - have);
        if (r < 0) {
            if (errno == EAGAIN || errno == EINTR) return;
            r = 0;
            t->all.rst++;
        }
        if (r == 0) {
            if (c->state == C_OPEN && atomic_load(&phase) < P_DONE) t->all.dropped++;
            else if (c->state == C_CONNECTING || c->state == C_SHAKING || c->state == C_UPGRADING) t->nfail++;
            conn_close(t, c, false);
            return;
        }
        *now = mono();
        t->all.recvs++;
        size_t n = have + (size_t)r, off = 0;
        if (c->state == C_UPGRADING) {
            ssize_t h = check_upgrade(t->rbuf, n);
            if (h < 0) { t->nfail++; conn_close(t, c, true); return; }
            if (h > 0) {
                off = (size_t)h;
                c->state = C_OPEN;
                t->inprog--;
                t->nopen++;
                hadd(&t->conn_lat, *now - c->t0);
                atomic_fetch_add_explicit(&total_open, 1, memory_order_relaxed);
                if (o_nhello) say_hello(t, c);
            }
        }
        if (c->state == C_OPEN) {
            ssize_t k = frames(t, c, t->rbuf + off, n - off, *now);
            if (k < 0) { if (atomic_load(&phase) < P_DONE) t->all.dropped++; conn_close(t, c, true); return; }
            off += (size_t)k;
        }
        size_t left = n - off;
        if (left) {
            if (left != c->rxlen || off) {
                char *nb = xalloc(left);
                memcpy(nb, t->rbuf + off, left);
                free(c->rx);
                c->rx = nb;
            }
            c->rxlen = (uint32_t)left;
            if (left == t->rcap) { t->rcap *= 2; t->rbuf = realloc(t->rbuf, t->rcap); if (!t->rbuf) die("out of memory"); }
        } else if (c->rx) { free(c->rx); c->rx = NULL; c->rxlen = 0; }
        if (n < t->rcap && !c->tls) return; /* a TLS record may be left inside the library */
    }
}

static void poll_once(Th *t, int64_t ns) {
    struct epoll_event ev[1024];
    struct timespec ts = {ns / 1000000000, ns % 1000000000};
    int n = epoll_pwait2(t->ep, ev, 1024, ns < 0 ? NULL : &ts, NULL);
    uint64_t now = 0;
    t->all.waits++;
    for (int i = 0; i < n; i++) {
        Conn *c = ev[i].data.ptr;
        if (c->fd < 0) continue;
        if (c->state == C_CONNECTING) {
            int err = 0;
            socklen_t l = sizeof err;
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
            if (err) {
                static atomic_int shown;
                if (!atomic_fetch_add(&shown, 1)) fprintf(stderr, "connect: %s\n", strerror(err));
                t->nfail++;
                conn_close(t, c, false);
                continue;
            }
            if (ev[i].events & EPOLLOUT) {
                if (tls_ctx) start_tls(t, c);
                else send_upgrade(t, c);
            }
            continue;
        }
        if (c->state == C_SHAKING) { shake(t, c); continue; }
        if (ev[i].events & EPOLLOUT) flush_tx(t, c);
        if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(t, c, &now);
    }
}

static void pin(int i) {
    if (!o_ncpu) return;
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(o_cpu[i % o_ncpu], &s);
    sched_setaffinity(0, sizeof s, &s);
}
static double thread_cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void thread_setup(Th *t) {
    pin(t->idx);
    prctl(PR_SET_TIMERSLACK, 1);
    t->ep = epoll_create1(EPOLL_CLOEXEC);
    t->rcap = 256 << 10;
    t->rbuf = xalloc(t->rcap);
    t->sbuf = xalloc((1 << 20) + (1 << 17));
    t->maskkey = 0x9e3779b9u * (uint32_t)(t->idx + 1);
    t->path = compile(o_path);
    t->msg = compile(o_msg);
    for (int i = 0; i < o_nheaders; i++) t->hdr[i] = compile(o_headers[i]);
    for (int i = 0; i < o_nhello; i++) t->hello[i] = compile(o_hello[i]);
}
static bool drained(Th *t) {
    for (uint32_t r = 0; r < t->nrooms; r++)
        for (int m = 0; m < o_members; m++) {
            Conn *c = &t->conns[r * (uint32_t)o_members + (uint32_t)m];
            if (c->state != C_OPEN) continue;
            for (int s = 0; s < o_senders; s++) {
                if (!o_self && m == s) continue;
                if (c->next[s] != t->snd[r * (uint32_t)o_senders + (uint32_t)s].sent) return false;
            }
        }
    return true;
}

static void *worker(void *a) {
    Th *t = a;
    thread_setup(t);
    bool opened = false, told = false;
    int ph = P_CONNECT, prev = P_CONNECT;
    uint64_t interval = 0, due = 0, sendno = 0, last = 0, last_seen = 0;
    uint32_t nsnd = t->nrooms * (uint32_t)o_senders;
    while ((ph = atomic_load_explicit(&phase, memory_order_relaxed)) != P_DONE) {
        if (ph == P_CONNECT && !opened) {
            while (t->nextconn < t->nconns && t->inprog < (uint32_t)o_connpar) start_connect(t, &t->conns[t->nextconn++]);
            if (t->nextconn == t->nconns && !t->inprog) { opened = true; atomic_fetch_add(&threads_open, 1); }
        }
        if (ph != prev) {
            if (prev == P_CONNECT) { /* also when the warm-up was too short to be seen */
                if (o_rate > 0) {
                    double mine = o_rate * (double)nsnd / ((double)o_rooms * (double)o_senders);
                    interval = mine > 0 ? (uint64_t)(1e9 * (double)o_burst / mine) : 1000000000ull;
                    due = mono() + (uint64_t)t->idx * interval / (uint64_t)o_threads;
                } else
                    for (uint32_t i = 0; i < nsnd; i++) { t->snd[i].credit = (uint32_t)o_window; t->snd[i].queued = true; t->ready[t->nready++] = &t->snd[i]; }
            }
            if (ph == P_MEASURE) { t->cpu0 = thread_cpu(); t->win.recvs = t->all.recvs; t->win.waits = t->all.waits; t->win.frames = t->all.frames; }
            if (ph == P_DRAIN) {
                t->cpu1 = thread_cpu();
                t->win.recvs = t->all.recvs - t->win.recvs;
                t->win.waits = t->all.waits - t->win.waits;
                t->win.frames = t->all.frames - t->win.frames;
                last = mono();
            }
            prev = ph;
        }
        int64_t ns = 5000000;
        if (mode != MODE_IDLE && (ph == P_WARM || ph == P_MEASURE)) {
            if (o_rate > 0) {
                uint64_t now = mono();
                while (due <= now) {
                    for (int b = 0; b < o_burst; b++) send_some(t, &t->snd[sendno++ % nsnd], 1, due);
                    due += interval;
                }
                now = mono();
                ns = due > now ? (int64_t)(due - now) : 0;
                if (ns > 5000000) ns = 5000000;
            } else pump(t);
        }
        if (ph == P_DRAIN && !told && mode != MODE_IDLE) {
            if (t->all.deliv != last_seen) { last_seen = t->all.deliv; last = mono(); }
            if (drained(t) || mono() - last > (uint64_t)(o_drain * 1e9)) { told = true; atomic_fetch_add(&threads_drained, 1); }
            ns = 1000000;
        }
        poll_once(t, ns);
    }
    t->resumed = tls_resumed;
    return NULL;
}

static void *churner(void *a) {
    Th *t = a;
    thread_setup(t);
    int prev = P_CONNECT, ph;
    uint32_t id = (uint32_t)t->idx;
    while ((ph = atomic_load_explicit(&phase, memory_order_relaxed)) != P_DONE) {
        if (ph == P_MEASURE && prev != ph) { t->cpu0 = thread_cpu(); memset(&t->conn_lat, 0, sizeof t->conn_lat); t->churned = 0; }
        if (ph == P_DRAIN && prev != ph) { t->cpu1 = thread_cpu(); atomic_fetch_add(&threads_drained, 1); }
        prev = ph;
        bool more = ph < P_DRAIN && (!o_max || t->churned < (uint64_t)o_max / (uint64_t)o_threads);
        for (uint32_t i = 0; i < t->nconns; i++) {
            Conn *c = &t->conns[i];
            if (c->state == C_OPEN) {
                bool fin = true;
                if (o_roundtrip) {
                    Sender *s = &t->snd[i];
                    if (s->sent == 0) { s->c = c; send_some(t, s, 1, mono()); fin = false; }
                    else fin = c->next[0] == 1;
                }
                if (fin) {
                    if (ph < P_DRAIN) t->churned++;
                    if (o_wsclose) send_frame(t, c, 8, "\x03\xe8", 2);
                    conn_close(t, c, !o_wsclose);
                }
            }
            if (c->state == C_CLOSED || c->state == C_NEW) {
                if (!more) continue;
                c->id = id;
                id += (uint32_t)o_threads;
                c->member = 0;
                if (o_roundtrip) { t->snd[i].sent = 0; c->next[0] = 0; }
                start_connect(t, c);
            }
        }
        poll_once(t, 2000000);
    }
    t->resumed = tls_resumed;
    return NULL;
}

/* ---------------------------------------------------------------- command line */

static const char *usage =
    "wsload fanout|echo|idle|churn|run [options]\n"
    "  --host A --port N          where (127.0.0.1:9001)\n"
    "  --path T                   request target; {room} {member} {conn} {token}   (/ws?event_id={room})\n"
    "  --header T                 extra header line, repeatable, same placeholders\n"
    "  --tokens FILE              one token a line; connection i uses line i mod lines\n"
    "  --hello T             text message to send as soon as the socket is open, repeatable, placeholders as in --path\n"
    "  --room-names FILE      what {room} stands for, a line a room (its number)\n"
    "  --settle S            wait after the last hello before sending (0)\n"
    "  --msg T                    message; also {seq} {t} {sid} {pad}\n"
    "  --payload N                message bytes before framing; {pad} fills up (200)\n"
    "  --room-base N              first room id (1)\n"
    "  --rooms R --members M --senders S    fanout shape; S of the M members send (1 100 1)\n"
    "  --window W                 closed loop: W undelivered messages per sender (1); a message is done when every member has it\n"
    "  --rate X [--burst B]       open loop: X messages/s over all senders, latency from the scheduled time\n"
    "  --no-self                  the sender does not get its own message back\n"
    "  --no-split                 do not split a frame at newlines (gorilla chat habit is accepted by default)\n"
    "  --no-mask                  masking key 0\n"
    "  --conns N --depth D        echo, idle, churn: connections; echo: messages in flight each\n"
    "  --warmup S --duration S --drain S --hold S\n"
    "  --threads T --cpu LIST     generator threads and their cores\n"
    "  --src-count K              spread over source addresses 127.0.0.1 .. +K-1\n"
    "  --connpar N                connections being opened at a time (64)\n"
    "  --roundtrip --ws-close --max N       churn: one message per connection; close frame, not RST; stop after N\n"
    "  --pid P[,P..]              server processes whose CPU and memory to read\n"
    "  --tls [--tls-version 1.2|1.3] [--tls-ciphers LIST] [--tls-resume]   speak TLS; offer the newest session\n"
    "  --cc NAME --rcvbuf N       client socket settings\n"
    "  --label S --json FILE      append one JSON line to FILE\n"
    "  wsload run --pid P -- cmd args...\n";

static void jout(const char *fmt, ...) {
    char b[4096];
    va_list a;
    va_start(a, fmt);
    vsnprintf(b, sizeof b, fmt, a);
    va_end(a);
    puts(b);
    fflush(stdout);
    if (o_json) {
        FILE *f = fopen(o_json, "a");
        if (f) { fprintf(f, "%s\n", b); fclose(f); }
    }
}

static int read_lines(const char *name, char ***out) {
    FILE *f = fopen(name, "r");
    char line[8192];
    int n = 0;
    if (!f) die("cannot open %s", name);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!*line) continue;
        *out = realloc(*out, sizeof **out * (size_t)(n + 1));
        if (!*out) die("out of memory");
        (*out)[n++] = strdup(line);
    }
    fclose(f);
    return n;
}

int main(int argc, char **argv) {
    if (argc < 2) { fputs(usage, stderr); return 2; }
    const char *m = argv[1];
    mode = !strcmp(m, "fanout") ? MODE_FANOUT : !strcmp(m, "echo") ? MODE_ECHO : !strcmp(m, "idle") ? MODE_IDLE : !strcmp(m, "churn") ? MODE_CHURN : !strcmp(m, "run") ? MODE_RUN : -1;
    if (mode < 0) { fputs(usage, stderr); return 2; }
    enum { OPT_HOST = 256, OPT_PORT, OPT_PATH, OPT_HEADER, OPT_TOKENS, OPT_MSG, OPT_PAYLOAD, OPT_RB, OPT_ROOMS, OPT_MEMBERS, OPT_SENDERS, OPT_WINDOW, OPT_RATE, OPT_BURST, OPT_NOSELF, OPT_NOSPLIT, OPT_NOMASK,
        OPT_CONNS, OPT_DEPTH, OPT_WARM, OPT_DUR, OPT_DRAIN, OPT_HOLD, OPT_THREADS, OPT_CPU, OPT_SRC, OPT_CONNPAR, OPT_RT, OPT_WSC, OPT_MAX, OPT_PID, OPT_CC, OPT_RCVBUF, OPT_LABEL, OPT_JSON, OPT_HELLO, OPT_SETTLE, OPT_ROOMNAMES, OPT_TLS, OPT_TLSVERSION, OPT_TLSCIPHERS, OPT_TLSRESUME, OPT_HELP };
    static struct option lo[] = {{"host", 1, 0, OPT_HOST}, {"port", 1, 0, OPT_PORT}, {"path", 1, 0, OPT_PATH}, {"header", 1, 0, OPT_HEADER}, {"tokens", 1, 0, OPT_TOKENS}, {"msg", 1, 0, OPT_MSG},
        {"payload", 1, 0, OPT_PAYLOAD}, {"room-base", 1, 0, OPT_RB}, {"rooms", 1, 0, OPT_ROOMS}, {"members", 1, 0, OPT_MEMBERS}, {"senders", 1, 0, OPT_SENDERS}, {"window", 1, 0, OPT_WINDOW},
        {"rate", 1, 0, OPT_RATE}, {"burst", 1, 0, OPT_BURST}, {"no-self", 0, 0, OPT_NOSELF}, {"no-split", 0, 0, OPT_NOSPLIT}, {"no-mask", 0, 0, OPT_NOMASK}, {"conns", 1, 0, OPT_CONNS},
        {"depth", 1, 0, OPT_DEPTH}, {"warmup", 1, 0, OPT_WARM}, {"duration", 1, 0, OPT_DUR}, {"drain", 1, 0, OPT_DRAIN}, {"hold", 1, 0, OPT_HOLD}, {"threads", 1, 0, OPT_THREADS},
        {"cpu", 1, 0, OPT_CPU}, {"src-count", 1, 0, OPT_SRC}, {"connpar", 1, 0, OPT_CONNPAR}, {"roundtrip", 0, 0, OPT_RT}, {"ws-close", 0, 0, OPT_WSC}, {"max", 1, 0, OPT_MAX},
        {"pid", 1, 0, OPT_PID}, {"cc", 1, 0, OPT_CC}, {"rcvbuf", 1, 0, OPT_RCVBUF}, {"label", 1, 0, OPT_LABEL}, {"json", 1, 0, OPT_JSON}, {"hello", 1, 0, OPT_HELLO}, {"settle", 1, 0, OPT_SETTLE}, {"room-names", 1, 0, OPT_ROOMNAMES}, {"tls", 0, 0, OPT_TLS}, {"tls-version", 1, 0, OPT_TLSVERSION}, {"tls-ciphers", 1, 0, OPT_TLSCIPHERS}, {"tls-resume", 0, 0, OPT_TLSRESUME}, {"help", 0, 0, OPT_HELP}, {0, 0, 0, 0}};
    int o;
    argv++, argc--;
    while ((o = getopt_long(argc, argv, "+", lo, NULL)) != -1) switch (o) {
        case OPT_HOST: o_host = optarg; break;
        case OPT_PORT: o_port = atoi(optarg); break;
        case OPT_PATH: o_path = optarg; break;
        case OPT_HEADER: if (o_nheaders < 32) o_headers[o_nheaders++] = optarg; break;
        case OPT_TOKENS: o_tokens = optarg; break;
        case OPT_MSG: o_msg = optarg; break;
        case OPT_PAYLOAD: o_payload = atoi(optarg); break;
        case OPT_RB: o_roombase = atoi(optarg); break;
        case OPT_ROOMS: o_rooms = atoi(optarg); break;
        case OPT_MEMBERS: o_members = atoi(optarg); break;
        case OPT_SENDERS: o_senders = atoi(optarg); break;
        case OPT_WINDOW: case OPT_DEPTH: o_window = atoi(optarg); break;
        case OPT_RATE: o_rate = atof(optarg); break;
        case OPT_BURST: o_burst = atoi(optarg); break;
        case OPT_NOSELF: o_self = 0; break;
        case OPT_NOSPLIT: o_split = 0; break;
        case OPT_NOMASK: o_mask = 0; break;
        case OPT_CONNS: o_conns = atoi(optarg); break;
        case OPT_WARM: o_warmup = atof(optarg); break;
        case OPT_DUR: o_duration = atof(optarg); break;
        case OPT_DRAIN: o_drain = atof(optarg); break;
        case OPT_HOLD: o_hold = atof(optarg); break;
        case OPT_THREADS: o_threads = atoi(optarg); break;
        case OPT_CPU: for (char *p = strtok(optarg, ","); p && o_ncpu < 64; p = strtok(NULL, ",")) o_cpu[o_ncpu++] = atoi(p); break;
        case OPT_SRC: o_srccount = atoi(optarg); break;
        case OPT_CONNPAR: o_connpar = atoi(optarg); break;
        case OPT_RT: o_roundtrip = 1; break;
        case OPT_WSC: o_wsclose = 1; break;
        case OPT_MAX: o_max = atol(optarg); break;
        case OPT_PID: for (char *p = strtok(optarg, ","); p && npid < MAXPID; p = strtok(NULL, ",")) pids[npid++] = atoi(p); break;
        case OPT_CC: o_cc = optarg; break;
        case OPT_RCVBUF: o_rcvbuf = atoi(optarg); break;
        case OPT_LABEL: o_label = optarg; break;
        case OPT_JSON: o_json = optarg; break;
        case OPT_HELLO: if (o_nhello < 8) o_hello[o_nhello++] = optarg; break;
        case OPT_SETTLE: o_settle = atof(optarg); break;
        case OPT_ROOMNAMES: o_roomnames = optarg; break;
        case OPT_TLS: o_tls = 1; break;
        case OPT_TLSVERSION: o_tlsversion = !strcmp(optarg, "1.2") ? TLS1_2_VERSION : !strcmp(optarg, "1.3") ? TLS1_3_VERSION : -1; break;
        case OPT_TLSCIPHERS: o_tlsciphers = optarg; break;
        case OPT_TLSRESUME: o_tlsresume = 1; break;
        default: fputs(usage, stderr); return 2;
    }
    if (mode == MODE_RUN) {
        if (optind >= argc) die("run: no command");
        Sample a = sample();
        uint64_t w0 = mono();
        pid_t k = fork();
        if (!k) { execvp(argv[optind], argv + optind); perror(argv[optind]); _exit(127); }
        int st;
        struct rusage ru;
        wait4(k, &st, 0, &ru);
        Sample b = sample();
        double w = (double)(mono() - w0) / 1e9;
        jout("{\"mode\":\"run\",\"label\":\"%s\",\"rc\":%d,\"wall\":%.3f,\"srv_cpu\":%.4f,\"srv_user\":%.2f,\"srv_sys\":%.2f,\"srv_rss_kb\":%ld,\"child_cpu\":%.3f,\"busy\":%.2f,\"steal\":%.2f,\"load\":%.2f}", o_label,
            WIFEXITED(st) ? WEXITSTATUS(st) : -1, w, b.cpu - a.cpu, b.usr - a.usr, b.sys - a.sys, b.rss_kb,
            (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6 + (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6, b.busy - a.busy, b.steal - a.steal, loadavg());
        return WIFEXITED(st) ? WEXITSTATUS(st) : 1;
    }
    signal(SIGPIPE, SIG_IGN);
    if (o_tlsversion < 0) die("--tls-version is 1.2 or 1.3");
    if (o_tls && !tls_setup(o_tlsversion, o_tlsresume, o_tlsciphers)) die("TLS cannot be set up: %s", ERR_error_string(ERR_peek_error(), NULL));
    if (o_tokens) ntokens = read_lines(o_tokens, &tokens);
    if (o_roomnames) nroomnames = read_lines(o_roomnames, &roomnames);
    if (!o_members) o_members = mode == MODE_FANOUT ? 100 : 1;
    if (mode == MODE_ECHO) { o_rooms = o_conns ? o_conns : 64; o_members = o_senders = 1; o_self = 1; }
    if (mode == MODE_IDLE) { o_rooms = (o_conns ? o_conns : 1000) / o_members; o_senders = 1; }
    if (mode == MODE_CHURN) { o_rooms = o_conns ? o_conns : 64; o_members = o_senders = 1; }
    if (o_threads < 1 || o_members < 1 || o_rooms < 1 || o_senders < 1 || o_senders > o_members || o_window < 1 || o_window > 32768) die("bad shape");
    if (o_threads > o_rooms) o_threads = o_rooms;
    if (o_payload > 65000) die("payload at most 65000");
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    if ((uint64_t)o_rooms * (uint64_t)o_members + 64 > rl.rlim_cur) die("needs more open files than the limit of %lu", (unsigned long)rl.rlim_cur);
    srv = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)o_port)};
    if (inet_pton(AF_INET, o_host, &srv.sin_addr) != 1) die("--host wants an IPv4 address");
    for (wslots = 1; wslots < (uint32_t)o_window * 2; wslots <<= 1) {}
    base = mono();

    ths = xalloc(sizeof(Th) * (size_t)o_threads);
    uint32_t at = 0;
    for (int i = 0; i < o_threads; i++) {
        Th *t = &ths[i];
        t->idx = i;
        t->room0 = at;
        t->nrooms = (uint32_t)o_rooms / (uint32_t)o_threads + ((uint32_t)i < (uint32_t)o_rooms % (uint32_t)o_threads);
        at += t->nrooms;
        t->nconns = t->nrooms * (uint32_t)o_members;
        t->conns = xalloc(sizeof(Conn) * t->nconns);
        uint32_t *nx = xalloc(sizeof(uint32_t) * (size_t)t->nconns * (size_t)o_senders);
        uint32_t ns = t->nrooms * (uint32_t)o_senders;
        t->snd = xalloc(sizeof(Sender) * ns);
        t->ready = xalloc(sizeof(Sender *) * ns);
        uint16_t *ak = mode != MODE_IDLE && mode != MODE_CHURN && !(o_rate > 0) ? xalloc(sizeof(uint16_t) * (size_t)ns * wslots) : NULL;
        for (uint32_t k = 0; k < t->nconns; k++) {
            Conn *c = &t->conns[k];
            c->fd = -1;
            c->room = t->room0 + k / (uint32_t)o_members;
            c->member = k % (uint32_t)o_members;
            c->id = c->room * (uint32_t)o_members + c->member;
            c->next = nx + (size_t)k * (size_t)o_senders;
        }
        for (uint32_t k = 0; k < ns; k++) {
            t->snd[k].c = &t->conns[k / (uint32_t)o_senders * (uint32_t)o_members + k % (uint32_t)o_senders];
            if (ak) t->snd[k].acks = ak + (size_t)k * wslots;
        }
    }
    Sample s_base = sample();
    uint64_t w0 = mono();
    atomic_store(&phase, P_CONNECT);
    for (int i = 0; i < o_threads; i++)
        if (pthread_create(&ths[i].th, NULL, mode == MODE_CHURN ? churner : worker, &ths[i])) die("pthread_create");

    double connect_s = 0;
    uint32_t nconn = (uint32_t)o_rooms * (uint32_t)o_members;
    if (mode != MODE_CHURN) {
        while (atomic_load(&threads_open) < o_threads) {
            nap(0.002);
            if (mono() - w0 > 120ull * 1000000000ull) { fprintf(stderr, "connect phase timed out: %u of %u open\n", atomic_load(&total_open), nconn); break; }
        }
        connect_s = (double)(mono() - w0) / 1e9;
        uint32_t fail = 0;
        for (int i = 0; i < o_threads; i++) fail += ths[i].nfail;
        if (fail || atomic_load(&total_open) < nconn) {
            fprintf(stderr, "only %u of %u connections opened (%u failed)\n", atomic_load(&total_open), nconn, fail);
            if (mode != MODE_IDLE) return 1;
        }
    }
    Hist *conn = xalloc(sizeof(Hist));
    Hist *lat = xalloc(sizeof(Hist));
    if (mode == MODE_IDLE) {
        nap(o_hold);
        Sample s1 = sample();
        uint32_t open = 0;
        uint64_t pings = 0, drops = 0;
        for (int i = 0; i < o_threads; i++) { hmerge(conn, &ths[i].conn_lat); open += ths[i].nopen; pings += ths[i].all.pings; drops += ths[i].all.dropped; }
        atomic_store(&phase, P_DONE);
        for (int i = 0; i < o_threads; i++) pthread_join(ths[i].th, NULL);
        double k = open ? (double)open : 1;
        fprintf(stderr, "idle %-12s %u open, %.0f connects/s, server RSS %ld -> %ld KiB = %.0f B/conn, server CPU %.1f us/connect, kernel (avail - both RSS) see JSON\n", o_label, open,
            (double)open / connect_s, s_base.rss_kb, s1.rss_kb, (double)(s1.rss_kb - s_base.rss_kb) * 1024 / k, (s1.cpu - s_base.cpu) / k * 1e6);
        jout("{\"mode\":\"idle\",\"label\":\"%s\",\"conns\":%u,\"connect_s\":%.3f,\"connects_per_s\":%.0f,\"connect_p50_us\":%.0f,\"connect_p99_us\":%.0f,\"srv_cpu_us_per_connect\":%.1f,"
             "\"rss_base_kb\":%ld,\"rss_kb\":%ld,\"rss_per_conn\":%.0f,\"slab_kb\":%ld,\"tcpmem_kb\":%ld,\"avail_drop_kb\":%ld,\"threads\":%ld,\"pings\":%llu,\"dropped\":%llu,\"load\":%.2f}",
            o_label, open, connect_s, (double)open / connect_s, hq(conn, .5), hq(conn, .99), (s1.cpu - s_base.cpu) / k * 1e6, s_base.rss_kb, s1.rss_kb,
            (double)(s1.rss_kb - s_base.rss_kb) * 1024 / k, s1.slab_kb - s_base.slab_kb, s1.tcpmem_kb - s_base.tcpmem_kb, s_base.avail_kb - s1.avail_kb, s1.threads,
            (unsigned long long)pings, (unsigned long long)drops, loadavg());
        return open == nconn && !drops ? 0 : 1;
    }

    nap(mode == MODE_CHURN ? 0 : 0.2);
    Sample s_conn = sample();
    if (o_settle > 0) nap(o_settle);
    atomic_store(&phase, P_WARM);
    nap(o_warmup);
    Sample a = sample();
    double g0 = self_cpu();
    atomic_store(&phase, P_MEASURE);
    uint64_t t0 = mono();
    nap(o_duration);
    Sample b = sample();
    double g1 = self_cpu();
    atomic_store(&phase, P_DRAIN);
    uint64_t t1 = mono();
    double ld = loadavg();
    while (atomic_load(&threads_drained) < o_threads) nap(0.001);
    double drain_s = (double)(mono() - t1) / 1e9;
    if (mode == MODE_CHURN) nap(0.1);
    atomic_store(&phase, P_DONE);
    for (int i = 0; i < o_threads; i++) pthread_join(ths[i].th, NULL);

    double w = (double)(t1 - t0) / 1e9;
    Stats A = {0}, W = {0};
    uint64_t missing = 0, fails = 0, churned = 0, resumed = 0;
    for (int i = 0; i < o_threads; i++) {
        Th *t = &ths[i];
        hmerge(lat, &t->lat);
        hmerge(conn, &t->conn_lat);
        fails += t->nfail;
        churned += t->churned;
        resumed += t->resumed;
        uint64_t *x = (uint64_t *)&A, *y = (uint64_t *)&t->all, *p = (uint64_t *)&W, *q = (uint64_t *)&t->win;
        for (unsigned k = 0; k < sizeof(Stats) / 8; k++) x[k] += y[k], p[k] += q[k];
        if (mode != MODE_CHURN)
            for (uint32_t r = 0; r < t->nrooms; r++)
                for (int k = 0; k < o_members; k++)
                    for (int s = 0; s < o_senders; s++) {
                        if (!o_self && k == s) continue;
                        missing += t->snd[r * (uint32_t)o_senders + (uint32_t)s].sent - t->conns[r * (uint32_t)o_members + (uint32_t)k].next[s];
                    }
    }
    double cpu = b.cpu - a.cpu, gcpu = g1 - g0;
    double rssconn = (double)(s_conn.rss_kb - s_base.rss_kb) * 1024 / (double)nconn;
    if (mode == MODE_CHURN) {
        double k = churned ? (double)churned : 1;
        fprintf(stderr, "churn %-12s %.0f conn/s, p50 %.0f us p99 %.0f us, server CPU %.1f us/conn, failed %llu\n", o_label, (double)churned / w, hq(conn, .5), hq(conn, .99), cpu / k * 1e6, (unsigned long long)fails);
        jout("{\"mode\":\"churn\",\"label\":\"%s\",\"slots\":%d,\"conn_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f,\"srv_cpu_us\":%.2f,\"gen_cpu_us\":%.2f,\"srv_util\":%.2f,\"failed\":%llu,\"resumed\":%llu,\"rss_base_kb\":%ld,\"rss_kb\":%ld,\"load\":%.2f}",
            o_label, o_rooms, (double)churned / w, hq(conn, .5), hq(conn, .99), (double)conn->max / 1e3, cpu / k * 1e6, gcpu / k * 1e6, cpu / w, (unsigned long long)fails, (unsigned long long)resumed, s_base.rss_kb, b.rss_kb, ld);
        return fails ? 1 : 0;
    }
    bool ok = !A.gaps && !A.late && !A.foreign && !A.perr && !A.dropped && !missing;
    double k = W.deliv ? (double)W.deliv : 1;
    double usr = b.usr - a.usr, sy = b.sys - a.sys, us = usr + sy > 0 ? usr / (usr + sy) : 0;
    fprintf(stderr, "%s %-12s %dx%d s=%d w=%d rate=%.0f P=%d: %.0f deliv/s, p50 %.0f p99 %.0f p99.9 %.0f max %.0f us, server CPU %.0f ns/deliv (util %.2f), gen %.0f ns/deliv (util %.2f), %s\n", m, o_label, o_rooms,
        o_members, o_senders, o_rate > 0 ? 0 : o_window, o_rate, o_payload, (double)W.deliv / w, hq(lat, .5), hq(lat, .99), hq(lat, .999), (double)lat->max / 1e3, cpu / k * 1e9, cpu / w, gcpu / k * 1e9, gcpu / w,
        ok ? "exactly once, in order" : "NOT INTACT");
    jout("{\"mode\":\"%s\",\"label\":\"%s\",\"rooms\":%d,\"members\":%d,\"senders\":%d,\"window\":%d,\"rate\":%.0f,\"payload\":%d,\"secs\":%.3f,\"sent_total\":%llu,\"deliv_total\":%llu,\"sent_s\":%.0f,\"deliv_s\":%.0f,\"bytes_per_deliv\":%.1f,"
         "\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,\"mean_us\":%.1f,\"srv_cpu_ns\":%.0f,\"srv_user_frac\":%.2f,\"srv_util\":%.3f,\"gen_cpu_ns\":%.0f,\"gen_util\":%.3f,"
         "\"msgs_per_recv\":%.2f,\"events_per_wait\":%.1f,\"joined\":%llu,\"gaps\":%llu,\"late\":%llu,\"missing\":%llu,\"foreign\":%llu,\"other_msgs\":%llu,\"proto_err\":%llu,\"dropped\":%llu,\"intact\":%s,"
         "\"connects_per_s\":%.0f,\"rss_base_kb\":%ld,\"rss_per_conn\":%.0f,\"rss_end_kb\":%ld,\"threads\":%ld,\"drain_s\":%.3f,\"busy\":%.2f,\"steal\":%.2f,\"load\":%.2f}",
        m, o_label, o_rooms, o_members, o_senders, o_rate > 0 ? 0 : o_window, o_rate, o_payload, w, (unsigned long long)A.sent, (unsigned long long)A.deliv, (double)W.sent / w, (double)W.deliv / w, (double)W.deliv_bytes / k, hq(lat, .5), hq(lat, .9), hq(lat, .99),
        hq(lat, .999), (double)lat->max / 1e3, lat->n ? (double)lat->sum / (double)lat->n / 1e3 : 0, cpu / k * 1e9, us, cpu / w, gcpu / k * 1e9, gcpu / w, W.recvs ? (double)W.deliv / (double)W.recvs : 0,
        W.waits ? (double)W.recvs / (double)W.waits : 0, (unsigned long long)A.joined, (unsigned long long)A.gaps, (unsigned long long)A.late, (unsigned long long)missing, (unsigned long long)A.foreign,
        (unsigned long long)A.unparsed, (unsigned long long)A.perr, (unsigned long long)A.dropped, ok ? "true" : "false", (double)nconn / connect_s, s_base.rss_kb, rssconn, b.rss_kb, b.threads, drain_s,
        b.busy - a.busy, b.steal - a.steal, ld);
    return ok ? 0 : 1;
}
