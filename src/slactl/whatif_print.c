/*
 * What: the answer of whatif, as NDJSON for programs and as two tables for the person who has to decide.
 *
 * Why the sums come first for people: whether attainment moves is the question; which tickets moved it is the
 * proof. Programs get every difference as soon as it is known.
 *
 * Always true: each cycle is counted once on each side, so the columns of a row have one total where both
 * policies have the clock.
 *
 * Not here: how verdicts come about.
 */
#include "slactl/whatif_print.h"
#include "base/memory.h"
#include "slactl/words.h"
#include "wire/print.h"
#include <inttypes.h>
#include <stdlib.h>

enum { LISTED_MAX = 200, NAME_COLUMNS = 28 };

static const char *const names[WHATIF_VERDICTS_COUNT] = {"met",       "breached", "unanswered",
                                                         "cancelled", "open",     "none"};

/* Columns of the table: 28 + 3 + these + 8 + 8 are 100 at most. */
static const int widths[WHATIF_NONE] = {10, 11, 12, 11, 9};

static enum whatif_verdict
verdict_of(const struct clock_line *line)
{
    if (line == NULL)
        return WHATIF_NONE;
    switch (line->figures.state) {
    case CLOCK_MET:
        return WHATIF_MET;
    case CLOCK_BREACHED:
        return WHATIF_BREACHED;
    case CLOCK_UNANSWERED:
        return WHATIF_UNANSWERED;
    case CLOCK_CANCELLED:
        return WHATIF_CANCELLED;
    case CLOCK_RUNNING:
    case CLOCK_PAUSED:
        return WHATIF_OPEN;
    case CLOCK_IDLE:
        break;
    }
    return WHATIF_NONE;
}

void
whatif_report_begin(struct whatif_report *report, FILE *out, bool json)
{
    report->out = out;
    report->json = json;
}

void
whatif_report_done(struct whatif_report *report)
{
    for (size_t i = 0; i < report->sums_count; i++)
        buffer_free(&report->sums[i].clock);
    memory_free(report->sums);
    buffer_free(&report->line);
    buffer_free(&report->listed);
}

static struct whatif_sum *
sum_of(struct whatif_report *report, const struct clock_name *name)
{
    struct whatif_sum *sum;

    for (size_t i = 0; i < report->sums_count; i++) {
        sum = &report->sums[i];
        if (sum->kind == name->kind && slice_equal(buffer_slice(&sum->clock), name->clock))
            return sum;
    }
    report->sums = memory_resize(report->sums, (report->sums_count + 1) * sizeof *report->sums);
    sum = &report->sums[report->sums_count++];
    *sum = (struct whatif_sum){.kind = name->kind};
    buffer_append_slice(&sum->clock, name->clock);
    return sum;
}

/* ---- one difference ---- */

static void
print_side(struct buffer *out, const char *key, const struct clock_line *line)
{
    print_key(out, key);
    if (verdict_of(line) == WHATIF_NONE) {
        buffer_append_text(out, "null");
        return;
    }
    buffer_append_byte(out, '{');
    print_key(out, "agreement"), print_text(out, line->name.agreement);
    print_key(out, "verdict"), print_text(out, slice_of(names[verdict_of(line)]));
    print_key(out, "started_at"), print_instant(out, line->figures.started_at_ms);
    print_key(out, "due_at"), print_instant(out, line->figures.due_at_ms);
    print_key(out, "breached_at"), print_instant(out, line->figures.breached_at_ms);
    print_key(out, "stopped_at"), print_instant(out, line->figures.stopped_at_ms);
    print_key(out, "elapsed_ms"), buffer_append_int64(out, line->figures.elapsed_ms);
    print_key(out, "target_ms"), buffer_append_int64(out, line->figures.target_ms);
    buffer_append_byte(out, '}');
}

