/*
 * What: from the month's single verdicts and tickets: how often each flag stands and what it changes, the
 * worst overruns and the longest waits.
 *
 * Why this way: a gap between two percentages convinces nobody; the tickets behind it do. They are counted
 * from the same verdicts as the attainment, so the number that differs is the one that the two views show.
 *
 * Always true: order is by length, then by key, so the same outcomes give the same lists.
 *
 * Not here: percentages (report_figures).
 */
#include "base/memory.h"
#include "slactl/report_model.h"
#include <stdlib.h>

/* ---- flags ---- */

/* Met as agreed, and not so in the honest view: broken, unanswered or left out. */
static bool
differs(const struct report_verdict *verdict)
{
    return verdict->verdict == VERDICT_MET && (verdict->honest_excluded || verdict->honest != VERDICT_MET);
}

static void
count(struct report_flag *flag, bool different)
{
    flag->n++;
    flag->differ += different;
}

static void
take_flags(struct report *report, const struct report_verdict *verdict)
{
    bool different = differs(verdict), explained = verdict->honest_excluded;

    if (!verdict->attainment || verdict->kind != KIND_SLA ||
        (verdict->verdict != VERDICT_MET && verdict->verdict != VERDICT_BREACHED))
        return;
    report->judged++;
    report->differ += different;
    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++)
        if ((verdict->flags & 1 << i) != 0) {
            count(&report->flags[i], different);
            explained = true;
        }
    if (verdict->honest_excluded)
        count(&report->excluded, different);
    if (different && !explained)
        count(&report->unflagged, true);
}

/* ---- the worst ---- */

static int
compare_overruns(const void *a, const void *b)
{
    const struct report_verdict *left = *(const struct report_verdict *const *)a;
    const struct report_verdict *right = *(const struct report_verdict *const *)b;

    if (left->overrun_wall_ms != right->overrun_wall_ms)
        return left->overrun_wall_ms > right->overrun_wall_ms ? -1 : 1;
    return slice_compare(left->key, right->key);
}

static int
compare_waits(const void *a, const void *b)
{
    const struct report_ticket *left = *(const struct report_ticket *const *)a;
    const struct report_ticket *right = *(const struct report_ticket *const *)b;

    if (left->waited_ms != right->waited_ms)
        return left->waited_ms > right->waited_ms ? -1 : 1;
    return slice_compare(left->name, right->name);
}

/* A clock that was still running: over by as much as the month's end shows. */
static void
complete_overrun(const struct report *report, struct report_verdict *verdict)
{
    if (!verdict->ended)
        verdict->overrun_wall_ms = report->span.through_ms - verdict->decided_at_ms;
}

static int
side_of(const struct report *report, const struct report_verdict *verdict)
{
    for (size_t i = 0; i < report->clocks_count; i++)
        if (report->clocks[i].line.kind == verdict->kind &&
            slice_equal(report->clocks[i].line.clock, verdict->clock))
            return report->clocks[i].side == SIDE_CUSTOMER  ? REPORT_OF_CUSTOMER
                   : report->clocks[i].side == SIDE_UNKNOWN ? REPORT_OF_UNKNOWN
                                                            : REPORT_OF_PROVIDER;
    return REPORT_OF_UNKNOWN;
}

static void
list_overrun(struct report *report, const struct report_verdict *verdict)
{
    struct report_overruns *overruns = &report->overruns[side_of(report, verdict)];

    overruns->breached++;
    if (overruns->count < REPORT_WORST_MAX)
        overruns->worst[overruns->count++] = verdict;
}

static void
collect_verdicts(struct report *report)
{
    size_t cursor = 0, found = 0;
    struct report_verdict *verdict;
    const struct report_verdict **all =
        memory_allocate((map_count(report->verdicts) + 1) * sizeof(struct report_verdict *));

    while ((verdict = map_each(report->verdicts, &cursor)) != NULL) {
        if (!verdict->counts)
            continue;
        take_flags(report, verdict);
        if (verdict->verdict != VERDICT_BREACHED)
            continue;
        complete_overrun(report, verdict);
        all[found++] = verdict;
    }
    if (found > 1)
        qsort(all, found, sizeof(struct report_verdict *), compare_overruns);
    for (size_t i = 0; i < found; i++)
        list_overrun(report, all[i]);
    memory_free(all);
}

static void
collect_tickets(struct report *report)
{
    size_t cursor = 0, found = 0;
    const struct report_ticket *ticket;
    const struct report_ticket **all =
        memory_allocate((map_count(report->tickets) + 1) * sizeof(struct report_ticket *));

    while ((ticket = map_each(report->tickets, &cursor)) != NULL)
        if (ticket->counts)
            all[found++] = ticket;
    if (found > 1)
        qsort(all, found, sizeof(struct report_ticket *), compare_waits);
    report->solved_count = found;
    for (; report->waits_count < found && report->waits_count < REPORT_WORST_MAX; report->waits_count++)
        report->waits[report->waits_count] = all[report->waits_count];
    memory_free(all);
}

void
report_facts_collect(struct report *report)
{
    if (report->verdicts == NULL)
        return;
    collect_verdicts(report);
    collect_tickets(report);
}
