/*
 * The course of one transaction.
 *
 * What: begin, offsets, produce, settle, commit; from any of them to abort, or to a new producer.
 *
 * Why so: what an unknown outcome leads to is the heart of "exactly once"; as a table of steps it can be
 * tried with every answer at every step. Offsets come first because the brokers may still be finishing the
 * last transaction: librdkafka asks again for offsets after retry.backoff.ms, but for the first partition of
 * a record only after 20 ms. A generation that has passed is refused before a record is out, too.
 *
 * Always true: COMMITTED only after the commit was answered; ABORTED only after the abort was; everything
 * else is FATAL, and only when a new producer has settled what was left.
 *
 * Not here: the calls and what their errors mean (transaction.c); what the loop makes of the result
 * (protocol.c).
 */
#include "shell/course.h"
#include "base/panic.h"

void
course_begin(struct course *course)
{
    course->step = COURSE_BEGIN;
    course->result = TRANSACTION_COMMITTED;
}

static void
course_lose(struct course *course)
{
    course->step = COURSE_RENEW;
    course->result = TRANSACTION_FATAL;
}

void
course_go(struct course *course, enum course_verdict verdict)
{
    must(course->step != COURSE_ENDED);
    if (verdict == COURSE_AGAIN && course->step != COURSE_BEGIN)
        return;
    if (course->step == COURSE_RENEW) {
        if (verdict != COURSE_GOES_ON)
            course->result = TRANSACTION_STOPPED;
        course->step = COURSE_ENDED;
    } else if (verdict == COURSE_IS_LOST || verdict == COURSE_AGAIN ||
               (verdict == COURSE_MUST_ABORT && course->step == COURSE_ABORT))
        course_lose(course);
    else if (verdict == COURSE_MUST_ABORT) {
        course->step = COURSE_ABORT;
        course->result = TRANSACTION_ABORTED;
    } else
        course->step =
            course->step == COURSE_COMMIT || course->step == COURSE_ABORT ? COURSE_ENDED : course->step + 1;
}
