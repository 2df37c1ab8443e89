/*
 * What: an OpenSSL context of certificate and key, made anew when the files are.
 *
 * Why this way: a renewed certificate is two files that change one after the other; each change is tried, and
 * what does not fit together (yet) leaves the context as it was. A connection holds its context, so an old
 * one lives as long as the last of its connections.
 *
 * Always true: nothing below TLS 1.2, no compression, no renegotiation; a key that does not belong to the
 * certificate is never taken.
 *
 * Not here: when a handshake takes too long (the door's time-outs).
 */
#include "shell/tls.h"
#include "base/memory.h"
#include "base/panic.h"
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

struct tls {
    const struct config *config;
    struct log *log;
    struct metrics *metrics;
    SSL_CTX *context;
    struct stat seen[2]; /* certificate, key */
};

/* The protocol over it is HTTP/1.1, whatever else is offered. */
static int
choose_protocol(SSL *connection, const unsigned char **chosen, unsigned char *chosen_bytes,
                const unsigned char *offered, unsigned int offered_bytes, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;

    (void)connection;
    (void)context;
    if (SSL_select_next_proto(&found, chosen_bytes, ours, sizeof ours - 1, offered, offered_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static int
no_password(char *out, int room, int writing, void *context)
{
    (void)out;
    (void)room;
    (void)writing;
    (void)context;
    return 0;
}

/* NULL: the first of OpenSSL's reasons is in why. */
static SSL_CTX *
context_new(const struct config *config, char why[256])
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    must(context != NULL);
    ERR_clear_error();
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
        SSL_CTX_use_certificate_chain_file(context, config->tls_certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, config->tls_key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context) == 1)
        return context;
    ERR_error_string_n(ERR_get_error(), why, 256);
    SSL_CTX_free(context);
    return NULL;
}

static bool
look(const struct tls *tls, struct stat ret_seen[2])
{
    return stat(tls->config->tls_certificate, &ret_seen[0]) == 0 &&
           stat(tls->config->tls_key, &ret_seen[1]) == 0;
}

static int
load(struct tls *tls)
{
    char why[256] = "";
    SSL_CTX *fresh = context_new(tls->config, why);

    if (fresh == NULL) {
        metrics_add(tls->metrics, METRIC_TLS_REFUSED, 0, 1);
        log_write(tls->log, LOG_ERROR, "certificate_refused",
                  LOG_TEXT("certificate", tls->config->tls_certificate),
                  LOG_TEXT("key", tls->config->tls_key), LOG_TEXT("why", why));
        return -1;
    }
    SSL_CTX_free(tls->context);
    tls->context = fresh;
    log_write(tls->log, LOG_NOTICE, "certificate_loaded",
              LOG_TEXT("certificate", tls->config->tls_certificate));
    return 0;
}

struct tls *
tls_new(const struct config *config, struct log *log, struct metrics *metrics)
{
    struct tls *tls = memory_allocate_zeroed(1, sizeof *tls);

    tls->config = config;
    tls->log = log;
    tls->metrics = metrics;
    (void)look(tls, tls->seen);
    if (load(tls) == 0)
        return tls;
    tls_free(tls);
    return NULL;
}

void
tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    memory_free(tls);
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
tls_refresh(struct tls *tls)
{
    struct stat now[2];

    if (tls == NULL || !look(tls, now) ||
        (is_same_file(&now[0], &tls->seen[0]) && is_same_file(&now[1], &tls->seen[1])))
        return;
    tls->seen[0] = now[0];
    tls->seen[1] = now[1];
    (void)!load(tls);
}

struct bufferevent *
tls_accept(struct tls *tls, struct event_base *base)
{
    SSL *connection = SSL_new(tls->context);
    struct bufferevent *out;

    must(connection != NULL);
    out = bufferevent_openssl_socket_new(base, -1, connection, BUFFEREVENT_SSL_ACCEPTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    must(out != NULL);
    bufferevent_openssl_set_allow_dirty_shutdown(out, 1);
    return out;
}
