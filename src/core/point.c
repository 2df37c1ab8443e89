/*
 * A derived point as bytes, inside one process: what is not as it was at birth is written, instants in five
 * bytes against the ticket's first, numbers as varints (base/varint.h).
 *
 * Why packed: a ticket is read and written once an event, and millions of them lie in memory; what fits in
 * two cache lines more is faster than what is ready to use in ten. Symbols and versions stand as numbers, so
 * no point leaves its process. Always true: restore(keep(fold)) has the same life, clocks and course, but for
 * `since_ms` of a clock that does not run and `target_ms` of one that never started. Not here: bytes for
 * other processes (state).
 */
#include "core/point.h"
#include "base/memory.h"
#include "base/panic.h"

/* clang-format off */
#define LIFE_INSTANTS(X) /* which most tickets have: left out when the ticket's start says the same */ \
    X(first_event_at_ms) X(changed_at_ms) X(earliest_start_ms) X(first_contact_ms)
#define LIFE_RARE_INSTANTS(X) /* left out when there is none */ \
    X(at_ms) X(priority_since_ms) X(oldest_unanswered_ms) X(solved_at_ms) X(closed_at_ms) X(final_at_ms) X(pending_reopen_at_ms) \
    X(inherited_contact_ms) X(merged_at_ms) X(relay_contact_ms)
#define LIFE_NUMBERS(X) \
    X(version) X(start_version) X(agent_messages) X(tiers_touched) X(assignee_changes) X(group_bounces) X(reopens) \
    X(source) X(priority_before) X(merged_into)
#define LIFE_BEFORES(X) /* left out when they are what the ticket has */ \
    X(group_before, ATTRIBUTE_GROUP) X(assignee_before, ATTRIBUTE_ASSIGNEE)
#define LIFE_BOOLS(X) \
    X(exists) X(contacted) X(answered) X(handed_off) X(created_by_agent) X(message_since_solve) X(through) X(deleted) X(merged) \
    X(erased) X(has_waiting_on) X(excused_ahead) X(canned_seen) X(auto_closed_seen) X(has_past) X(figures_moved)
#define CLOCK_BOOLS(X) \
    X(running, 1) X(ended, 2) X(answered, 12) X(irregular, 13) X(cancelled, 14) X(unanswered, 15) X(excused, 16) X(lost, 17) \
    X(final, 18) X(renewed, 19)
/* clang-format on */

/* Those that an ordinary clock may have come first: then its shape is two bytes. */
enum {
    HAS_STARTED = 1 << 0,
    HAS_START = 1 << 3, /* of its own, not the ticket's */
    HAS_SINCE = 1 << 4, /* another than its start */
    HAS_ELAPSED = 1 << 5,
    HAS_NEXT = 1 << 6,
    HAS_NEXT_AT = 1 << 7,
    HAS_DUE = 1 << 8,
    HAS_BREACHED = 1 << 9,
    HAS_TARGET = 1 << 10, /* another than its promise has for the ticket's priority now */
    HAS_FLAGS = 1 << 11,
    HAS_CYCLE = 1 << 20,
    HAS_ASKED = 1 << 21
};
enum { READ_AHEAD = 3, POINT_SLACK = 64 }; /* eight bytes are read at a time */
#define LIFE_BYTES_MAX 400
#define CLOCK_BYTES_MAX 100
#define MARK_BYTES_MAX 20

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

/* An instant against another, or a length: forty bits with a sign, some seventeen years either way. 0 stands
 * for no instant. */
enum { SHORT_BYTES = 5 };
#define SHORT_ZERO (INT64_C(1) << 39)
#define SHORT_MASK ((UINT64_C(1) << 40) - 1)

static inline char *
put_short(char *at, int64_t value, uint64_t *ret_spill)
{
    uint64_t word = (uint64_t)(value + SHORT_ZERO);

    *ret_spill |= word > SHORT_MASK || word == 0;
    memcpy(at, &word, sizeof word);
    return at + SHORT_BYTES;
}

