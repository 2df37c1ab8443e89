#ifndef SLAD_SHELL_POLICY_BOOK_H
#define SLAD_SHELL_POLICY_BOOK_H

/*
 * Every policy version this process has seen, on disk or in slad.state, and what is decided of them, without
 * I/O: which versions are in force for a task, what of the disk is refused, where the two disagree.
 *
 * Versions in force are written as their ids (policy_record.h). The loop thread only.
 */
#include "shell/policy_record.h"

struct policy_book;

/* symbols is borrowed and must outlive the book. */
struct policy_book *policy_book_new(struct symbols *symbols);
void policy_book_free(struct policy_book *book); /* NULL is fine; every set was given back */

/* What the disk says from now on. Takes the set. */
void policy_book_set_disk(struct policy_book *book, struct policy_set *set);
struct slice policy_book_disk(const struct policy_book *book); /* ids; until the next set_disk */
/* A version out of slad.state. -1: it cannot be read; why is appended to error. */
int policy_book_learn(struct policy_book *book, struct slice id, struct slice source, struct buffer *error);
/* Ids of every version whose text is at hand. */
void policy_book_known(const struct policy_book *book, struct buffer *out);
/* Those of the ids that are. */
void policy_book_keep_known(const struct policy_book *book, struct slice ids, struct buffer *out);

/* What is in force for a task that holds `held` once it has taken up what is on disk: appended to ids.
 * Versions on disk join those held; a version held with other zone files gets those of the disk. false: the
 * disk contradicts what is held (the same name with another text, the same `from`): then nothing of it is
 * taken, ids are those held, and a line for each contradiction is appended to refusals. */
bool policy_book_join(const struct policy_book *book, struct slice held, struct buffer *ids,
                      struct buffer *refusals);
/* Leaves out of the ids as many as are more than `max`: the oldest by `from`, and never one that is in force
 * at now_ms or comes into force later. false: these alone are more than that, and the ids are as they were.
 */
bool policy_book_keep_newest(const struct policy_book *book, size_t max, int64_t now_ms, struct buffer *ids);
/* Leaves out of the ids those that were over before oldest_ms and are not on disk, the oldest first, up to
 * the first that stays. true: there were any. A disk that contradicts the ids has no say in what is over:
 * none. */
bool policy_book_leave_over(const struct policy_book *book, int64_t oldest_ms, struct buffer *ids);
/* Lines: what is held and not on disk; what is on disk and contradicts. None: the disk agrees. */
void policy_book_differences(const struct policy_book *book, struct slice held, struct buffer *out);

/* The set of these versions, made when nobody has it yet. ids: not empty, known, and free of contradictions.
 * It lives until as many calls of release. */
const struct policy_set *policy_book_hold(struct policy_book *book, struct slice ids);
void policy_book_release(struct policy_book *book, const struct policy_set *set); /* set NULL is fine */

/* Of a known version; borrowed. */
struct slice policy_book_version(const struct policy_book *book, struct slice id);
struct slice policy_book_source(const struct policy_book *book, struct slice id);

#endif
