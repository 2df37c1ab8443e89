/*
 * What: what would help most: every figure of the month that is under its target, by how much.
 *
 * Why this way: impact is the one of the scores (semantics.md section 8): n * (target - value), how many more
 * answers or promises of the month would have had to be good. It is the same unit for both, so a small
 * percentage of many comes before a bad percentage of few.
 *
 * Always true: of answers the impact is the core's own; only what has a target, and enough behind it, is
 * here; ties go by kind and name.
 *
 * Not here: whose fault it is.
 */
#include "base/memory.h"
#include "slactl/report_model.h"
#include <stdlib.h>

static void
add(struct report *report, struct report_improvement improvement)
{
    if (!(improvement.impact > 0))
        return;
    if (report->improvements_count == report->improvements_room) {
        report->improvements_room = report->improvements_room * 2 + 16;
        report->improvements =
            memory_resize(report->improvements, report->improvements_room * sizeof *report->improvements);
    }
    report->improvements[report->improvements_count++] = improvement;
}

static void
add_px(struct report *report, enum report_kind_of_improvement kind, struct slice what, struct slice detail,
       const struct score_px *px, double impact)
{
    add(report, (struct report_improvement){.kind = kind,
                                            .what = what,
                                            .detail = detail,
                                            .side = SIDE_UNKNOWN,
                                            .hits = px->positive,
                                            .n = px->n,
                                            .target_bp = report->policy->experience.px_target_bp,
                                            .impact = -impact});
}

static void
add_experience(struct report *report)
{
    const struct slice none = {NULL, 0};

    for (size_t i = 0; i < report->services.count; i++) {
        const struct score_record *record = &report->services.items[i].record;

        if (record->has_impact_px)
            add_px(report, IMPROVE_SERVICE, record->scope.values[ATTRIBUTE_SERVICE], none, &record->px,
                   record->impact_px);
    }
    for (size_t i = 0; i < report->touchpoints.count; i++) {
        const struct score_record *record = &report->touchpoints.items[i].record;

        if (record->has_impact_px)
            add_px(report, IMPROVE_TOUCHPOINT, record->scope.values[ATTRIBUTES_COUNT + 1],
                   record->scope.values[ATTRIBUTE_USER_GROUP], &record->px, record->impact_px);
    }
    for (size_t i = 0; report->whole.count > 0 && i < report->whole.items[0].record.aspects_count; i++) {
        const struct score_aspect *aspect = &report->whole.items[0].record.aspects[i];

        if (aspect->has_impact)
            add_px(report, IMPROVE_ASPECT, aspect->name, none, &aspect->px, aspect->impact);
    }
}

/* The provider's promises as the honest view has them, all others as agreed. */
static void
add_promises(struct report *report)
{
    for (size_t i = 0; i < report->clocks_count; i++) {
        const struct report_clock *clock = &report->clocks[i];
        const struct score_rate *rate = clock->attainment ? &clock->line.honest : &clock->line.contract;

        if (clock->target_bp == 0 ||
            (clock->line.kind == KIND_SLA && !clock->attainment && clock->side == SIDE_PROVIDER))
            continue;
        add(report, (struct report_improvement){
                        .kind = IMPROVE_PROMISE,
                        .what = clock->line.clock,
                        .side = clock->side,
                        .hits = rate->hits,
                        .n = rate->n,
                        .target_bp = clock->target_bp,
                        .impact = (double)(rate->n * clock->target_bp - rate->hits * 10000) / 10000.0});
    }
}

static int
compare(const void *a, const void *b)
{
    const struct report_improvement *left = a, *right = b;

    if (left->impact < right->impact || left->impact > right->impact)
        return left->impact > right->impact ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return slice_compare(left->what, right->what) != 0 ? slice_compare(left->what, right->what)
                                                       : slice_compare(left->detail, right->detail);
}

void
report_improve(struct report *report)
{
    add_experience(report);
    add_promises(report);
    if (report->improvements_count > 1)
        qsort(report->improvements, report->improvements_count, sizeof *report->improvements, compare);
}
