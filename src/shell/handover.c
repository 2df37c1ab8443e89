/*
 * Handing whole things from one thread to another.
 *
 * What: a ring of pointers under one mutex, two conditions for those who wait, one eventfd for those who
 * poll.
 *
 * Why so: the threads of slad share nothing in place. A buffer belongs to one thread, then to the next; the
 * only moment both can touch something is inside these few lines, and that moment is what the thread
 * sanitizer is run on. A lock-free ring would save some hundred nanoseconds a buffer of thousands of records:
 * not worth its proof.
 *
 * Always true: count <= items_max; items leave in the order they came; the eventfd is written after the item
 * is in the ring, so a reader that clears first and takes afterwards misses nothing.
 *
 * Not here: what an item is, and who frees it.
 */
#include "shell/handover.h"
#include "base/memory.h"
#include "base/panic.h"
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct handover {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    void **items;
    size_t items_max, first, count;
    bool closed;
    int descriptor;
};

struct handover *
handover_new(size_t items_max)
{
    struct handover *handover = memory_allocate_zeroed(1, sizeof *handover);
    pthread_condattr_t attributes;

    must(items_max >= 1);
    must(pthread_mutex_init(&handover->lock, NULL) == 0);
    must(pthread_condattr_init(&attributes) == 0);
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&handover->not_empty, &attributes) == 0);
    must(pthread_cond_init(&handover->not_full, NULL) == 0);
    pthread_condattr_destroy(&attributes);
    handover->items = memory_allocate_zeroed(items_max, sizeof *handover->items);
    handover->items_max = items_max;
    handover->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (handover->descriptor < 0)
        panic("no file descriptor left for a queue");
    return handover;
}

void
handover_free(struct handover *handover)
{
    if (handover == NULL)
        return;
    close(handover->descriptor);
    pthread_cond_destroy(&handover->not_full);
    pthread_cond_destroy(&handover->not_empty);
    pthread_mutex_destroy(&handover->lock);
    memory_free(handover->items);
    memory_free(handover);
}

static void
handover_ring(struct handover *handover)
{
    uint64_t one = 1;
    ssize_t written;

    do
        written = write(handover->descriptor, &one, sizeof one);
    while (written < 0 && errno == EINTR);
}

bool
handover_put(struct handover *handover, void *item)
{
    bool put;

    must(item != NULL);
    pthread_mutex_lock(&handover->lock);
    while (handover->count == handover->items_max && !handover->closed)
        pthread_cond_wait(&handover->not_full, &handover->lock);
    put = !handover->closed;
    if (put) {
        handover->items[(handover->first + handover->count) % handover->items_max] = item;
        handover->count++;
        pthread_cond_signal(&handover->not_empty);
        handover_ring(handover);
    }
    pthread_mutex_unlock(&handover->lock);
    return put;
}

/* Under the lock. */
static void *
handover_pop(struct handover *handover)
{
    void *item;

    if (handover->count == 0)
        return NULL;
    item = handover->items[handover->first];
    handover->first = (handover->first + 1) % handover->items_max;
    handover->count--;
    pthread_cond_signal(&handover->not_full);
    return item;
}

void *
handover_take(struct handover *handover)
{
    void *item;

    pthread_mutex_lock(&handover->lock);
    item = handover_pop(handover);
    pthread_mutex_unlock(&handover->lock);
    return item;
}

void *
handover_take_wait(struct handover *handover, int64_t timeout_ms)
{
    struct timespec until;
    void *item;

    clock_gettime(CLOCK_MONOTONIC,
                  &until); /* a length of waiting, not the time of day: not wallclock's business */
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&handover->lock);
    while (handover->count == 0 && !handover->closed)
        if (pthread_cond_timedwait(&handover->not_empty, &handover->lock, &until) == ETIMEDOUT)
            break;
    item = handover_pop(handover);
    pthread_mutex_unlock(&handover->lock);
    return item;
}

void
handover_close(struct handover *handover)
{
    pthread_mutex_lock(&handover->lock);
    handover->closed = true;
    pthread_cond_broadcast(&handover->not_empty);
    pthread_cond_broadcast(&handover->not_full);
    handover_ring(handover);
    pthread_mutex_unlock(&handover->lock);
}

bool
handover_is_closed(struct handover *handover)
{
    bool closed;

    pthread_mutex_lock(&handover->lock);
    closed = handover->closed;
    pthread_mutex_unlock(&handover->lock);
    return closed;
}

size_t
handover_count(struct handover *handover)
{
    size_t count;

    pthread_mutex_lock(&handover->lock);
    count = handover->count;
    pthread_mutex_unlock(&handover->lock);
    return count;
}

int
handover_descriptor(const struct handover *handover)
{
    return handover->descriptor;
}

void
handover_clear(struct handover *handover)
{
    uint64_t rung;
    ssize_t got;

    do
        got = read(handover->descriptor, &rung, sizeof rung);
    while (got < 0 && errno == EINTR);
}
