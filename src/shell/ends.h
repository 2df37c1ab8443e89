#ifndef SLAD_SHELL_ENDS_H
#define SLAD_SHELL_ENDS_H

/*
 * How far partitions of a topic are to be read, and how far they have been: for whoever reads what is there
 * now and then stops. librdkafka tells the end of a partition after a quiet moment alone, and tells it again
 * for each record that comes later, and while a transaction is open it tells where that one begins. So the
 * ends are asked for before, and only they count.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ends_partition {
    int32_t partition;
    int64_t end; /* next offset behind the last record there was */
    bool reached;
};

/* Zeroes: nothing is to be read. */
struct ends {
    struct ends_partition *partitions;
    size_t count, left;
};

void ends_done(struct ends *ends);

/* This partition (each once) is read up to end: the one that was asked for, transactions that are open
 * included. */
void ends_add(struct ends *ends, int32_t partition, int64_t end);

/* Whether a record of this offset was there when the end was asked for. */
bool ends_holds(const struct ends *ends, int32_t partition, int64_t offset);

/* Everything before next_offset was read, or is none: a record's offset + 1, or what PARTITION_EOF says. */
void ends_pass(struct ends *ends, int32_t partition, int64_t next_offset);

bool ends_reached(const struct ends *ends);

#endif