static inline char *
put_instant(char *at, int64_t at_ms, int64_t base_ms, uint64_t *ret_spill)
{
    const uint64_t none = 0;

    if (at_ms != INSTANT_NONE)
        return put_short(at, at_ms - base_ms, ret_spill);
    memcpy(at, &none, sizeof none);
    return at + SHORT_BYTES;
}

static char *
put_life(char *at, const struct life *life, int64_t base_ms, uint64_t *spill)
{
    unsigned bools = 0, bit = 0;
    uint64_t masks = 0;
    char *body = at + 14;
    int n = 0;

#define BOOL(name) bools |= (unsigned)life->name << bit++;
    LIFE_BOOLS(BOOL)
#undef BOOL
#define INSTANT(name, absent)                                                                                \
    if (life->name != (absent)) {                                                                            \
        masks |= UINT64_C(1) << n;                                                                           \
        body = put_instant(body, life->name, base_ms, spill);                                                \
    }                                                                                                        \
    n++;
#define COMMON(name) INSTANT(name, life->started_at_ms)
#define RARE(name) INSTANT(name, INSTANT_NONE)
    INSTANT(started_at_ms, base_ms)
    LIFE_INSTANTS(COMMON)
    LIFE_RARE_INSTANTS(RARE)
#undef RARE
#undef COMMON
#undef INSTANT
#define NUMBER(name)                                                                                         \
    if (life->name != 0) {                                                                                   \
        masks |= UINT64_C(1) << n;                                                                           \
        body = put(body, life->name);                                                                        \
    }                                                                                                        \
    n++;
    LIFE_NUMBERS(NUMBER)
#undef NUMBER
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++, n++) {
        if (life->attributes[i] != 0) {
            masks |= UINT64_C(1) << n;
            body = put(body, life->attributes[i]);
        }
    }
#define BEFORE(name, attribute)                                                                              \
    if (life->name != life->attributes[attribute]) {                                                         \
        masks |= UINT64_C(1) << n;                                                                           \
        body = put(body, life->name);                                                                        \
    }                                                                                                        \
    n++;
    LIFE_BEFORES(BEFORE)
#undef BEFORE
    memcpy(at, &masks, 8);
    at[8] = (char)bools;
    at[9] = (char)(bools >> 8);
    at[10] = (char)(life->state | life->phase << 3 | life->status_on << 5);
    at[11] = (char)life->ball;
    at[12] = (char)life->first_ball;
    at[13] = (char)life->waiting_on;
    return body;
}

static unsigned
shape_of(const struct clock *clock, const struct life *life)
{
    unsigned shape = 0;

#define BOOL(name, bit) shape |= (unsigned)clock->name << (bit);
    CLOCK_BOOLS(BOOL)
#undef BOOL
    shape |= clock->cycle != 1 ? HAS_CYCLE : 0;
    shape |= clock->asked_version != clock->version ? HAS_ASKED : 0;
    shape |= clock->flags != 0 ? HAS_FLAGS : 0;
    if (clock->started_at_ms == INSTANT_NONE)
        return shape;
    shape |= HAS_STARTED;
    shape |= clock->started_at_ms != life->started_at_ms ? HAS_START : 0;
    shape |= clock->running && clock->since_ms != clock->started_at_ms ? HAS_SINCE : 0;
    shape |= clock->elapsed_ms != 0 ? HAS_ELAPSED : 0;
    shape |= clock->next_ms != NEVER ? HAS_NEXT : 0;
    shape |= clock->next_at_ms != NEVER ? HAS_NEXT_AT : 0;
    shape |= clock->due_at_ms != INSTANT_NONE ? HAS_DUE : 0;
    shape |= clock->breached_at_ms != INSTANT_NONE ? HAS_BREACHED : 0;
    shape |= clock->target_ms != promise_target_ms(clock->promise, life->attributes[ATTRIBUTE_PRIORITY])
                 ? HAS_TARGET
                 : 0;
    return shape;
}

