/*
 * A learner into bytes, beside the loop.
 *
 * What: a thread with a queue in and a queue out, as the loaders have.
 *
 * Why so: the learner must stand still while it is written, and the loop must not. So it is lent, and whoever
 * lent it reads nothing that it would have to learn meanwhile: less than a tenth of a second, once a minute.
 *
 * Always true: at most one learner is lent, and it comes back.
 *
 * Not here: when it is written, and what for (learning.c).
 */
#include "shell/scribe.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/handover.h"
#include <pthread.h>

enum { SCRIBE_WAIT_MS = 1000 };

struct scribe_work {
    struct foresight *learner;
    enum scribe_wish wish;
    struct buffer bytes;
};

struct scribe {
    struct handover *asked, *done;
    bool lent;
    pthread_t thread;
};

static void *
scribe_thread(void *context)
{
    struct scribe *scribe = context;

    while (!handover_is_closed(scribe->asked) || handover_count(scribe->asked) > 0) {
        struct scribe_work *work = handover_take_wait(scribe->asked, SCRIBE_WAIT_MS);

        if (work == NULL)
            continue;
        if (work->wish == SCRIBE_STATE)
            foresight_save(work->learner, &work->bytes);
        else
            foresight_publish(work->learner, &work->bytes);
        must(handover_put(scribe->done, work));
    }
    return NULL;
}

struct scribe *
scribe_new(void)
{
    struct scribe *scribe = memory_allocate_zeroed(1, sizeof *scribe);

    scribe->asked = handover_new(1);
    scribe->done = handover_new(1);
    must(pthread_create(&scribe->thread, NULL, scribe_thread, scribe) == 0);
    return scribe;
}

void
scribe_free(struct scribe *scribe)
{
    struct buffer nobody = {0};

    if (scribe == NULL)
        return;
    if (scribe->lent)
        scribe_take_wait(scribe, &nobody);
    buffer_free(&nobody);
    handover_close(scribe->asked);
    must(pthread_join(scribe->thread, NULL) == 0);
    handover_free(scribe->asked);
    handover_free(scribe->done);
    memory_free(scribe);
}

void
scribe_ask(struct scribe *scribe, struct foresight *learner, enum scribe_wish wish, struct buffer *out)
{
    struct scribe_work *work = memory_allocate_zeroed(1, sizeof *work);

    must(!scribe->lent);
    scribe->lent = true;
    work->learner = learner;
    work->wish = wish;
    work->bytes = *out;
    *out = (struct buffer){0};
    must(handover_put(scribe->asked, work));
}

static bool
scribe_end(struct scribe *scribe, struct scribe_work *work, struct buffer *out)
{
    if (work == NULL)
        return false;
    scribe->lent = false;
    must(out->bytes == 0);
    buffer_free(out);
    *out = work->bytes;
    memory_free(work);
    return true;
}

bool
scribe_take(struct scribe *scribe, struct buffer *out)
{
    return scribe->lent && scribe_end(scribe, handover_take(scribe->done), out);
}

void
scribe_take_wait(struct scribe *scribe, struct buffer *out)
{
    must(scribe->lent);
    while (!scribe_end(scribe, handover_take_wait(scribe->done, SCRIBE_WAIT_MS), out))
        continue;
}
