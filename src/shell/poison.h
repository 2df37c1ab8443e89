#ifndef SLAD_SHELL_POISON_H
#define SLAD_SHELL_POISON_H

/*
 * Records on which this daemon died. What is being worked on is noted in a small file in the state directory
 * before it is begun and after it is done; a start finds there on which record the process before it died.
 * Who has died three times on one record puts it aside (dead letter `poison`) instead of trying a fourth
 * time. The loop thread only.
 *
 * The file is mapped: a note costs no system call and outlives the process (not the machine, which did not
 * fall over the record).
 */
#include "base/slice.h"
#include "shell/config.h"
#include "shell/log.h"
#include "shell/topics.h"
#include <sys/types.h>

enum { POISON_DEATHS_MAX = 3, POISON_SUSPECTS_MAX = 64 };

struct poison;

/* Every call to the outside, so that tests can make the Nth one fail. */
struct poison_calls {
    int (*open)(const char *path, int flags, ...);
    int (*resize)(int descriptor, off_t bytes);
    void *(*map)(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset);
};
extern const struct poison_calls poison_calls_real;

/* Opens or makes the file, and counts the death that it tells of. Never NULL: when the file cannot be had,
 * why is in the log, and nothing is counted. config and log are borrowed; calls NULL: the real ones. */
struct poison *poison_new(const struct config *config, struct log *log, const struct poison_calls *calls);
void poison_free(struct poison *poison); /* NULL is fine */

/* A record is about to be worked on. true: it has killed this daemon often enough; put it aside. value: what
 * it says, for at the same place of a topic made anew lies another record. poison NULL: false. */
bool poison_begin(struct poison *poison, enum topic topic, int32_t partition, int64_t offset,
                  struct slice value);
/* It is done: nobody died. */
void poison_end(struct poison *poison);

#endif