static char *
put_course_of_clock(char *at, unsigned shape, const struct clock *clock, int64_t base_ms, uint64_t *spill)
{
    if (shape & HAS_START)
        at = put_short(at, clock->started_at_ms - base_ms, spill);
    if (shape & HAS_SINCE)
        at = put_short(at, clock->since_ms - base_ms, spill);
    if (shape & HAS_ELAPSED)
        at = put_short(at, clock->elapsed_ms, spill);
    if (shape & HAS_TARGET)
        at = put_short(at, clock->target_ms, spill);
    if (shape & HAS_NEXT)
        at = put_short(at, clock->next_ms, spill);
    if (shape & HAS_NEXT_AT)
        at = put_short(at, clock->next_at_ms - base_ms, spill);
    if (clock->ended)
        at = put_short(at, clock->stopped_at_ms - base_ms, spill);
    if (shape & HAS_BREACHED)
        at = put_short(at, clock->breached_at_ms - base_ms, spill);
    if (shape & HAS_DUE)
        at = put_short(at, clock->due_at_ms - base_ms, spill);
    if (clock->ended || (shape & HAS_BREACHED) != 0)
        at = put(at, clock->decided_after);
    return at;
}

static char *
put_clock(char *at, const struct point_content *content, const struct clock *clock, uint64_t *spill)
{
    unsigned shape = shape_of(clock, content->life);

    at = put(at, shape);
    at = put(at, clock->version);
    at = put(at, (uint64_t)(clock->promise - policy_set_version(content->set, clock->version)->clocks));
    if (shape & HAS_CYCLE)
        at = put(at, clock->cycle);
    if (shape & HAS_ASKED)
        at = put(at, clock->asked_version);
    if (shape & HAS_FLAGS)
        at = put(at, clock->flags);
    return (shape & HAS_STARTED) != 0 ? put_course_of_clock(at, shape, clock, content->base_ms, spill) : at;
}

static char *
put_course(char *at, const struct course *course, int64_t base_ms)
{
    int64_t before_ms = base_ms;

    at = put(at, (uint64_t)course->count << 1 | course->broken);
    for (uint32_t i = 0; i < course->count; i++) {
        const struct course_mark *mark = &course->marks[i];

        at = put(at, varint_zigzag(mark->at_ms - before_ms));
        at = put(at, mark->ball | (uint64_t)mark->running << PARTIES_COUNT);
        before_ms = mark->at_ms;
    }
    return at;
}

void
point_pack(struct point *point, const struct point_content *content, struct buffer *scratch)
{
    char *from, *at;
    uint64_t spill =
        0; /* an instant or length does not fit: then there is no point, and the ticket is always derived */
    uint32_t used;

    buffer_reset(scratch);
    from = buffer_reserve(scratch, LIFE_BYTES_MAX + content->clocks_count * CLOCK_BYTES_MAX +
                                       content->course.count * MARK_BYTES_MAX);
    at = put_life(from, content->life, content->base_ms, &spill);
    at = put(at, content->clocks_count);
    for (size_t i = 0; i < content->clocks_count; i++)
        at = put_clock(at, content, &content->clocks[i], &spill);
    at = put_course(at, &content->course, content->base_ms);
    used = spill == 0 ? (uint32_t)(at - from) : 0;
    if (used + READ_AHEAD > point->room || used + POINT_SLACK < point->room) {
        point->room = (used + READ_AHEAD + 7) & ~UINT32_C(7);
        point->bytes = memory_resize(point->bytes, point->room);
    }
    point->used = used;
    memcpy(point->bytes, from, used);
}

void
point_keep(struct point *point, const struct fold *fold, struct buffer *scratch)
{
    const struct point_content content = {.set = fold->set,
                                          .base_ms = fold->history->base_ms,
                                          .life = &fold->life,
                                          .clocks = fold->clocks,
                                          .clocks_count = fold->clocks_count,
                                          .course = fold->course};

    point_pack(point, &content, scratch);
}

/* ---- reading ---- */

