/*
 * What: an explanation, as NDJSON or as a page that can be read aloud to whoever asks why.
 *
 * Why stretches are kept until their clock is told: a person reads "counted 80 h on 10 days", not twenty
 * openings and closings; so what has one cause and only alternates between open and closed becomes one line.
 * Programs get every stretch.
 *
 * Always true: lines are folded only inside one cause and never across due or breach, so the sums behind "="
 * are those of the instants named.
 *
 * Not here: what is true (core/explain). Texts are symbols' and policies': they outlive the page.
 */
#include "slactl/explain_print.h"
#include "base/memory.h"
#include "slactl/explain_risk.h"
#include "slactl/words.h"
#include "wire/explain_json.h"

enum { FOLD_MIN = 6, INTERVAL_COLUMNS = 45, WHY_COLUMN = 6 };

/* ---- for programs ---- */

static void
write_line(struct explain_page *page)
{
    buffer_append_byte(&page->line, '\n');
    (void)fwrite(page->line.at, 1, page->line.bytes, page->out);
}

static void
print_for_programs(struct explain_page *page)
{
    int64_t counted_ms = 0, projected_ms = 0;

    buffer_reset(&page->line);
    explain_json_clock(&page->line, "clock", &page->clock);
    write_line(page);
    if (page->risk.bytes > 0) {
        buffer_reset(&page->line);
        buffer_append_slice(&page->line, buffer_slice(&page->risk));
        write_line(page);
    }
    for (size_t i = 0; i < page->count; i++) {
        const struct explain_stretch *stretch = &page->stretches[i];

        counted_ms += stretch->projected ? 0 : stretch->counted_ms;
        projected_ms += stretch->projected ? stretch->counted_ms : 0;
        buffer_reset(&page->line);
        explain_json_stretch(&page->line, &page->clock.name, stretch);
        write_line(page);
    }
    buffer_reset(&page->line);
    explain_json_sum(&page->line, &page->clock.name, page->count, counted_ms, projected_ms);
    write_line(page);
}

/* ---- for people: the heading ---- */

static void
append_parties(struct buffer *out, uint8_t parties)
{
    static const char *const names[PARTIES_COUNT] = {"the customer", "the customer's supplier", "a supplier",
                                                     "the provider", "nobody"};
    bool first = true;

    for (int party = 0; party < PARTIES_COUNT; party++) {
        if ((parties & PARTY_BIT(party)) == 0)
            continue;
        if (!first)
            buffer_append_text(out, " and ");
        first = false;
        buffer_append_text(out, names[party]);
    }
}

/* A running clock's due: to come, or past because it was excused or is graced until the next opening. */
static void
append_due(struct buffer *out, const struct explain_clock *clock, int64_t t_ms)
{
    const struct clock_figures *figures = &clock->figures;
    bool past = figures->due_at_ms != INSTANT_NONE && figures->due_at_ms < t_ms;

    if (figures->due_at_ms == INSTANT_NONE) {
        buffer_append_text(out, ", not due within ten years");
        return;
    }
    buffer_append_text(out, past ? ", was due " : ", due ");
    words_append_day_and_time(out, clock->zone, figures->due_at_ms);
    if (past && (figures->flags & FLAG_EXCUSED) == 0)
        buffer_append_text(out, ", decided at the next opening (closing_grace)");
}

static void
append_state(struct buffer *out, const struct explain_clock *clock, int64_t t_ms)
{
    const struct clock_figures *figures = &clock->figures;

    buffer_append_text(out, clock_state_text(figures->state));
    if ((figures->flags & FLAG_EXCUSED) != 0)
        buffer_append_text(out, " (excused)");
    if (figures->started_at_ms == INSTANT_NONE) {
        buffer_append_text(out, ", it never started");
        return;
    }
    buffer_append_text(out, ", ");
    words_append_length(out, figures->elapsed_ms);
    buffer_append_text(out, " of ");
    words_append_length(out, figures->target_ms);
    buffer_append_text(out, " counted");
    if (figures->state == CLOCK_BREACHED) {
        buffer_append_text(out, ", breached ");
        words_append_day_and_time(out, clock->zone, figures->breached_at_ms);
    }
    if (figures->stopped_at_ms != INSTANT_NONE) {
        buffer_append_text(out, ", ended ");
        words_append_day_and_time(out, clock->zone, figures->stopped_at_ms);
    } else if (figures->state == CLOCK_RUNNING) {
        append_due(out, clock, t_ms);
    } else if (figures->state == CLOCK_PAUSED) {
        buffer_append_text(out, ", no due while it stands still");
    }
}

