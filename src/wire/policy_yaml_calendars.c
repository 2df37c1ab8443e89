/*
 * The section `calendars`: weeks, windows, closed and special days, unions (rulings R4, R5).
 *
 * Why this way: names are read before contents, so that a union may name a calendar further down. A calendar
 * that never opens is found here, once, and not by a clock that waits for ever (SC-21).
 *
 * Always true: when this is done without an error every calendar can be compiled, members of unions point at
 * calendars of the policy, and no union reaches itself.
 *
 * Not here: compiling (core/calendar), lint's warnings (closed beats special, windows inside of gaps).
 */
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"

enum { DAY_MINUTES = 1440 };

/* ---- windows ---- */

static int
minute_of(const char *at)
{
    int hour, minute;

    for (int i = 0; i < 5; i++)
        if (i == 2 ? at[i] != ':' : at[i] < '0' || at[i] > '9')
            return -1;
    hour = (at[0] - '0') * 10 + (at[1] - '0');
    minute = (at[3] - '0') * 10 + (at[4] - '0');
    return minute < 60 && hour * 60 + minute <= DAY_MINUTES ? hour * 60 + minute : -1;
}

/* "09:00-17:00". An end of 00:00 is the end of the day. */
static int
parse_window(struct slice text, struct calendar_window *ret_window)
{
    int open, close;

    if (text.bytes != 11 || text.at[5] != '-')
        return -1;
    open = minute_of(text.at);
    close = minute_of(text.at + 6);
    if (open < 0 || close < 0 || open == DAY_MINUTES || open == close)
        return -1;
    *ret_window = (struct calendar_window){(int16_t)open, (int16_t)(close == 0 ? DAY_MINUTES : close)};
    return 0;
}

/* Where a window ends, counted from its own day's midnight. */
static int
end_of(struct calendar_window window)
{
    return window.close_minute > window.open_minute ? window.close_minute : window.close_minute + DAY_MINUTES;
}

static void
check_overlap(struct policy_yaml_loader *loader, const struct yaml_node *list, const struct yaml_node *node,
              const struct calendar_window *windows, size_t index)
{
    const struct yaml_node *other = list->first;

    for (size_t i = 0; i < index; i++, other = other->next) {
        if (windows[i].open_minute >= end_of(windows[index]) ||
            windows[index].open_minute >= end_of(windows[i]))
            continue;
        yaml_get_fail(loader->error, POLICY_ERROR_OVERLAPPING_WINDOWS, node,
                      "the window %s overlaps %s of the same day", policy_error_quote(node->text).text,
                      policy_error_quote(other->text).text);
        return;
    }
}

static const struct calendar_window *
read_windows(struct policy_yaml_loader *loader, const struct yaml_node *list, size_t *ret_count)
{
    static const char expected[] = "a window like 09:00-17:00, with 24:00 only as its end";
    struct calendar_window *windows;
    size_t count = 0;

    *ret_count = 0;
    if (!yaml_get_bounded_list(loader->error, list, "a list of windows like [\"09:00-17:00\"]",
                               POLICY_YAML_WINDOWS_MAX))
        return NULL;
    windows = policy_yaml_parts_allocate(loader, list->children_count, sizeof *windows);
    for (const struct yaml_node *each = list->first; each != NULL; each = each->next) {
        struct slice text = yaml_get_text(loader->error, each, expected);

        if (policy_yaml_loader_failed(loader))
            return NULL;
        if (parse_window(text, &windows[count]) != 0)
            yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_WINDOW, each, expected);
        else
            check_overlap(loader, list, each, windows, count++);
    }
    *ret_count = count;
    return windows;
}

/* ---- the week ---- */

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int
day_of(struct slice text)
{
    for (int day = 0; day < 7; day++)
        if (slice_is(text, day_names[day]))
            return day;
    return -1;
}

/* Bits of the days that a key of `week` names; 0 when it names none. Ranges wrap: sun-thu. */
static unsigned
days_of(struct slice key)
{
    unsigned days = 0;
    int first, last;

    if (slice_is(key, "daily"))
        return 0x7F;
    if (key.bytes != 7 || key.at[3] != '-')
        return day_of(key) < 0 ? 0 : 1U << day_of(key);
    first = day_of((struct slice){key.at, 3});
    last = day_of((struct slice){key.at + 4, 3});
    if (first < 0 || last < 0 || first == last)
        return 0;
    for (int day = first; day != last; day = (day + 1) % 7)
        days |= 1U << day;
    return days | 1U << last;
}

static void
fail_day(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct spelling spelling = spelling_of(node->key);

    for (int day = 0; day < 7; day++)
        spelling_offer(&spelling, slice_of(day_names[day]));
    spelling_offer(&spelling, slice_of("daily"));
    yaml_get_fail_key(
        loader->error, POLICY_ERROR_UNKNOWN_DAY, node,
        "unknown day %s, expected mon, tue, wed, thu, fri, sat, sun, a range like mon-fri, or daily%s",
        policy_error_quote(node->key).text, spelling_hint(&spelling).text);
}

