/* TLS for wsload's connections: one shared context, non-blocking, no check of the certificate (the server is on loopback).
 *
 * Reads and writes look like recv() and send(): -1 with EAGAIN when the socket is not ready, 0 when the peer is done.
 */
#pragma once
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

static SSL_CTX *tls_ctx;
static bool tls_resume;
/* Of this thread: the newest session of any connection, and how many handshakes were shortened by one. */
static __thread SSL_SESSION *tls_session;
static __thread unsigned long tls_resumed;

static int tls_keep_session(SSL *s, SSL_SESSION *session) {
    (void)s;
    if (tls_session) SSL_SESSION_free(tls_session);
    tls_session = session;
    return 1; /* the reference is ours now */
}
/* version is 0x0303, 0x0304 or 0 for what both sides like best. */
static bool tls_setup(int version, bool resume, const char *ciphers) {
    tls_ctx = SSL_CTX_new(TLS_client_method());
    if (!tls_ctx) return false;
    tls_resume = resume;
    SSL_CTX_set_verify(tls_ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(tls_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    static const unsigned char alpn[] = "\x08http/1.1";
    if (SSL_CTX_set_alpn_protos(tls_ctx, alpn, sizeof alpn - 1)) return false;
    if (version && (!SSL_CTX_set_min_proto_version(tls_ctx, version) || !SSL_CTX_set_max_proto_version(tls_ctx, version))) return false;
    if (ciphers && !(version == TLS1_2_VERSION ? SSL_CTX_set_cipher_list(tls_ctx, ciphers) : SSL_CTX_set_ciphersuites(tls_ctx, ciphers))) return false;
    SSL_CTX_set_session_cache_mode(tls_ctx, resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    if (resume) SSL_CTX_sess_set_new_cb(tls_ctx, tls_keep_session);
    return true;
}
static SSL *tls_open(int fd) {
    SSL *s = SSL_new(tls_ctx);
    if (!s || !SSL_set_fd(s, fd)) return NULL;
    if (tls_resume && tls_session) SSL_set_session(s, tls_session);
    SSL_set_connect_state(s);
    return s;
}
static ssize_t tls_result(SSL *s, int r) {
    if (r > 0) return r;
    int saved = errno;
    switch (SSL_get_error(s, r)) {
    case SSL_ERROR_WANT_READ: case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: errno = saved ? saved : ECONNRESET; break;
    default: errno = EPROTO;
    }
    return -1;
}
static ssize_t tls_recv(SSL *s, void *d, size_t n) {
    ERR_clear_error();
    errno = 0;
    return tls_result(s, SSL_read(s, d, n > 1 << 30 ? 1 << 30 : (int)n));
}
static ssize_t tls_send(SSL *s, const void *d, size_t n) {
    ERR_clear_error();
    errno = 0;
    return tls_result(s, SSL_write(s, d, n > 1 << 30 ? 1 << 30 : (int)n));
}
/* 1 when the handshake is done, -1 with EAGAIN or the reason why not. */
static int tls_handshake(SSL *s) {
    ERR_clear_error();
    errno = 0;
    int r = SSL_do_handshake(s);
    if (r == 1) {
        if (SSL_session_reused(s)) tls_resumed++;
        return 1;
    }
    return tls_result(s, r) == 0 ? (errno = EPROTO, -1) : -1;
}