static void
print_heading(struct explain_page *page)
{
    const struct explain_clock *clock = &page->clock;
    struct buffer *out = &page->line;

    if (page->told > 1)
        fputc('\n', page->out);
    buffer_reset(out);
    words_append(out, "%s/", clock_kind_text(clock->name.kind));
    words_append_name(out, clock->name.clock);
    words_append(out, " of ");
    words_append_name(out, clock->name.agreement);
    if (clock->name.cycle > 1)
        words_append(out, ", cycle %u", (unsigned)clock->name.cycle);
    words_append(out, ": ");
    append_state(out, clock, page->t_ms);
    words_print_wrapped(page->out, buffer_slice(out), 0, 4);
    buffer_reset(out);
    buffer_append_text(out, "on ");
    words_append_name(out, clock->calendar);
    words_append(out, " (times are %.*s", (int)clock->zone_name.bytes, clock->zone_name.at);
    if (clock->zone_bytes.at != NULL) {
        buffer_append_text(out, ", zone data ");
        explain_json_append_zone(out, clock->zone_bytes);
    }
    buffer_append_text(out, "), policy ");
    words_append_name(out, clock->policy);
    if (!slice_equal(clock->policy, clock->days_policy)) {
        buffer_append_text(out, ", days of ");
        words_append_name(out, clock->days_policy);
    }
    if (clock->counts != PARTY_EVERYONE) {
        buffer_append_text(out, "; counts the turn of ");
        append_parties(out, clock->counts);
    }
    words_print_wrapped(page->out, buffer_slice(out), 2, 2);
}

/* ---- for people: a line ---- */

static void
append_interval(struct buffer *out, const struct zone *zone, int64_t from_ms, int64_t to_ms)
{
    words_append_day_and_time(out, zone, from_ms);
    if (words_is_same_day(zone, from_ms, to_ms)) {
        buffer_append_byte(out, '-');
        words_append_time(out, zone, to_ms);
    } else {
        buffer_append_text(out, " - ");
        words_append_day_and_time(out, zone, to_ms);
    }
}

static void
append_event(struct buffer *out, const struct explain_cause *cause)
{
    switch (cause->kind) {
    case EXPLAIN_MERGE_IN:
        buffer_append_text(out, "merge of ");
        words_append_name(out, cause->other);
        break;
    case EXPLAIN_VERSION:
        buffer_append_text(out, "policy ");
        words_append_name(out, cause->policy);
        buffer_append_text(out, " came into force");
        break;
    case EXPLAIN_EVENT:
        words_append_name(out, cause->event);
        if (cause->type == EVENT_TICKET_MERGED) {
            buffer_append_text(out, ", merged into ");
            words_append_name(out, cause->other);
        } else if (cause->type == EVENT_TICKET_DELETED) {
            buffer_append_text(out, ", deleted");
        } else if (cause->type == EVENT_TICKET_RESTORED) {
            buffer_append_text(out, ", restored");
        }
        break;
    }
}

/* Folded lines are runs too. */
static bool
is_run(const struct explain_stretch *stretch)
{
    return stretch->why == EXPLAIN_COUNTED || stretch->why == EXPLAIN_CLOSED;
}

