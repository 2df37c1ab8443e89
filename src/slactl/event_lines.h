#ifndef SLAD_SLACTL_EVENT_LINES_H
#define SLAD_SLACTL_EVENT_LINES_H

/*
 * Recorded events from files, one after another with the instant at which each arrives (rulings R13, R14,
 * R38): what replay, whatif and explain read alike. Bad lines go to standard error as dead letters.
 */
#include "base/buffer.h"
#include "slad/engine.h"

struct event_reader;

struct event_lines {
    const char *command; /* "replay", for messages */
    void *context;
    /* T is now t_ms: it never goes back. Before the event is looked at. May be NULL. */
    void (*arrive)(void *context, int64_t t_ms);
    /* The event itself; what is answered as refused is said as a dead letter. */
    struct engine_answer (*take)(void *context, const struct event *event, int64_t t_ms);
    bool has_until; /* what lies beyond is not read */
    int64_t until_ms;
    int64_t accept_age_ms; /* config's: what says when it arrived may be so old by then. 0: 400 d */
    /* what came of it */
    bool has_t;   /* something was read, or has_until */
    int64_t t_ms; /* until, else the last arrival */
    bool failed;  /* a file could not be read; it was said. The taker may set it to end the reading */
    struct event_reader *reader;
    struct buffer errors;
};

/* --accept-age: 0, or -1 when it is no duration. */
int event_lines_take_age(struct event_lines *lines, const char *text);
/* Every line of the files, standard input without any. Then t_ms is until, if there is one. */
void event_lines_read(struct event_lines *lines, char *const *paths, int paths_count);
void event_lines_done(struct event_lines *lines);

#endif
