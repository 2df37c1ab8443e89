/*
 * A derived point as bytes, inside one process: what is not as it was at birth is written, instants against the ticket's first,
 * numbers as varints (base/varint.h).
 *
 * Why packed: a ticket is read and written once an event, and millions of them lie in memory; what fits in two cache lines
 * more is faster than what is ready to use in ten. Symbols and versions stand as numbers, so no point leaves its process.
 * Always true: restore(keep(fold)) has the same life, clocks and course, but for `since_ms` of a clock that does not run and
 * `target_ms` of one that never started.
 * Not here: bytes for other processes (state).
 */
#include "core/point.h"
#include "base/memory.h"
#include "base/panic.h"

/* clang-format off */
#define LIFE_INSTANTS(X) \
    X(at_ms) X(started_at_ms) X(first_event_at_ms) X(changed_at_ms) X(earliest_start_ms) X(first_contact_ms) \
    X(priority_since_ms) X(oldest_unanswered_ms) X(solved_at_ms) X(closed_at_ms) X(final_at_ms) X(pending_reopen_at_ms) \
    X(inherited_contact_ms) X(merged_at_ms) X(relay_contact_ms)
#define LIFE_NUMBERS(X) \
    X(version) X(start_version) X(agent_messages) X(tiers_touched) X(assignee_changes) X(group_bounces) X(reopens) \
    X(source) X(group_before) X(assignee_before) X(priority_before) X(merged_into)
#define LIFE_BOOLS(X) \
    X(exists) X(contacted) X(answered) X(handed_off) X(created_by_agent) X(message_since_solve) X(through) X(deleted) X(merged) \
    X(erased) X(has_waiting_on) X(excused_ahead) X(canned_seen) X(auto_closed_seen) X(has_past) X(figures_moved)
#define CLOCK_BOOLS(X) \
    X(running, 1) X(ended, 2) X(answered, 6) X(irregular, 8) X(cancelled, 9) X(unanswered, 10) X(excused, 11) X(lost, 12) \
    X(final, 13) X(renewed, 14)
/* clang-format on */

/* Those of an ordinary clock under way or met come first: then its shape is one byte. */
enum {
    HAS_STARTED = 1 << 0,
    HAS_NEXT = 1 << 3,
    HAS_NEXT_AT = 1 << 4,
    HAS_DUE = 1 << 5,
    HAS_BREACHED = 1 << 7,
    HAS_TARGET = 1 << 15, /* another than its promise has for the ticket's priority now */
    HAS_CYCLE = 1 << 16,
    HAS_ASKED = 1 << 17,
    HAS_FLAGS = 1 << 18
};
#define LIFE_BYTES_MAX 400
#define CLOCK_BYTES_MAX 100
#define MARK_BYTES_MAX 16

void
point_done(struct point *point)
{
    memory_free(point->bytes);
    *point = (struct point){0};
}

/* ---- writing ---- */

static inline char *
put(char *at, uint64_t value)
{
    if (value < 0x80) {
        *at = (char)value;
        return at + 1;
    }
    return at + varint_put(at, value);
}

static inline char *
put_signed(char *at, int64_t value)
{
    return put(at, varint_zigzag(value));
}

static char *
put_life(char *at, const struct life *life, int64_t base_ms)
{
    unsigned bools = 0, bit = 0;
    uint64_t masks = 0;
    char *body = at + 10;
    int n = 0;

#define BOOL(name) bools |= (unsigned)life->name << bit++;
    LIFE_BOOLS(BOOL)
#undef BOOL
#define INSTANT(name) \
    if (life->name != INSTANT_NONE) { \
        masks |= UINT64_C(1) << n; \
        body = put_signed(body, life->name - base_ms); \
    } \
    n++;
    LIFE_INSTANTS(INSTANT)
#undef INSTANT
#define NUMBER(name) \
    if (life->name != 0) { \
        masks |= UINT64_C(1) << n; \
        body = put(body, life->name); \
    } \
    n++;
    LIFE_NUMBERS(NUMBER)
#undef NUMBER
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++, n++) {
        if (life->attributes[i] != 0) {
            masks |= UINT64_C(1) << n;
            body = put(body, life->attributes[i]);
        }
    }
    masks |= (uint64_t)bools << n;
    memcpy(at, &masks, 8);
    at[8] = (char)(life->state | life->phase << 3 | life->status_on << 5);
    at[9] = (char)life->ball;
    *body++ = (char)life->first_ball;
    *body++ = (char)life->waiting_on;
    return body;
}

