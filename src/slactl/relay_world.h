#ifndef SLAD_SLACTL_RELAY_WORLD_H
#define SLAD_SLACTL_RELAY_WORLD_H

/* What the parts of a relay share, and what a sink is. relay.c owns it all. */
#include "slactl/http_client.h"
#include "slactl/relay_alert.h"
#include "slactl/relay_retry.h"
#include "slactl/relay_source.h"
#include "slactl/secret.h"

enum relay_to { RELAY_TO_ALERTMANAGER, RELAY_TO_PAGERDUTY, RELAY_TO_WEBHOOK, RELAY_TO_COUNT };
enum { RELAY_URLS_MAX = 4, RELAY_SECRETS_MAX = 4, RELAY_LANES_MAX = 64, RELAY_LABELS_MAX = 8 };

struct relay_options {
    enum relay_to to;
    const char *urls[RELAY_URLS_MAX];
    size_t urls_count;
    const char *secret_files[RELAY_SECRETS_MAX]; /* pagerduty: the routing key; webhook: signing secrets */
    size_t secret_files_count;
    const char *token_file, *ca_file, *board_url, *group, *instance; /* NULL: none */
    struct relay_filter filter;
    enum relay_field labels[RELAY_LABELS_MAX]; /* alertmanager: more of them */
    size_t labels_count;
    struct relay_retry retry;
    int64_t timeout_ms, resend_ms, report_every_ms;
    int64_t lanes_count, queue_max, alerts_max;
    bool from_now, once;
};

struct relay_counts {
    uint64_t read, filtered, unreadable, delivered, retried, refused, given_up, bound_hits;
};

struct relay_world {
    const struct relay_options *options;
    struct log *log;
    struct http_client *http;
    struct relay_source *source;
    struct relay_counts counts;
    const char *installation;                        /* its prefix */
    struct buffer token, secrets[RELAY_SECRETS_MAX]; /* read at the start and before every attempt */
    bool gone;                                       /* the receiver wants no more */
};

/* Reads token and secrets again; one that cannot be read stays as it was. */
void relay_world_refresh(struct relay_world *world);
/* A number that others do not guess. */
uint64_t relay_world_random(void);
/* The token's first line, or NULL: lives until the next refresh. */
const char *relay_world_token(const struct relay_world *world, struct buffer *scratch);

/*
 * Where alerts go. Instants are monotonic ms. A sink keeps what it is given until it is delivered or refused,
 * then gives the mark back; marks may be NULL.
 */
struct relay_sink {
    void *self;
    /* Of one key in order. What is borrowed lives for the call. offset: the record's. */
    void (*take)(void *self, const struct relay_alert *alert, const struct relay_message *message);
    /* Begins what is due. When something is due next; INT64_MAX: nothing before an exchange ends. */
    int64_t (*step)(void *self, int64_t now_mono_ms);
    /* An exchange that it began has ended. */
    void (*finish)(void *self, void *context, const struct http_response *response, int64_t now_mono_ms);
    /* Of this partition nothing is kept, and every mark is given back. */
    void (*forget)(void *self, int32_t partition);
    size_t (*waiting)(const void *self); /* records, or alerts, that nobody has taken yet */
    void (*free)(void *self);
};

struct relay_sink relay_queue_sink(struct relay_world *world);        /* pagerduty, webhook */
struct relay_sink relay_alertmanager_sink(struct relay_world *world); /* alertmanager */

#endif