static inline int64_t
take_short(const char **at)
{
    uint64_t word;

    memcpy(&word, *at, sizeof word);
    *at += SHORT_BYTES;
    return (int64_t)(word & SHORT_MASK) - SHORT_ZERO;
}

static inline int64_t
take_instant(const char **at, int64_t base_ms)
{
    int64_t value = take_short(at);

    return value != -SHORT_ZERO ? base_ms + value : INSTANT_NONE;
}

static const char *
take_life(const char *at, int64_t base_ms, struct life *life)
{
    unsigned state = (unsigned char)at[10],
             bools = (unsigned char)at[8] | (unsigned)(unsigned char)at[9] << 8, bit = 0;
    uint64_t masks;
    int n = 0;

    memcpy(&masks, at, 8);
    life->state = state & 7;
    life->phase = state >> 3 & 3;
    life->status_on = (uint8_t)(state >> 5);
    life->ball = (uint8_t)at[11];
    life->first_ball = (uint8_t)at[12];
    life->waiting_on = (uint8_t)at[13];
    at += 14;
#define BOOL(name) life->name = bools >> bit++ & 1;
    LIFE_BOOLS(BOOL)
#undef BOOL
#define INSTANT(name, absent) life->name = masks >> n++ & 1 ? take_instant(&at, base_ms) : (absent);
#define COMMON(name) INSTANT(name, life->started_at_ms)
#define RARE(name) INSTANT(name, INSTANT_NONE)
    INSTANT(started_at_ms, base_ms)
    LIFE_INSTANTS(COMMON)
    LIFE_RARE_INSTANTS(RARE)
#undef RARE
#undef COMMON
#undef INSTANT
#define NUMBER(name) life->name = masks >> n++ & 1 ? (__typeof__(life->name))varint_take(&at) : 0;
    LIFE_NUMBERS(NUMBER)
#undef NUMBER
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++, n++)
        life->attributes[i] = masks >> n & 1 ? (symbol)varint_take(&at) : 0;
#define BEFORE(name, attribute)                                                                              \
    life->name = masks >> n++ & 1 ? (symbol)varint_take(&at) : life->attributes[attribute];
    LIFE_BEFORES(BEFORE)
#undef BEFORE
    return at;
}

static const char *
take_course_of_clock(const char *at, unsigned shape, struct clock *clock, int64_t base_ms)
{
    if (shape & HAS_START)
        clock->started_at_ms = base_ms + take_short(&at);
    if (clock->running)
        clock->since_ms = shape & HAS_SINCE ? base_ms + take_short(&at) : clock->started_at_ms;
    if (shape & HAS_ELAPSED)
        clock->elapsed_ms = take_short(&at);
    if (shape & HAS_TARGET)
        clock->target_ms = take_short(&at);
    if (shape & HAS_NEXT)
        clock->next_ms = take_short(&at);
    if (shape & HAS_NEXT_AT)
        clock->next_at_ms = base_ms + take_short(&at);
    if (clock->ended)
        clock->stopped_at_ms = base_ms + take_short(&at);
    if (shape & HAS_BREACHED)
        clock->breached_at_ms = base_ms + take_short(&at);
    if (shape & HAS_DUE)
        clock->due_at_ms = base_ms + take_short(&at);
    if (clock->ended || (shape & HAS_BREACHED) != 0)
        clock->decided_after = (uint32_t)varint_take(&at);
    return at;
}

static const char *
take_clock(const char *at, const struct fold *fold, struct clock *clock, int64_t base_ms)
{
    unsigned shape = (unsigned)varint_take(&at);
    uint16_t version = (uint16_t)varint_take(&at);

    clock_idle(clock, policy_set_version(fold->set, version)->clocks + varint_take(&at), version);
#define BOOL(name, bit) clock->name = shape >> (bit)&1;
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
    clock->started_at_ms = fold->life.started_at_ms;
    return take_course_of_clock(at, shape, clock, base_ms);
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
        course->marks[i] =
            (struct course_mark){at_ms, (uint8_t)(who & PARTY_EVERYONE), (uint32_t)(who >> PARTIES_COUNT)};
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
