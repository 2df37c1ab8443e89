#ifndef SLAD_SLACTL_BACKLOG_H
#define SLAD_SLACTL_BACKLOG_H

/*
 * Recorded events put into the histories of one or two engines, for questions that are asked once at the end
 * (whatif, explain): nothing is announced and nothing fires on the way.
 */
#include "slad/engine.h"
#include <stdio.h>

enum { BACKLOG_ENGINES_MAX = 2 };

struct event_reader;

struct backlog {
    const char *command; /* "slactl whatif", for messages */
    struct engine *engines[BACKLOG_ENGINES_MAX];
    size_t engines_count;
    bool has_until; /* set by the caller before reading */
    int64_t until_ms;
    bool has_t;   /* something was read, or has_until */
    int64_t t_ms; /* the instant to ask about: until, else the last arrival */
    bool merges;
    bool failed; /* a file could not be read; it was said */
    struct event_reader *reader;
    struct buffer errors;
};

/* One engine a set (borrowed, as symbols). */
void backlog_init(struct backlog *backlog, const char *command, struct symbols *symbols,
                  struct policy_set *const *sets, size_t sets_count, bool keep_ids);
/* Reads NDJSON as slactl replay does, up to until; no paths: standard input. What is no good goes to stderr
 * as a dead letter. Then lets merges speak to the tickets they concern. */
void backlog_read(struct backlog *backlog, char **paths, int paths_count);
void backlog_done(struct backlog *backlog);

#endif