/* "open, provider; New, service-desk; e-1" */
static void
append_reason(struct buffer *out, const struct explain_page *page, const struct explain_stretch *stretch)
{
    const struct explain_cause *cause = &stretch->cause;

    if (stretch->why == EXPLAIN_PAUSED) {
        buffer_append_text(out, page->clock.measure == MEASURE_HANDLING ? "with " : "waits for ");
        append_parties(out, cause->ball);
    } else if (stretch->why == EXPLAIN_OVER) {
        buffer_append_text(out, "over for now");
    } else {
        words_append_name(out, stretch->calendar);
        buffer_append_text(out, stretch->why == EXPLAIN_CLOSED ? " closed, " : " open, ");
        if ((cause->ball & (cause->ball - 1)) != 0) /* several */
            append_parties(out, cause->ball);
        else
            buffer_append_text(out, party_text(stretch->party));
    }
    if (cause->moved_start) {
        buffer_append_text(out, "; the start was moved back: ");
    } else {
        buffer_append_text(out, "; ");
        if (cause->status.at != NULL) {
            words_append_name(out, cause->status);
            buffer_append_text(out, cause->group.at != NULL ? ", " : "; ");
        }
        if (cause->group.at != NULL) {
            words_append_name(out, cause->group);
            buffer_append_text(out, "; ");
        }
    }
    append_event(out, cause);
    if (is_run(stretch) && cause->ball == PARTY_BIT(PARTY_NOBODY))
        buffer_append_text(out, "; counted because it was reopened (on_reopen: continue)");
    if (!slice_equal(stretch->policy, page->clock.policy)) {
        buffer_append_text(out, "; under ");
        words_append_name(out, stretch->policy);
    }
}

/* What is said of stretches[from .. to): one, or several folded. When and how much, and below it why. */
static void
print_line(struct explain_page *page, size_t from, size_t to, size_t openings, int64_t counted_ms)
{
    const struct explain_stretch *first = &page->stretches[from], *last = &page->stretches[to - 1];
    struct explain_stretch said = *first;
    struct buffer *out = &page->line;

    buffer_reset(out);
    append_interval(out, page->clock.zone, first->from_ms, last->to_ms);
    words_pad(out, 0, INTERVAL_COLUMNS);
    if (counted_ms > 0) {
        buffer_append_text(out, first->projected ? "will count " : "counted ");
        words_append_length(out, counted_ms);
        if (to - from > 1)
            words_append(out, " in %zu openings", openings);
        buffer_append_text(out, " = ");
        words_append_length(out, last->elapsed_ms);
    } else {
        buffer_append_text(out, "not counted");
    }
    words_print_wrapped(page->out, buffer_slice(out), 2, 2);
    buffer_reset(out);
    if (to - from > 1)
        said.why = EXPLAIN_COUNTED;
    append_reason(out, page, &said);
    words_print_wrapped(page->out, buffer_slice(out), WHY_COLUMN, WHY_COLUMN + 2);
}

/* Whether b only goes on where a ends: open and closed in turn, for one reason. */
static bool
goes_on(const struct explain_page *page, const struct explain_stretch *a, const struct explain_stretch *b)
{
    return is_run(a) && is_run(b) && a->projected == b->projected && a->party == b->party &&
           a->cause.at_ms == b->cause.at_ms && slice_equal(a->cause.event, b->cause.event) &&
           a->cause.kind == b->cause.kind && a->cause.moved_start == b->cause.moved_start &&
           slice_equal(a->calendar, b->calendar) && slice_equal(a->policy, b->policy) &&
           b->from_ms != page->clock.figures.due_at_ms && b->from_ms != page->clock.figures.breached_at_ms;
}

static void
print_mark(struct explain_page *page, int64_t at_ms)
{
    const struct clock_figures *figures = &page->clock.figures;

    if (at_ms == figures->breached_at_ms)
        fputs("  -- breached --\n", page->out);
    else if (at_ms == figures->due_at_ms)
        fputs("  -- due --\n", page->out);
}

/* "-- ended: Resolved; e-4, ticket.updated --" */
static void
print_end(struct explain_page *page)
{
    const struct explain_cause *end = &page->clock.end;
    struct buffer *out = &page->line;

    if (!page->clock.has_end)
        return;
    buffer_reset(out);
    buffer_append_text(out, "-- ended: ");
    if (end->status.at != NULL) {
        words_append_name(out, end->status);
        buffer_append_text(out, "; ");
    }
    append_event(out, end);
    if (end->kind == EXPLAIN_EVENT && end->type != EVENT_TICKET_MERGED && end->type != EVENT_TICKET_DELETED) {
        buffer_append_text(out, ", ");
        buffer_append_text(out, event_type_text(end->type));
    }
    buffer_append_text(out, " --");
    words_print_wrapped(page->out, buffer_slice(out), 2, 5);
}