static void
read_week(struct policy_yaml_loader *loader, const struct yaml_node *node, struct calendar_week *week)
{
    unsigned seen = 0;

    if (!yaml_get_mapping(loader->error, node, "a mapping of days like {mon-fri: [\"09:00-17:00\"]}"))
        return;
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        unsigned days = days_of(each->key);
        size_t count;
        const struct calendar_window *windows = read_windows(loader, each, &count);

        if (days == 0)
            fail_day(loader, each);
        else if ((days & seen) != 0)
            yaml_get_fail_key(loader->error, POLICY_ERROR_DAY_TWICE, each,
                              "the key %s names %s, which an earlier key names too",
                              policy_error_quote(each->key).text, day_names[__builtin_ctz(days & seen)]);
        seen |= days;
        for (int day = 0; day < 7; day++) {
            if ((days >> day & 1) == 0)
                continue;
            week->days[day] = windows;
            week->days_count[day] = count;
        }
    }
}

/* ---- dates ---- */

static bool
same_date(struct calendar_date a, struct calendar_date b)
{
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

static void
read_closed(struct policy_yaml_loader *loader, const struct yaml_node *node, struct calendar_days *days)
{
    static const char expected[] = "a date like 2026-12-25, or a yearly one like \"12-25\"";
    struct calendar_date *dates;
    size_t count = 0;

    if (!yaml_get_bounded_list(loader->error, node, "a list of dates", POLICY_YAML_DATES_MAX))
        return;
    dates = policy_yaml_parts_allocate(loader, node->children_count, sizeof *dates);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        struct slice text = yaml_get_text(loader->error, each, expected);

        if (policy_yaml_loader_failed(loader))
            return;
        if (policy_yaml_parts_parse_date(text, &dates[count]) != 0)
            yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_DATE, each, expected);
        for (size_t i = 0; i < count && !policy_yaml_loader_failed(loader); i++)
            if (same_date(dates[i], dates[count]))
                yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each,
                              "the date %s stands here twice", policy_error_quote(text).text);
        count++;
    }
    days->closed = dates;
    days->closed_count = count;
}

static void
read_special(struct policy_yaml_loader *loader, const struct yaml_node *node, struct calendar_days *days)
{
    struct calendar_special *special;
    size_t count = 0;

    if (!yaml_get_bounded_mapping(loader->error, node,
                                  "a mapping of dates like {2026-12-24: [\"09:00-12:00\"]}",
                                  POLICY_YAML_DATES_MAX))
        return;
    special = policy_yaml_parts_allocate(loader, node->children_count, sizeof *special);
    for (const struct yaml_node *each = node->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next, count++) {
        if (policy_yaml_parts_parse_date(each->key, &special[count].date) != 0 ||
            special[count].date.year == 0)
            yaml_get_fail_key(loader->error, POLICY_ERROR_BAD_DATE, each,
                              "found %s, expected a date like 2026-12-24",
                              policy_error_quote(each->key).text);
        special[count].windows = read_windows(loader, each, &special[count].windows_count);
    }
    days->special = special;
    days->special_count = count;
}

/* ---- one calendar ---- */

static void
read_union(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_calendar *calendar)
{
    int *members;

    if (!yaml_get_filled_list(loader->error, node, "a list of calendars", POLICY_YAML_UNION_MAX))
        return;
    members = policy_yaml_parts_allocate(loader, node->children_count, sizeof *members);
    calendar->is_union = true;
    calendar->members = members;
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        int member = policy_yaml_parts_calendar(loader, each);

        for (size_t i = 0; i < calendar->members_count && !policy_yaml_loader_failed(loader); i++)
            if (members[i] == member)
                yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each,
                              "the calendar %s stands here twice", policy_error_quote(each->text).text);
        members[calendar->members_count++] = member;
    }
}

/* A calendar that is `always`, or a union, has no other key. */
static void
check_alone(struct policy_yaml_loader *loader, const struct yaml_node *node, const struct yaml_node *alone)
{
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next)
        if (each != alone)
            yaml_get_fail_key(loader->error, POLICY_ERROR_NOT_HERE, each,
                              "found %s beside %s, expected %s alone in its calendar",
                              policy_error_quote(each->key).text, alone->key.at, alone->key.at);
}

static void
read_calendar(struct policy_yaml_loader *loader, const struct yaml_node *node,
              struct policy_calendar *calendar)
{
    static const char *const keys[] = {"always", "union", "time_zone", "week", "closed", "special", NULL};
    const struct yaml_node *always = yaml_find(node, "always");
    const struct yaml_node *members = yaml_find(node, "union");

