/* libwebsockets as the bare listener's rival: one thread, no extensions.
 *
 * GET with an upgrade and event_id=N joins room N, where each text goes to all members; any other GET answers 15 bytes of JSON.
 * A publication is one shared buffer; a member that is writable takes what it has until the socket is full.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ROOMS = 16384, HELD = 1024 };
struct message { size_t length; unsigned references; unsigned char bytes[]; };
struct room { struct member *first; };
struct member {
    struct lws *wsi;
    struct room *room;
    struct member *next, **link;
    struct message **queue; /* a ring, made when the first message waits */
    unsigned head, count;
    struct message *partial; /* a text that has come in parts so far */
};
static struct room rooms[ROOMS];

static void release(struct message *m) {
    if (!--m->references) free(m);
}
static void publish(struct room *room, struct message *m) {
    for (struct member *p = room->first; p; p = p->next) {
        if (!p->queue) p->queue = calloc(HELD, sizeof *p->queue);
        if (p->count == HELD) { lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC); continue; }
        p->queue[(p->head + p->count) % HELD] = m;
        m->references++;
        if (!p->count++) lws_callback_on_writable(p->wsi);
    }
}
static int received(struct member *p, const void *d, size_t n) {
    size_t had = p->partial ? p->partial->length : 0;
    struct message *m = realloc(p->partial, sizeof *m + LWS_PRE + had + n);
    if (!p->partial) m->references = 1;
    m->length = had + n;
    memcpy(m->bytes + LWS_PRE + had, d, n);
    p->partial = m;
    if (lws_remaining_packet_payload(p->wsi) || !lws_is_final_fragment(p->wsi)) return 0;
    p->partial = NULL;
    publish(p->room, m);
    release(m);
    return 0;
}
static int writable(struct member *p) {
    while (p->count) {
        struct message *m = p->queue[p->head];
        if (lws_write(p->wsi, m->bytes + LWS_PRE, m->length, LWS_WRITE_TEXT) < (int)m->length) return -1;
        release(m);
        p->head = (p->head + 1) % HELD;
        p->count--;
        if (p->count && lws_send_pipe_choked(p->wsi)) { lws_callback_on_writable(p->wsi); break; }
    }
    return 0;
}
static int answer(struct lws *wsi) {
    static const char json[] = "{\"hello\":\"you\"}";
    unsigned char b[LWS_PRE + 512], *start = b + LWS_PRE, *p = start, *end = b + sizeof b;
    if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "application/json", sizeof json - 1, &p, end)) return 1;
    if (lws_finalize_http_header(wsi, &p, end)) return 1;
    memcpy(p, json, sizeof json - 1); /* head and content in one write */
    p += sizeof json - 1;
    if (lws_write(wsi, start, (size_t)(p - start), LWS_WRITE_HTTP_HEADERS) < 0) return 1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}
static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n) {
    struct member *p = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP: return answer(wsi);
    case LWS_CALLBACK_ESTABLISHED: {
        char value[32];
        const char *id = lws_get_urlarg_by_name(wsi, "event_id=", value, sizeof value);
        memset(p, 0, sizeof *p);
        p->wsi = wsi;
        p->room = &rooms[id ? (unsigned long)atol(id) % ROOMS : 0];
        p->next = p->room->first;
        p->link = &p->room->first;
        if (p->next) p->next->link = &p->next;
        p->room->first = p;
        return 0;
    }
    case LWS_CALLBACK_RECEIVE: return received(p, in, n);
    case LWS_CALLBACK_SERVER_WRITEABLE: return writable(p);
    case LWS_CALLBACK_CLOSED:
        *p->link = p->next;
        if (p->next) p->next->link = p->link;
        while (p->count) { release(p->queue[p->head]); p->head = (p->head + 1) % HELD; p->count--; }
        free(p->queue);
        free(p->partial);
        return 0;
    default: return 0;
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    lws_set_log_level(LLL_ERR, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct lws_protocols protocols[] = {{"rooms", callback, sizeof(struct member), 65536, 0, NULL, 0}, {0}};
    struct lws_context_creation_info info = {.port = atoi(argv[1]), .protocols = protocols, .iface = "127.0.0.1", .pt_serv_buf_size = 65536, .keepalive_timeout = 600};
    struct lws_context *context = lws_create_context(&info);
    if (!context) return 1;
    while (lws_service(context, 0) >= 0) {}
}
