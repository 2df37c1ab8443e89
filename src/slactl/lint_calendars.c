/*
 * What: calendars against the real year: windows whose ends fall into a change of the clocks, days that are
 * both closed and special, targets in hours that never come or that nobody works.
 *
 * Why by walking: a year has few clock changes and a few hundred edges; each is looked at with the day's own
 * windows, so a warning names the date and is not about a rule of thumb.
 *
 * Always true: a window that only contains a change (a night shift) is no finding: it is an hour longer or
 * shorter, as lived. What is found is a time of the policy that does not exist or exists twice on that date.
 *
 * Not here: chains.
 */
#include "base/instant.h"
#include "slactl/lint.h"
#include "slactl/words.h"
#include "wire/print.h"

enum { DAY_S = 86400, MINUTE_S = 60 };

/* ---- clock changes ---- */

/* A change: local times in [from_s, to_s) are missing (gap) or come twice. */
struct change {
    bool gap;
    int64_t from_s, to_s; /* local seconds, as if UTC */
    int64_t at_ms;        /* the transition */
    const struct policy_calendar *calendar;
    struct slice zone;
};

static bool
is_date(const struct calendar_date *date, struct instant_date day, bool yearly)
{
    return date->month == day.month && date->day == day.day &&
           (yearly ? date->year == 0 : date->year == day.year);
}

/* The windows of one date (R4); NULL with *ret_count 0: closed. */
static const struct calendar_window *
windows_of(const struct policy_calendar *calendar, int64_t day, size_t *ret_count)
{
    const struct calendar_days *days = &calendar->days;
    struct instant_date date = instant_civil_from_days(day);
    int32_t weekday = instant_weekday(day);
    bool closed = false;

    *ret_count = 0;
    for (size_t i = 0; i < days->closed_count; i++) {
        if (is_date(&days->closed[i], date, false))
            return NULL;
        closed |= is_date(&days->closed[i], date, true);
    }
    for (size_t i = 0; i < days->special_count; i++) {
        if (is_date(&days->special[i].date, date, false)) {
            *ret_count = days->special[i].windows_count;
            return days->special[i].windows;
        }
    }
    if (closed)
        return NULL;
    *ret_count = calendar->week.days_count[weekday];
    return calendar->week.days[weekday];
}

static void
append_minute(struct buffer *out, int64_t minute)
{
    words_append(out, "%02d:%02d", (int)(minute / 60), (int)(minute % 60));
}

static void
report_change(struct lint *lint, const struct change *change, int64_t day,
              const struct calendar_window *window)
{
    struct finding *finding =
        findings_begin(&lint->findings, change->gap ? LINT_IN_GAP : LINT_IN_REPEATED_HOUR);
    struct instant_date date = instant_civil_from_days(day);
    char text[INSTANT_TEXT_BYTES];

    words_append(&finding->subject, "calendar ");
    words_append_name(&finding->subject, change->calendar->name);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", (int)date.year % 10000, (int)date.month,
                   (int)date.day);
    print_key(&finding->fields, "calendar"), print_text(&finding->fields, change->calendar->name);
    print_key(&finding->fields, "date"), print_text(&finding->fields, slice_of(text));
    print_key(&finding->fields, "time_zone"), print_text(&finding->fields, change->zone);
    print_key(&finding->fields, "transition_at"), print_instant(&finding->fields, change->at_ms);
    words_append(&finding->text, "The window ");
    append_minute(&finding->text, window->open_minute);
    buffer_append_byte(&finding->text, '-');
    append_minute(&finding->text, window->close_minute);
    words_append(&finding->text, " of %s (%.*s) meets a change of the clocks: local times from ", text,
                 (int)change->zone.bytes, change->zone.at);
    append_minute(&finding->text, (change->from_s % DAY_S + DAY_S) % DAY_S / MINUTE_S);
    words_append(&finding->text, " to ");
    append_minute(&finding->text, (change->to_s % DAY_S + DAY_S) % DAY_S / MINUTE_S);
    buffer_append_text(
        &finding->text,
        change->gap ? " are missing (a gap) that day. A window's end that does not exist means the "
                      "moment of the change, so the window is shorter than it looks."
                    : " come twice that day. The window opens at the first occurrence and closes at the "
                      "last, so it is longer than it looks.");
}

/* An end strictly inside the change, or the whole window within it. */
static void
check_window(struct lint *lint, const struct change *change, int64_t day,
             const struct calendar_window *window)
{
    int64_t open_s = day * DAY_S + (int64_t)window->open_minute * MINUTE_S;
    int64_t close_s = day * DAY_S + (int64_t)window->close_minute * MINUTE_S;

    if (window->close_minute <= window->open_minute)
        close_s += DAY_S;
    if ((open_s > change->from_s && open_s < change->to_s) ||
        (close_s > change->from_s && close_s < change->to_s) ||
        (open_s >= change->from_s && close_s <= change->to_s))
        report_change(lint, change, day, window);
}

