#ifndef SLAD_SHELL_SCORE_LOAD_H
#define SLAD_SHELL_SCORE_LOAD_H

/*
 * The score task's state made ready beside the loop: a score side of its own (names, policies, records), out
 * of the snapshot in Redis that fits, else empty. One thread; one load after the other.
 */
#include "shell/config.h"
#include "shell/log.h"
#include "shell/score_plan.h"
#include "slad/scores.h"

/* A score side with all it needs and shares with nobody: whoever holds it may use it, on any thread. */
struct score_home {
    struct symbols *symbols;
    struct policy_set *set;
    struct scores *scores;
};
/* sources: versions as restore_plan_add writes them, id and source, sound. options.symbols is filled in. The
 * score side is new, and rebuilding. */
struct score_home *score_home_new(const struct scores_options *options, struct slice sources);
/* Other versions from now on. */
void score_home_set_policies(struct score_home *home, struct slice sources, int64_t t_ms);
void score_home_free(struct score_home *home); /* NULL is fine */

/* Asked. */
struct score_load {
    uint64_t serial; /* of the assignment it is for */
    struct scores_options options;
    struct buffer sources;
    struct score_found found;   /* without its note's policies */
    struct score_note identity; /* likewise */
    bool snapshots;             /* whether Redis is to be asked */
    int64_t now_ms;
    /* answered */
    struct score_home *home;
    int64_t offset;        /* of slad.outcomes: from here on it is to be folded */
    struct buffer learned; /* the caller's own parts, one behind the other */
    struct buffer head, before;
    int used; /* as in snapshot_plan_options */
    int64_t took_ms;
};
void score_load_free(struct score_load *load); /* with what it holds; NULL is fine */

struct score_loader;

/* Starts the thread. config and log are borrowed and outlive it. */
struct score_loader *score_loader_new(const struct config *config, struct log *log);
void score_loader_free(struct score_loader *loader); /* ends the load at hand; NULL is fine */
/* Takes the load. */
void score_loader_submit(struct score_loader *loader, struct score_load *load);
/* One that is done, or NULL; the caller's. */
struct score_load *score_loader_take(struct score_loader *loader);
int score_loader_descriptor(const struct score_loader *loader); /* see handover.h */
void score_loader_clear(struct score_loader *loader);

#endif