static void
print_difference(struct whatif_report *report, const struct clock_name *name, const struct clock_line *old,
                 const struct clock_line *new)
{
    struct buffer *line = &report->line;

    buffer_reset(line);
    buffer_append_text(line, "{\"record\":\"difference\"");
    print_key(line, "ticket"), print_text(line, name->ticket);
    print_key(line, "kind"), print_text(line, slice_of(clock_kind_text(name->kind)));
    print_key(line, "clock"), print_text(line, name->clock);
    print_key(line, "cycle"), buffer_append_int64(line, name->cycle);
    print_side(line, "old", old);
    print_side(line, "new", new);
    buffer_append_text(line, "}\n");
    (void)fwrite(line->at, 1, line->bytes, report->out);
}

/* "breached at 2026-06-09 11:00, 3 h 45 min of 2 h" */
static void
append_side(struct buffer *out, const struct clock_line *line)
{
    enum whatif_verdict verdict = verdict_of(line);

    buffer_append_text(out, verdict == WHATIF_NONE ? "no such clock" : names[verdict]);
    if (verdict == WHATIF_NONE)
        return;
    if (verdict == WHATIF_BREACHED) {
        buffer_append_text(out, " at ");
        words_append_day_and_time(out, NULL, line->figures.breached_at_ms);
    }
    buffer_append_text(out, ", ");
    words_append_length(out, line->figures.elapsed_ms);
    buffer_append_text(out, " of ");
    words_append_length(out, line->figures.target_ms);
}

static void
list_difference(struct whatif_report *report, const struct clock_name *name, const struct clock_line *old,
                const struct clock_line *new)
{
    struct buffer *out = &report->listed;

    if (report->differences > LISTED_MAX)
        return;
    buffer_append_text(out, "  ");
    words_append_name(out, name->ticket);
    words_append(out, "  %s/", clock_kind_text(name->kind));
    words_append_name(out, name->clock);
    if (name->cycle > 1)
        words_append(out, " (cycle %u)", (unsigned)name->cycle);
    buffer_append_text(out, "\n    old: ");
    append_side(out, old);
    buffer_append_text(out, "\n    new: ");
    append_side(out, new);
    buffer_append_byte(out, '\n');
}

void
whatif_report_add(struct whatif_report *report, const struct clock_line *old, const struct clock_line *new)
{
    const struct clock_name *name = old != NULL ? &old->name : &new->name;
    enum whatif_verdict before = verdict_of(old), after = verdict_of(new);
    struct whatif_sum *sum = sum_of(report, name);

    sum->counts[0][before]++;
    sum->counts[1][after]++;
    if (before == after)
        return;
    sum->differences++;
    report->differences++;
    if (report->json)
        print_difference(report, name, old, new);
    else
        list_difference(report, name, old, new);
}

/* ---- the sums ---- */

static int
compare_sums(const void *a, const void *b)
{
    const struct whatif_sum *left = a, *right = b;

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return slice_compare(buffer_slice(&left->clock), buffer_slice(&right->clock));
}

static void
print_sum(struct whatif_report *report, const struct whatif_sum *sum)
{
    static const char *const sides[] = {"old", "new"};
    struct buffer *line = &report->line;

    buffer_reset(line);
    buffer_append_text(line, "{\"record\":\"sum\"");
    print_key(line, "kind"), print_text(line, slice_of(clock_kind_text(sum->kind)));
    print_key(line, "clock"), print_text(line, buffer_slice(&sum->clock));
    for (int side = 0; side < 2; side++) {
        print_key(line, sides[side]), buffer_append_byte(line, '{');
        for (int verdict = 0; verdict < WHATIF_NONE; verdict++) {
            print_key(line, names[verdict]);
            buffer_append_int64(line, (int64_t)sum->counts[side][verdict]);
        }
        buffer_append_byte(line, '}');
    }
    print_key(line, "differences"), buffer_append_int64(line, (int64_t)sum->differences);
    buffer_append_text(line, "}\n");
    (void)fwrite(line->at, 1, line->bytes, report->out);
}

static void
print_total(struct whatif_report *report)
{
    struct buffer *line = &report->line;

    buffer_reset(line);
    buffer_append_text(line, "{\"record\":\"total\"");
    print_key(line, "old"), print_text(line, report->labels[0]);
    print_key(line, "new"), print_text(line, report->labels[1]);
    print_key(line, "until"), print_instant(line, report->until_ms);
    print_key(line, "tickets"), buffer_append_int64(line, (int64_t)report->tickets);
    print_key(line, "differences"), buffer_append_int64(line, (int64_t)report->differences);
    buffer_append_text(line, "}\n");
    (void)fwrite(line->at, 1, line->bytes, report->out);
}