static int64_t
day_of_s(int64_t at_s)
{
    return at_s / DAY_S - (at_s % DAY_S < 0);
}

static void
check_change(struct lint *lint, const struct change *change)
{
    for (int64_t day = day_of_s(change->from_s) - 1; day <= day_of_s(change->to_s); day++) {
        size_t count;
        const struct calendar_window *windows = windows_of(change->calendar, day, &count);

        for (size_t i = 0; i < count; i++)
            check_window(lint, change, day, &windows[i]);
    }
}

static void
check_clock_changes(struct lint *lint, const struct policy_calendar *calendar)
{
    const struct policy_zone *named = &lint->policy->zones[calendar->zone];
    int64_t at_s = lint->from_ms / 1000 - 1, end_s = lint->to_ms / 1000;

    while ((at_s = zone_next_change_s(named->zone, at_s)) < end_s) {
        int32_t before_s = zone_offset_s(named->zone, at_s - 1), after_s = zone_offset_s(named->zone, at_s);
        struct change change = {
            .gap = after_s > before_s, .at_ms = at_s * 1000, .calendar = calendar, .zone = named->name};

        change.from_s = at_s + (change.gap ? before_s : after_s);
        change.to_s = at_s + (change.gap ? after_s : before_s);
        check_change(lint, &change);
    }
}

/* ---- days ---- */

static void
check_days(struct lint *lint, const struct policy_calendar *calendar)
{
    const struct calendar_days *days = &calendar->days;

    for (size_t i = 0; i < days->special_count; i++) {
        const struct calendar_date *date = &days->special[i].date;
        const struct instant_date day = {date->year, date->month, date->day};

        for (size_t k = 0; k < days->closed_count; k++) {
            char text[INSTANT_TEXT_BYTES];
            struct finding *finding;

            if (!is_date(&days->closed[k], day, false))
                continue;
            finding = findings_begin(&lint->findings, LINT_CLOSED_BEATS_SPECIAL);
            (void)snprintf(text, sizeof text, "%04d-%02d-%02d", date->year % 10000, date->month, date->day);
            words_append(&finding->subject, "calendar ");
            words_append_name(&finding->subject, calendar->name);
            print_key(&finding->fields, "calendar"), print_text(&finding->fields, calendar->name);
            print_key(&finding->fields, "date"), print_text(&finding->fields, slice_of(text));
            words_append(&finding->text,
                         "%s is both closed and special. Closed wins: the special windows never open.", text);
        }
    }
}

/* ---- targets ---- */

static int64_t
longest_target_ms(const struct policy_clock *clock)
{
    int64_t longest_ms = clock->target_default_ms;

    for (size_t i = 0; i < clock->targets_count; i++)
        longest_ms = clock->targets[i].ms > longest_ms ? clock->targets[i].ms : longest_ms;
    return longest_ms;
}

static int64_t
shortest_target_ms(const struct policy_clock *clock)
{
    int64_t shortest_ms = clock->target_default_ms;

    for (size_t i = 0; i < clock->targets_count; i++)
        shortest_ms =
            shortest_ms == 0 || clock->targets[i].ms < shortest_ms ? clock->targets[i].ms : shortest_ms;
    return shortest_ms;
}

static void
append_target(struct buffer *out, const struct lint *lint, int64_t target_ms, int calendar)
{
    words_append_length(out, target_ms);
    words_append(out, " on ");
    words_append_name(out, words_calendar_name(lint->policy, calendar));
}

static void
check_reach(struct lint *lint, const struct policy_clock *clock)
{
    const struct calendar *calendar = lint_calendar(lint, clock->calendar);
    const int64_t starts_ms[] = {lint->from_ms, lint->to_ms - 1};
    int64_t target_ms = longest_target_ms(clock);

    for (size_t i = 0; i < 2; i++) {
        int64_t due_ms = calendar_add_ms(calendar, starts_ms[i], target_ms);
        struct slice zone_name;
        const struct zone *zone = words_calendar_zone(lint->policy, clock->calendar, &zone_name);
        struct finding *finding;

        if (due_ms != CALENDAR_NEVER && due_ms - starts_ms[i] <= POLICY_DURATION_MAX_MS)
            continue;
        finding = findings_begin(&lint->findings, LINT_NEVER_REACHED);
        lint_name_clock(lint, finding, clock);
        words_append(&finding->text, "A clock that starts ");
        words_append_day_and_time(&finding->text, zone, starts_ms[i]);
        words_append(&finding->text, " (%.*s) does not reach its target of ", (int)zone_name.bytes,
                     zone_name.at);
        append_target(&finding->text, lint, target_ms, clock->calendar);
        buffer_append_text(&finding->text,
                           " within ten years: it is never due, warns nobody and is never breached.");
        print_key(&finding->fields, "start_at"), print_instant(&finding->fields, starts_ms[i]);
        return;
    }
}

