#ifndef SLAD_SHELL_WORLD_H
#define SLAD_SHELL_WORLD_H

/*
 * What every role of this process shares: settings, the log, the policies, the time of this turn. The daemon
 * owns and fills it; the roles read it. The loop thread only.
 */
#include "base/hash.h"
#include "base/symbols.h"
#include "shell/config.h"
#include "shell/kafka.h"
#include "shell/log.h"
#include "shell/metrics.h"
#include "shell/topics.h"
#include "slad/policy.h"

struct foresight_table;
struct poison;
struct policy_book;

struct world {
    const struct config *config;
    struct log *log;
    struct metrics *metrics;
    struct poison *poison; /* NULL: deaths are not counted */
    struct kafka kafka;
    struct topics topics;
    struct symbols *symbols;
    const struct policy_set *policies;       /* as on disk: for what belongs to no task */
    const struct foresight_table *foresight; /* what ticket tasks look up; NULL: nothing was learned yet */
    struct batch_store *batches;             /* what epochs are written on; NULL: the heap */
    struct policy_book *book;                /* NULL: tasks go by `policies` and keep no versions */
    struct hash128 writer;                   /* drawn at the start of this process */
    char *group;                             /* consumer group of the ticket role: "slad-tickets" */
    int32_t partitions_count;                /* of tickets, once the topics were looked at */
    int32_t feedback_partitions_count;
    const char *api_url; /* for `open` records; NULL: none */
    char *source;        /* "/slad": ce_source */
    int64_t started_at_ms;
    uint64_t tasks_made; /* for task serials */
    /* of this turn */
    int64_t now_ms; /* wall, as timers may use it (wallclock_now_ms) */
    int64_t now_mono_ms;
};

#endif