static unsigned
shape_of(const struct clock *clock, symbol priority)
{
    unsigned shape = 0;

#define BOOL(name, bit) shape |= (unsigned)clock->name << (bit);
    CLOCK_BOOLS(BOOL)
#undef BOOL
    shape |= clock->started_at_ms != INSTANT_NONE ? HAS_STARTED : 0;
    shape |= clock->next_ms != NEVER ? HAS_NEXT : 0;
    shape |= clock->next_at_ms != NEVER ? HAS_NEXT_AT : 0;
    shape |= clock->breached_at_ms != INSTANT_NONE ? HAS_BREACHED : 0;
    shape |= clock->due_at_ms != INSTANT_NONE ? HAS_DUE : 0;
    shape |= clock->target_ms != promise_target_ms(clock->promise, priority) ? HAS_TARGET : 0;
    shape |= clock->cycle != 1 ? HAS_CYCLE : 0;
    shape |= clock->asked_version != clock->version ? HAS_ASKED : 0;
    shape |= clock->flags != 0 ? HAS_FLAGS : 0;
    return shape;
}

static char *
put_clock(char *at, const struct policy_set *set, const struct clock *clock, symbol priority, int64_t base_ms)
{
    unsigned shape = shape_of(clock, priority);

    at = put(at, shape);
    at = put(at, clock->version);
    at = put(at, (uint64_t)(clock->promise - policy_set_version(set, clock->version)->clocks));
    if (shape & HAS_CYCLE)
        at = put(at, clock->cycle);
    if (shape & HAS_ASKED)
        at = put(at, clock->asked_version);
    if (shape & HAS_FLAGS)
        at = put(at, clock->flags);
    if ((shape & HAS_STARTED) == 0)
        return at;
    at = put_signed(at, clock->started_at_ms - base_ms);
    at = put_signed(at, clock->elapsed_ms);
    if (shape & HAS_TARGET)
        at = put_signed(at, clock->target_ms);
    if (clock->running)
        at = put_signed(at, clock->since_ms - base_ms);
    if (clock->ended)
        at = put_signed(at, clock->stopped_at_ms - base_ms);
    if (clock->ended || shape & HAS_BREACHED)
        at = put(at, clock->decided_after);
    if (shape & HAS_DUE)
        at = put_signed(at, clock->due_at_ms - base_ms);
    if (shape & HAS_BREACHED)
        at = put_signed(at, clock->breached_at_ms - base_ms);
    if (shape & HAS_NEXT)
        at = put_signed(at, clock->target_ms - clock->next_ms);
    if (shape & HAS_NEXT_AT)
        at = put_signed(at, clock->next_at_ms - base_ms);
    return at;
}

static char *
put_course(char *at, const struct course *course, int64_t base_ms)
{
    int64_t before_ms = base_ms;

    at = put(at, (uint64_t)course->count << 1 | course->broken);
    for (uint32_t i = 0; i < course->count; i++) {
        const struct course_mark *mark = &course->marks[i];

        at = put_signed(at, mark->at_ms - before_ms);
        at = put(at, mark->ball | (uint64_t)mark->running << PARTIES_COUNT);
        before_ms = mark->at_ms;
    }
    return at;
}

void
point_keep(struct point *point, const struct fold *fold, struct buffer *scratch)
{
    const int64_t base_ms = fold->history->base_ms;
    char *from, *at;
    uint32_t used;
    size_t had;

    buffer_reset(scratch);
    from = buffer_reserve(scratch, LIFE_BYTES_MAX + fold->clocks_count * CLOCK_BYTES_MAX + fold->course.count * MARK_BYTES_MAX);
    at = put_life(from, &fold->life, base_ms);
    at = put(at, fold->clocks_count);
    for (size_t i = 0; i < fold->clocks_count; i++)
        at = put_clock(at, fold->set, &fold->clocks[i], fold->life.attributes[ATTRIBUTE_PRIORITY], base_ms);
    at = put_course(at, &fold->course, base_ms);
    used = (uint32_t)(at - from);
    had = point_room(point);
    point->used = used;
    if (point_room(point) != had)
        point->bytes = memory_resize(point->bytes, point_room(point));
    memcpy(point->bytes, from, used);
}

/* ---- reading ---- */

