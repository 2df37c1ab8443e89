#ifndef SLAD_SHELL_COURSE_H
#define SLAD_SHELL_COURSE_H

/*
 * The course of one transaction, step by step, without I/O: which call comes next, and what its answer leads
 * to. The thread (transaction.c) makes the calls; the simulation plays them.
 */
#include <stdbool.h>

enum course_step {
    COURSE_BEGIN,
    COURSE_OFFSETS, /* before the records: see course.c */
    COURSE_PRODUCE,
    COURSE_SETTLE, /* wait for every delivery report */
    COURSE_COMMIT,
    COURSE_ABORT,
    COURSE_RENEW, /* throw the producer away, make a new one, have it settle what the old one left */
    COURSE_ENDED
};

/* What an answer means for the transaction. */
enum course_verdict {
    COURSE_GOES_ON,
    COURSE_AGAIN,      /* not answered: the same call again */
    COURSE_MUST_ABORT, /* nothing has happened and nothing may */
    COURSE_IS_LOST     /* nobody knows what happened; or the call was given up */
};

enum transaction_result {
    TRANSACTION_READY, /* no job of the loop's: the producer is there, its leftovers are aborted */
    TRANSACTION_COMMITTED,
    TRANSACTION_ABORTED, /* nothing happened: may be sent again as it is */
    TRANSACTION_FATAL,   /* nobody knows; a new producer is in place and nothing is pending any more */
    TRANSACTION_STOPPED  /* given up because of transaction_stop; nobody knows */
};

struct course {
    enum course_step step;
    enum transaction_result result; /* when it has ended */
};

void course_begin(struct course *course);
/* The present step was answered so: on to the next. */
void course_go(struct course *course, enum course_verdict verdict);

#endif