    calendar->zone = POLICY_NONE;
    if (!yaml_get_record(loader->error, node, "a calendar", keys))
        return;
    if (yaml_get_boolean(loader->error, always)) {
        calendar->week.always = true;
        check_alone(loader, node, always);
        return;
    }
    if (members != NULL) {
        check_alone(loader, node, members);
        read_union(loader, members, calendar);
        return;
    }
    calendar->zone = policy_yaml_parts_zone(loader, yaml_get_required(loader->error, node, "time_zone"));
    read_week(loader, yaml_find(node, "week"), &calendar->week);
    read_closed(loader, yaml_find(node, "closed"), &calendar->days);
    read_special(loader, yaml_find(node, "special"), &calendar->days);
    if (calendar->zone != POLICY_NONE)
        calendar->days.zone = loader->zones[calendar->zone].zone;
}

/* ---- all of them ---- */

/* Follows the unions from one calendar on. seen: 0 not yet, 1 on the way, 2 done. */
static void
check_circle(struct policy_yaml_loader *loader, const struct yaml_node *const *nodes, unsigned char *seen,
             int at)
{
    const struct policy_calendar *calendar = &loader->calendars[at];
    const struct yaml_node *list = yaml_find(nodes[at], "union");
    const struct yaml_node *each = list != NULL ? list->first : NULL;

    seen[at] = 1;
    for (size_t i = 0; i < calendar->members_count && !policy_yaml_loader_failed(loader);
         i++, each = each->next) {
        must(each != NULL); /* a member is an entry of this list */
        if (seen[calendar->members[i]] == 1)
            yaml_get_fail(loader->error, POLICY_ERROR_UNION_CIRCLE, each,
                          "the union %s contains itself by way of %s",
                          policy_error_quote(calendar->name).text, policy_error_quote(each->text).text);
        else if (seen[calendar->members[i]] == 0)
            check_circle(loader, nodes, seen, calendar->members[i]);
    }
    seen[at] = 2;
}

/* Whether it must be compiled to know that it opens: a weekly window that few yearly days close does so some
 * day. */
static bool
is_doubtful(const struct policy_calendar *calendar)
{
    enum { FEW_DAYS = 50 };

    for (int day = 0; day < 7; day++)
        if (calendar->week.days_count[day] > 0)
            return calendar->days.closed_count > FEW_DAYS;
    return !calendar->week.always && !calendar->is_union;
}

static void
check_opens(struct policy_yaml_loader *loader, const struct yaml_node *node,
            const struct policy_calendar *calendar)
{
    struct calendar *compiled;

    if (policy_yaml_loader_failed(loader) || !is_doubtful(calendar))
        return;
    compiled = calendar_new(&calendar->week, &calendar->days);
    if (!calendar_ever_opens(compiled))
        yaml_get_fail_key(loader->error, POLICY_ERROR_NEVER_OPEN, node,
                          "the calendar %s is never open, expected a window on some day that is not closed",
                          policy_error_quote(calendar->name).text);
    calendar_free(compiled);
}

static void
check_all(struct policy_yaml_loader *loader, const struct yaml_node *const *nodes)
{
    size_t count = loader->policy->calendars_count;
    unsigned char *seen = policy_yaml_parts_allocate(loader, count, 1);

    for (size_t i = 0; i < count; i++)
        if (!policy_yaml_loader_failed(loader) && seen[i] == 0)
            check_circle(loader, nodes, seen, (int)i);
    for (size_t i = 0; i < count; i++)
        check_opens(loader, nodes[i], &loader->calendars[i]);
}

void
policy_yaml_calendars_read(struct policy_yaml_loader *loader)
{
    const struct yaml_node *section = yaml_find(loader->root, "calendars");
    size_t count = section != NULL ? section->children_count : 0, index = 0;
    const struct yaml_node **nodes;

    if (section != NULL && !yaml_get_bounded_mapping(loader->error, section, "a mapping of calendars",
                                                     POLICY_YAML_CALENDARS_MAX))
        return;
    loader->calendars =
        policy_yaml_parts_allocate(loader, count + 1, sizeof *loader->calendars); /* one for always */
    loader->policy->calendars = loader->calendars;
    loader->policy->calendars_count = count;
    nodes = policy_yaml_parts_allocate(loader, count, sizeof(const struct yaml_node *));
    for (const struct yaml_node *each = section != NULL ? section->first : NULL; each != NULL;
         each = each->next) {
        loader->calendars[index].name =
            arena_copy_slice(loader->arena, yaml_get_key_text(loader->error, each));
        nodes[index++] = each;
    }
    for (index = 0; index < count; index++)
        read_calendar(loader, nodes[index], &loader->calendars[index]);
    if (!policy_yaml_loader_failed(loader))
        check_all(loader, nodes);
}

int
policy_yaml_calendars_always(struct policy_yaml_loader *loader)
{
    size_t count = loader->policy->calendars_count;

    for (size_t i = 0; i < count; i++)
        if (loader->calendars[i].week.always)
            return (int)i;
    loader->calendars[count] =
        (struct policy_calendar){.name = slice_of("always"), .zone = POLICY_NONE, .week = {.always = true}};
    loader->policy->calendars_count = count + 1;
    return (int)count;
}
