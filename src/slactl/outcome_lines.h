#ifndef SLAD_SLACTL_OUTCOME_LINES_H
#define SLAD_SLACTL_OUTCOME_LINES_H

/*
 * Outcomes in the order of the log, one call of take a record, from wherever they are: a file of NDJSON
 * (records alone, or {"offset":N,"value":RECORD} as a reader of the topic writes them) or the topic itself.
 */
#include "base/buffer.h"
#include "slactl/reach.h"

struct outcome_line {
    struct slice text;  /* the record alone; lives until take returns */
    int64_t offset;     /* in the topic; -1: the line does not say */
    const char *source; /* the file or the topic; NULL: standard input */
    uint64_t number;    /* of the line, from 1; of the topic: the offset */
};

struct outcome_taker {
    void (*take)(void *context, const struct outcome_line *line);
    void *context;
};

/* Takes what is wrapped out of {"offset":N,"value":RECORD}; any other line is a record alone, offset -1. */
struct slice outcome_lines_unwrap(struct slice line, int64_t *ret_offset);

/* path NULL or "-": standard input. Blank lines are passed over; a line that is too long comes cut, so that
 * it cannot be read. 0, or -1 with errno. */
int outcome_lines_read_file(const char *path, const struct outcome_taker *taker);

/* slad.outcomes of an installation that reach has opened, as read_committed, from its beginning to where it
 * ended when this began. 0, or -1 with the reason. */
int outcome_lines_read_topic(const struct reach *reach, const struct outcome_taker *taker,
                             char error[KAFKA_ERROR_BYTES]);

/* Either the topic, when reach is open, or these files, or standard input without any. 0, or -1: what failed
 * was said on standard error under the command's name, the other files were read all the same. */
int outcome_lines_read(const char *command, const struct reach *reach, int paths_count, char *const *paths,
                       const struct outcome_taker *taker);

/* Where it stands, for people: "FILE:12", "line 12" or "slad.outcomes:12". Appended. */
void outcome_lines_place(const struct outcome_line *line, struct buffer *out);

#endif