/* New terms: the target before and now. */
static void
print_retarget(struct explain_page *page, size_t from)
{
    struct buffer *out = &page->line;

    if (from == 0 || page->stretches[from].target_ms == page->stretches[from - 1].target_ms)
        return;
    buffer_reset(out);
    buffer_append_text(out, "  -- target ");
    words_append_length(out, page->stretches[from].target_ms);
    buffer_append_text(out, " from here on, before ");
    words_append_length(out, page->stretches[from - 1].target_ms);
    buffer_append_text(out, " --\n");
    (void)fwrite(out->at, 1, out->bytes, page->out);
}

static void
print_stretches(struct explain_page *page)
{
    for (size_t from = 0, to; from < page->count; from = to) {
        size_t openings = 0;
        int64_t counted_ms = 0;

        print_retarget(page, from);
        print_mark(page, page->stretches[from].from_ms);
        if (page->stretches[from].projected && (from == 0 || !page->stretches[from - 1].projected))
            fputs("  -- then, if nothing happens --\n", page->out);
        for (to = from + 1; to < page->count && goes_on(page, &page->stretches[to - 1], &page->stretches[to]);
             to++)
            continue;
        if (to - from < FOLD_MIN)
            to = from + 1;
        for (size_t i = from; i < to; i++) {
            counted_ms += page->stretches[i].counted_ms;
            openings += page->stretches[i].why == EXPLAIN_COUNTED;
        }
        print_line(page, from, to, openings, counted_ms);
    }
    if (page->count > 0)
        print_mark(page, page->stretches[page->count - 1].to_ms);
    print_end(page);
}

/* ---- the page ---- */

void
explain_page_title(struct explain_page *page)
{
    struct buffer *line = &page->line;

    buffer_reset(line);
    words_append_name(line, page->ticket);
    buffer_append_text(line, " as of ");
    words_append_day_and_time(line, NULL, page->t_ms);
    buffer_append_text(line, " UTC\n\n");
    (void)fwrite(line->at, 1, line->bytes, page->out);
}

static void
print_clock_in_hand(struct explain_page *page)
{
    if (!page->begun || page->skips)
        return;
    page->told++;
    if (page->json) {
        print_for_programs(page);
    } else {
        if (page->told == 1)
            explain_page_title(page);
        print_heading(page);
        if (page->risk.bytes > 0)
            explain_risk_print(page->out, buffer_slice(&page->risk), page->clock.zone);
        print_stretches(page);
    }
}

static bool
is_wanted(const struct explain_page *page, const struct clock_name *name)
{
    struct slice kind = slice_of(clock_kind_text(name->kind)), only = page->only;

    return only.at == NULL || (only.bytes == kind.bytes + 1 + name->clock.bytes &&
                               memcmp(only.at, kind.at, kind.bytes) == 0 && only.at[kind.bytes] == '/' &&
                               memcmp(only.at + kind.bytes + 1, name->clock.at, name->clock.bytes) == 0);
}

void
explain_page_clock(void *context, const struct explain_clock *clock)
{
    struct explain_page *page = context;

    print_clock_in_hand(page);
    page->begun = true;
    page->clock = *clock;
    page->count = 0;
    buffer_reset(&page->risk);
    page->skips = !is_wanted(page, &clock->name);
    if (page->skips && clock->name.cycle == 1) {
        words_append(&page->skipped, "%s%s/", page->skipped.bytes > 0 ? ", " : "",
                     clock_kind_text(clock->name.kind));
        words_append_name(&page->skipped, clock->name.clock);
    }
}

void
explain_page_stretch(void *context, const struct explain_stretch *stretch)
{
    struct explain_page *page = context;

    if (page->count == page->room) {
        page->room = page->room > 0 ? page->room * 2 : 64;
        page->stretches = memory_resize(page->stretches, page->room * sizeof *page->stretches);
    }
    page->stretches[page->count++] = *stretch;
}

void
explain_page_risk(void *context, const struct explain_risk *risk)
{
    struct explain_page *page = context;

    explain_json_risk(&page->risk, &page->clock.name, risk);
}

void
explain_page_end(struct explain_page *page)
{
    print_clock_in_hand(page);
    page->begun = false;
}

void
explain_page_done(struct explain_page *page)
{
    memory_free(page->stretches);
    buffer_free(&page->skipped);
    buffer_free(&page->risk);
    buffer_free(&page->line);
}
