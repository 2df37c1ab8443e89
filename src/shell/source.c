/*
 * A partition as its reader sees it.
 *
 * What: nothing is left of it, or it is not sure that nothing is, or more is waiting and it is old.
 *
 * Why so: the task of tickets and that of the scores decide by it when to be silent and when time passes for
 * them without a record, so there is one rule for both. Where something is always coming no end is ever
 * told, so a record that is not old says as well that nobody lags.
 *
 * Always true: at the end it does not lag; a doubt is over with the next record, or the next end.
 *
 * Not here: offsets, and what the consumer says of a partition (protocol.c, tickets.c, scoring.c); what being
 * behind leads to (task.c, score_task.c).
 */
#include "shell/source.h"
#include "base/panic.h"

void
source_begin(struct source *source)
{
    *source = (struct source){.lags = true};
}

int64_t
source_arrive(struct source *source, int64_t timestamp_ms, int64_t now_ms)
{
    int64_t arrived_ms = timestamp_ms < now_ms ? timestamp_ms : now_ms;

    *source = (struct source){.lags = now_ms - arrived_ms > SOURCE_BEHIND_MS};
    return arrived_ms;
}

void
source_reach_end(struct source *source)
{
    *source = (struct source){.at_end = true};
}

void
source_doubt_end(struct source *source, int64_t now_mono_ms)
{
    must(now_mono_ms > 0);
    if (!source->at_end && source->doubted_mono_ms == 0)
        return;
    source->at_end = false;
    source->doubted_mono_ms = now_mono_ms;
}

static bool
source_is_read(const struct source *source, bool fetching, int64_t now_mono_ms)
{
    return source->at_end || (fetching && source->doubted_mono_ms != 0 &&
                              now_mono_ms - source->doubted_mono_ms >= SOURCE_DOUBT_MS);
}

bool
source_all_read(const struct source *sources, size_t count, bool fetching, int64_t now_mono_ms)
{
    size_t i = 0;

    while (i < count && source_is_read(&sources[i], fetching, now_mono_ms))
        i++;
    return i == count;
}

bool
source_any_lags(const struct source *sources, size_t count)
{
    size_t i = 0;

    while (i < count && !sources[i].lags)
        i++;
    return i < count;
}

bool
source_stood_still(int64_t before_mono_ms, int64_t now_mono_ms)
{
    return before_mono_ms != 0 && now_mono_ms - before_mono_ms > SOURCE_BEHIND_MS;
}
