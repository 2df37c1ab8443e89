#ifndef SLAD_SLACTL_BACKLOG_H
#define SLAD_SLACTL_BACKLOG_H

/*
 * Recorded events put into the histories of one or two engines, for questions that are asked once at the end
 * (whatif, explain): nothing is announced.
 */
#include "slactl/event_lines.h"

enum { BACKLOG_ENGINES_MAX = 2 };

struct map;

struct backlog {
    struct event_lines
        lines; /* has_until, until_ms: set by the caller before reading; has_t, t_ms, failed: after */
    struct engine *engines[BACKLOG_ENGINES_MAX];
    size_t engines_count;
    /* Set by the caller before backlog_init: it learns what the tickets read teach, and the engine asks it
     * (one engine only); the engine goes through time from the beginning. NULL: nothing is asked. Borrowed.
     */
    struct foresight *learner;
    struct foresight_contexts contexts; /* the learner's */
    bool merges;
    bool awake;          /* a ticket may have retired: time passes for the engines */
    struct map *tickets; /* when each had its last event */
    struct arena *arena; /* of those */
};

/* One engine a set (borrowed, as symbols). command: "whatif", for messages. */
void backlog_init(struct backlog *backlog, const char *command, struct symbols *symbols,
                  struct policy_set *const *sets, size_t sets_count, bool keep_ids);
/* Reads NDJSON as slactl replay does, up to until; no paths: standard input. What is no good goes to stderr
 * as a dead letter. Then lets merges speak to the tickets they concern. */
void backlog_read(struct backlog *backlog, char **paths, int paths_count);
void backlog_done(struct backlog *backlog);

#endif
