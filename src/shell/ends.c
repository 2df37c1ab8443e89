/*
 * How far partitions are to be read.
 *
 * What: the end of each partition, as of when it was asked for, and which of them are reached.
 *
 * Why so: to count how often an end is told goes wrong where something is always coming: one partition may
 * tell it twice before another has told it once, or none ever does.
 *
 * Always true: left is the number of partitions that are not reached; what is reached stays so.
 *
 * Not here: asking for the ends, reading.
 */
#include "shell/ends.h"
#include "base/memory.h"

void
ends_done(struct ends *ends)
{
    memory_free(ends->partitions);
    *ends = (struct ends){0};
}

void
ends_add(struct ends *ends, int32_t partition, int64_t end)
{
    ends->partitions = memory_resize(ends->partitions, (ends->count + 1) * sizeof *ends->partitions);
    ends->partitions[ends->count++] = (struct ends_partition){.partition = partition, .end = end};
    ends->left++;
}

static struct ends_partition *
ends_find(const struct ends *ends, int32_t partition)
{
    for (size_t i = 0; i < ends->count; i++)
        if (ends->partitions[i].partition == partition)
            return &ends->partitions[i];
    return NULL;
}

bool
ends_holds(const struct ends *ends, int32_t partition, int64_t offset)
{
    const struct ends_partition *at = ends_find(ends, partition);

    return at != NULL && offset < at->end;
}

void
ends_pass(struct ends *ends, int32_t partition, int64_t next_offset)
{
    struct ends_partition *at = ends_find(ends, partition);

    if (at == NULL || at->reached || next_offset < at->end)
        return;
    at->reached = true;
    ends->left--;
}

bool
ends_reached(const struct ends *ends)
{
    return ends->left == 0;
}