static const char *
take_life(const char *at, int64_t base_ms, struct life *life)
{
    uint64_t masks;
    unsigned state;
    int n = 0;

    memcpy(&masks, at, 8);
    state = (unsigned char)at[8];
    life->ball = (uint8_t)at[9];
    life->state = state & 7;
    life->phase = state >> 3 & 3;
    life->status_on = (uint8_t)(state >> 5);
    at += 10;
#define INSTANT(name) life->name = masks >> n++ & 1 ? base_ms + varint_unzigzag(varint_take(&at)) : INSTANT_NONE;
    LIFE_INSTANTS(INSTANT)
#undef INSTANT
#define NUMBER(name) life->name = masks >> n++ & 1 ? (__typeof__(life->name))varint_take(&at) : 0;
    LIFE_NUMBERS(NUMBER)
#undef NUMBER
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++, n++)
        life->attributes[i] = masks >> n & 1 ? (symbol)varint_take(&at) : 0;
#define BOOL(name) life->name = masks >> n++ & 1;
    LIFE_BOOLS(BOOL)
#undef BOOL
    life->first_ball = (uint8_t)*at++;
    life->waiting_on = (uint8_t)*at++;
    return at;
}

static const char *
take_instants(const char *at, unsigned shape, struct clock *clock, int64_t base_ms)
{
    clock->started_at_ms = base_ms + varint_unzigzag(varint_take(&at));
    clock->elapsed_ms = varint_unzigzag(varint_take(&at));
    if (shape & HAS_TARGET)
        clock->target_ms = varint_unzigzag(varint_take(&at));
    if (clock->running)
        clock->since_ms = base_ms + varint_unzigzag(varint_take(&at));
    if (clock->ended)
        clock->stopped_at_ms = base_ms + varint_unzigzag(varint_take(&at));
    if (clock->ended || shape & HAS_BREACHED)
        clock->decided_after = (uint32_t)varint_take(&at);
    if (shape & HAS_DUE)
        clock->due_at_ms = base_ms + varint_unzigzag(varint_take(&at));
    if (shape & HAS_BREACHED)
        clock->breached_at_ms = base_ms + varint_unzigzag(varint_take(&at));
    if (shape & HAS_NEXT)
        clock->next_ms = clock->target_ms - varint_unzigzag(varint_take(&at));
    if (shape & HAS_NEXT_AT)
        clock->next_at_ms = base_ms + varint_unzigzag(varint_take(&at));
    return at;
}

static const char *
take_clock(const char *at, const struct fold *fold, struct clock *clock, int64_t base_ms)
{
    unsigned shape = (unsigned)varint_take(&at);
    uint16_t version;

    version = (uint16_t)varint_take(&at);
    clock_idle(clock, policy_set_version(fold->set, version)->clocks + varint_take(&at), version);
#define BOOL(name, bit) clock->name = shape >> (bit) & 1;
    CLOCK_BOOLS(BOOL)
#undef BOOL
    if (shape & HAS_CYCLE)
        clock->cycle = (uint32_t)varint_take(&at);
    if (shape & HAS_ASKED)
        clock->asked_version = (uint16_t)varint_take(&at);
    if (shape & HAS_FLAGS)
        clock->flags = (uint16_t)varint_take(&at);
    if ((shape & HAS_STARTED) == 0)
        return at;
    clock->calendar = clock_calendar(fold, clock->promise, version);
    clock->target_ms = promise_target_ms(clock->promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
    return take_instants(at, shape, clock, base_ms);
}

static void
take_course(const char *at, struct course *course, int64_t base_ms)
{
    uint64_t count = varint_take(&at);
    int64_t at_ms = base_ms;

    course->broken = count & 1;
    course->count = (uint32_t)(count >> 1);
    if (course->count > course->room) {
        course->room = course->count;
        course->marks = memory_resize(course->marks, course->room * sizeof *course->marks);
    }
    for (uint32_t i = 0; i < course->count; i++) {
        uint64_t who;

        at_ms += varint_unzigzag(varint_take(&at));
        who = varint_take(&at);
        course->marks[i] = (struct course_mark){at_ms, (uint8_t)(who & PARTY_EVERYONE), (uint32_t)(who >> PARTIES_COUNT)};
    }
}

bool
point_restore(const struct point *point, struct fold *fold)
{
    const int64_t base_ms = fold->history->base_ms;
    const char *at = point->bytes;

    fold_reset(fold);
    if (point->used == 0)
        return false;
    at = take_life(at, base_ms, &fold->life);
    fold->clocks_count = varint_take(&at);
    fold_reserve(fold, fold->clocks_count);
    for (size_t i = 0; i < fold->clocks_count; i++)
        at = take_clock(at, fold, &fold->clocks[i], base_ms);
    take_course(at, &fold->course, base_ms);
    return true;
}

bool
point_life(const struct point *point, int64_t base_ms, struct life *ret_life)
{
    if (point->used == 0)
        return false;
    memset(ret_life, 0, sizeof *ret_life);
    (void)take_life(point->bytes, base_ms, ret_life);
    return true;
}