static void
report_unstaffed(struct lint *lint, const struct policy_clock *clock, const struct policy_group *group,
                 int64_t target_ms, int64_t start_ms, size_t starts)
{
    struct finding *finding = findings_begin(&lint->findings, LINT_UNSTAFFED);
    struct slice zone_name, name = symbols_text(lint->symbols, group->name);
    const struct zone *zone = words_calendar_zone(lint->policy, group->calendar, &zone_name);

    lint_name_clock(lint, finding, clock);
    words_append(&finding->text, "The target of ");
    append_target(&finding->text, lint, target_ms, clock->calendar);
    words_append(&finding->text, " can run out while nobody of ");
    words_append_name(&finding->text, name);
    words_append(&finding->text, " is at work (");
    words_append_name(&finding->text, words_calendar_name(lint->policy, group->calendar));
    words_append(&finding->text, "): for instance from ");
    words_append_day_and_time(&finding->text, zone, start_ms);
    words_append(&finding->text, " (%.*s)", (int)zone_name.bytes, zone_name.at);
    if (starts > 1)
        words_append(&finding->text, ", and after %zu other ends of work that year", starts - 1);
    buffer_append_text(&finding->text,
                       ". Let the clock count in the group's hours, or staff the group in the clock's.");
    print_key(&finding->fields, "group"), print_text(&finding->fields, name);
    print_key(&finding->fields, "start_at"), print_instant(&finding->fields, start_ms);
    print_key(&finding->fields, "starts"), buffer_append_int64(&finding->fields, (int64_t)starts);
}

static void
report_disjoint(struct lint *lint, const struct policy_clock *clock, const struct policy_group *group)
{
    struct finding *finding = findings_begin(&lint->findings, LINT_UNSTAFFED);
    struct slice name = symbols_text(lint->symbols, group->name);

    lint_name_clock(lint, finding, clock);
    words_append(&finding->text, "It counts only while nobody of ");
    words_append_name(&finding->text, name);
    words_append(&finding->text, " is at work: all year long ");
    words_append_name(&finding->text, words_calendar_name(lint->policy, clock->calendar));
    words_append(&finding->text, " and the group's hours ");
    words_append_name(&finding->text, words_calendar_name(lint->policy, group->calendar));
    buffer_append_text(&finding->text, " are never open together.");
    print_key(&finding->fields, "group"), print_text(&finding->fields, name);
}

/* Whether some time of the clock is also time of the group. */
static bool
is_ever_staffed(const struct lint *lint, const struct calendar *hours, const struct calendar *counts)
{
    int64_t at_ms = calendar_next_open_ms(hours, lint->from_ms);

    while (at_ms < lint->to_ms) {
        int64_t close_ms = calendar_next_edge_ms(hours, at_ms);

        close_ms = close_ms < lint->to_ms ? close_ms : lint->to_ms;
        if (calendar_counted_ms(counts, at_ms, close_ms) > 0)
            return true;
        at_ms = calendar_next_open_ms(hours, close_ms);
    }
    return false;
}

/* Nobody works from the close of the group's hours to their next opening; a later start in between is due
 * later, so the close is the start to ask. */
static void
check_staffing(struct lint *lint, const struct policy_clock *clock)
{
    const struct policy_group *group = clock->measure == MEASURE_HANDLING && clock->of_group != 0
                                           ? policy_group_find(lint->policy, clock->of_group)
                                           : NULL;
    int64_t target_ms = shortest_target_ms(clock), first_ms = 0, start_ms = lint->from_ms;
    const struct calendar *hours, *counts;
    size_t starts = 0;

    if (group == NULL || group->calendar == POLICY_NONE || group->calendar == clock->calendar)
        return;
    hours = lint_calendar(lint, group->calendar);
    counts = lint_calendar(lint, clock->calendar);
    if (calendar_next_edge_ms(hours, start_ms) < lint->to_ms)
        start_ms = calendar_next_edge_ms(hours, start_ms);
    for (; start_ms < lint->to_ms; start_ms = calendar_next_edge_ms(hours, start_ms)) {
        int64_t due_ms;

        if (calendar_is_open(hours, start_ms))
            continue;
        due_ms = calendar_add_ms(counts, start_ms, target_ms);
        if (due_ms == CALENDAR_NEVER || due_ms > calendar_next_open_ms(hours, start_ms))
            continue;
        first_ms = starts == 0 ? start_ms : first_ms;
        starts++;
    }
    if (starts > 0)
        report_unstaffed(lint, clock, group, target_ms, first_ms, starts);
    else if (!is_ever_staffed(lint, hours, counts))
        report_disjoint(lint, clock, group);
}

void
lint_calendars(struct lint *lint)
{
    const struct policy *policy = lint->policy;

    for (size_t i = 0; i < policy->calendars_count; i++) {
        if (policy->calendars[i].is_union || policy->calendars[i].zone == POLICY_NONE)
            continue;
        check_clock_changes(lint, &policy->calendars[i]);
        check_days(lint, &policy->calendars[i]);
    }
    for (size_t i = 0; i < policy->clocks_count; i++) {
        check_reach(lint, &policy->clocks[i]);
        check_staffing(lint, &policy->clocks[i]);
    }
}