/* Met of met and breached, in tenths of a percent, cut off: nobody reaches 95 % by rounding. -1: none. */
static int64_t
attainment_permille(const struct whatif_sum *sum, int side)
{
    uint64_t met = sum->counts[side][WHATIF_MET], all = met + sum->counts[side][WHATIF_BREACHED];

    return all > 0 ? (int64_t)(met * 1000 / all) : -1;
}

static void
print_attainment(FILE *out, int64_t permille)
{
    if (permille < 0)
        fprintf(out, "%8s", "-");
    else
        fprintf(out, "%6" PRId64 ".%" PRId64, permille / 10, permille % 10);
}

static void
print_row(struct whatif_report *report, const struct whatif_sum *sum, int side)
{
    struct buffer *line = &report->line;

    buffer_reset(line);
    if (side == 0) {
        words_append(line, "%s/", clock_kind_text(sum->kind));
        words_append_name(line, buffer_slice(&sum->clock));
    }
    if (words_columns(buffer_slice(line)) >= NAME_COLUMNS) { /* stands on a line of its own */
        fprintf(report->out, "%.*s\n", (int)line->bytes, line->at);
        buffer_reset(line);
    }
    words_pad(line, 0, NAME_COLUMNS);
    fprintf(report->out, "%.*s%-3s", (int)line->bytes, line->at, side == 0 ? "old" : "new");
    for (int verdict = 0; verdict < WHATIF_NONE; verdict++)
        fprintf(report->out, "%*" PRIu64, widths[verdict], sum->counts[side][verdict]);
    print_attainment(report->out, attainment_permille(sum, side));
    if (side == 1)
        fprintf(report->out, "%8" PRIu64, sum->differences);
    fputc('\n', report->out);
}

static void
print_tables(struct whatif_report *report)
{
    struct buffer *line = &report->line;

    buffer_reset(line);
    words_append_name(line, report->labels[0]);
    buffer_append_text(line, " (old) against ");
    words_append_name(line, report->labels[1]);
    words_append(line, " (new): %zu ticket%s", report->tickets, report->tickets == 1 ? "" : "s");
    if (report->until_ms != INSTANT_NONE) {
        buffer_append_text(line, " until ");
        words_append_day_and_time(line, NULL, report->until_ms);
        buffer_append_text(line, " UTC");
    }
    fprintf(report->out, "%.*s\n\n", (int)line->bytes, line->at);
    fprintf(report->out, "%-*s%-3s", NAME_COLUMNS, "clock", "");
    for (int verdict = 0; verdict < WHATIF_NONE; verdict++)
        fprintf(report->out, "%*s", widths[verdict], names[verdict]);
    fprintf(report->out, "%8s%8s\n", "met %", "differ");
    for (size_t i = 0; i < report->sums_count; i++) {
        print_row(report, &report->sums[i], 0);
        print_row(report, &report->sums[i], 1);
    }
    if (report->differences == 0)
        fputs("\nNo verdict differs.\n", report->out);
    else
        fprintf(report->out, "\n%" PRIu64 " verdict%s differ%s%s\n", report->differences,
                report->differences == 1 ? "" : "s", report->differences == 1 ? "s" : "",
                report->differences > LISTED_MAX ? "; the first 200 (--json gives them all), times in UTC:"
                                                 : ", times in UTC:");
    (void)fwrite(buffer_slice(&report->listed).at, 1, report->listed.bytes, report->out);
}

void
whatif_report_end(struct whatif_report *report)
{
    if (report->sums_count > 0)
        qsort(report->sums, report->sums_count, sizeof *report->sums, compare_sums);
    if (!report->json) {
        print_tables(report);
        return;
    }
    for (size_t i = 0; i < report->sums_count; i++)
        print_sum(report, &report->sums[i]);
    print_total(report);
}
