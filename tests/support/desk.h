#ifndef SLAD_TESTS_DESK_H
#define SLAD_TESTS_DESK_H

/*
 * A service desk on one page, for unit tests of the engine: a policy, an engine, events in short words, and a
 * log of what came out in short lines. Instants are minutes after Friday 2026-03-27T09:00:00Z.
 *
 *     desk_say(&desk, 0, "created T-0 status=New actor=requester");
 *     desk_until(&desk, 60);                    every timer up to that minute, it included
 *     desk_heard(&desk, "60 T-0/sla/resolution/1/breach firing\n");
 */
#include "histories.h"
#include "unit.h"
#include "wire/effect.h"

enum {
    DESK_ALERTS = 1,
    DESK_VERDICTS = 2,
    DESK_TICKETS = 4,
    DESK_RELAYS = 8,
    DESK_TOMBSTONES = 16,
    DESK_DUE_CHANGED = 32
};
enum { DESK_IDS_MAX = 4096 };

#define DESK_MINUTE_MS INT64_C(60000)
#define DESK_AT_MS(minute) (HISTORIES_START_MS + (int64_t)(minute)*DESK_MINUTE_MS)

#define DESK_STATUSES                                                                                        \
    "statuses:\n"                                                                                            \
    "  New: {state: open}\n"                                                                                 \
    "  Waiting: {state: waiting, on: customer}\n"                                                            \
    "  Vendor: {state: waiting, on: supplier}\n"                                                             \
    "  Resolved: {state: solved}\n"                                                                          \
    "  Closed: {state: closed}\n"                                                                            \
    "  Canceled: {state: cancelled}\n"
#define DESK_POLICY "version: \"1\"\ncourtesy_window: 5m\nreopen_window: 1d\n" DESK_STATUSES

struct desk {
    struct policies policies;
    struct engine *engine;
    struct buffer log;
    unsigned hears;
    int64_t t_ms;
    unsigned ids;
    char ids_text[DESK_IDS_MAX][16];
    struct clock_figures figures; /* of desk_clock */
    const char *clock_wanted;
    unsigned cycle_wanted;
    bool clock_found;
    void *told; /* what a test listens with */
};

static inline long
desk_minute(int64_t at_ms)
{
    return at_ms == INSTANT_NONE ? -1 : (long)((at_ms - HISTORIES_START_MS) / DESK_MINUTE_MS);
}

static inline void
desk_note(struct desk *desk, unsigned kind, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if ((desk->hears & kind) == 0)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    buffer_append_text(&desk->log, line);
}

static inline void
desk_on_alert(void *context, const struct alert *alert)
{
    struct buffer key = {0};

    effect_alert_key(&key, alert);
    desk_note(context, DESK_ALERTS, "%ld %.*s %s\n", desk_minute(alert->arrival.detected_at_ms),
              (int)key.bytes, key.at, alert_state_text(alert->state));
    buffer_free(&key);
}

static inline void
desk_on_verdict(void *context, const struct verdict_outcome *outcome)
{
    desk_note(context, DESK_VERDICTS, "%ld %s/%.*s/%u %s%s%s at %ld r%u%s\n",
              desk_minute(outcome->arrival.detected_at_ms), clock_kind_text(outcome->name.kind),
              (int)outcome->name.clock.bytes, outcome->name.clock.at, outcome->name.cycle,
              verdict_text(outcome->verdict), outcome->ended ? " ended" : "", outcome->final ? " final" : "",
              desk_minute(outcome->decided_at_ms), outcome->arrival.revision,
              outcome->arrival.late ? " late" : "");
}

static inline void
desk_on_ticket(void *context, const struct ticket_outcome *outcome)
{
    desk_note(context, DESK_TICKETS, "%ld %.*s %s%s\n", desk_minute(outcome->arrival.detected_at_ms),
              (int)outcome->ticket.bytes, outcome->ticket.at, ticket_state_text(outcome->state),
              outcome->final ? " final" : "");
}

static inline void
desk_on_relay(void *context, const struct relay *relay)
{
    if (!relay->active)
        desk_note(context, DESK_RELAYS, "%.*s not into %.*s\n", (int)relay->from_ticket.bytes,
                  relay->from_ticket.at, (int)relay->into_ticket.bytes, relay->into_ticket.at);
    else
        desk_note(context, DESK_RELAYS, "%.*s into %.*s at %ld start %ld contact %ld\n",
                  (int)relay->from_ticket.bytes, relay->from_ticket.at, (int)relay->into_ticket.bytes,
                  relay->into_ticket.at, desk_minute(relay->at_ms), desk_minute(relay->started_at_ms),
                  relay->has_contact ? desk_minute(relay->contact_at_ms) : -1);
}

static inline void
desk_on_tombstone(void *context, struct slice ticket, struct slice key)
{
    desk_note(context, DESK_TOMBSTONES, "tombstone %.*s of %.*s\n", (int)key.bytes, key.at, (int)ticket.bytes,
              ticket.at);
}

static inline void
desk_on_due_changed(void *context, const struct due_changed_outcome *outcome)
{
    desk_note(context, DESK_DUE_CHANGED, "%ld due of %.*s/%u %ld -> %ld\n",
              desk_minute(outcome->arrival.detected_at_ms), (int)outcome->name.clock.bytes,
              outcome->name.clock.at, outcome->name.cycle, desk_minute(outcome->was_due_at_ms),
              desk_minute(outcome->due_at_ms));
}

static inline struct engine_options
desk_options(struct desk *desk)
{
    struct engine_options options = engine_options_of_history(desk->policies.symbols);

    options.sink = (struct engine_sink){.context = desk,
                                        .alert = desk_on_alert,
                                        .verdict = desk_on_verdict,
                                        .ticket = desk_on_ticket,
                                        .due_changed = desk_on_due_changed,
                                        .relay = desk_on_relay,
                                        .tombstone = desk_on_tombstone};
    options.self_check = options.stepwise = true;
    return options;
}

/* Policies of up to three versions; then desk_start. */
static inline void
desk_load(struct desk *desk, const char *const *texts, size_t count)
{
    struct buffer buffers[POLICIES_VERSIONS_MAX] = {0};

    memset(desk, 0, sizeof *desk);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&buffers[i], texts[i]);
    policies_load(&desk->policies, buffers, count, 0);
    for (size_t i = 0; i < count; i++)
        buffer_free(&buffers[i]);
    desk->hears = DESK_ALERTS;
    desk->t_ms = HISTORIES_START_MS - 86400000;
}

static inline void
desk_start(struct desk *desk, struct engine_options options)
{
    desk->engine = engine_new(&options, desk->policies.set);
}

static inline void
desk_open(struct desk *desk, const char *policy)
{
    desk_load(desk, &policy, 1);
    desk_start(desk, desk_options(desk));
}

/* No step differed from the history, and every symbol the engine took is given back. */
static inline void
desk_close(struct desk *desk)
{
    struct engine_figures figures;

    engine_figures(desk->engine, &figures);
    assert_int_equal(figures.self_check_differences, 0);
    engine_free(desk->engine);
    buffer_free(&desk->log);
    policy_set_free(desk->policies.set);
    assert_int_equal(symbols_count(desk->policies.symbols), 0);
    symbols_free(desk->policies.symbols);
}

/* ---- events in words ---- */

static inline enum event_type
desk_type(const char *word)
{
    char text[64];

    (void)snprintf(text, sizeof text, "ticket.%s", word);
    for (unsigned i = 0; i < EVENT_TYPES_COUNT; i++) {
        const char *name = event_type_text((enum event_type)i);

        if (strcmp(name, text) == 0 || strcmp(name, word) == 0)
            return (enum event_type)i;
    }
    panic("no such type of event");
}

static inline enum actor
desk_actor(const char *word)
{
    for (unsigned i = ACTOR_REQUESTER; i <= ACTOR_SYSTEM; i++) {
        if (strcmp(actor_text((enum actor)i), word) == 0)
            return (enum actor)i;
    }
    panic("no such actor");
}

static inline void
desk_set_other(struct desk *desk, struct event *event, const char *key, const char *value)
{
    if (strcmp(key, "actor") == 0)
        event->actor = desk_actor(value);
    else if (strcmp(key, "public") == 0)
        event->is_public = *value == '1' ? EVENT_FLAG_TRUE : EVENT_FLAG_FALSE;
    else if (strcmp(key, "canned") == 0)
        event->canned = EVENT_FLAG_TRUE;
    else if (strcmp(key, "by") == 0)
        event->by = slice_of(value);
    else if (strcmp(key, "into") == 0)
        event->into = slice_of(value);
    else if (strcmp(key, "clock") == 0)
        event->clock = slice_of(value);
    else if (strcmp(key, "reason") == 0)
        event->reason = slice_of(value);
    else if (strcmp(key, "alert") == 0)
        event->alert = slice_of(value);
    else if (strcmp(key, "id") == 0)
        event->id = slice_of(value);
    else if (strcmp(key, "source") == 0)
        event->source = slice_of(value);
    else if (strcmp(key, "seq") == 0)
        event->seq = (event->has_seq = true) ? atoi(value) : 0;
    else if (strcmp(key, "created_at") == 0)
        event->created_at_ms = (event->has_created_at = true) ? DESK_AT_MS(atoi(value)) : 0;
    else if (strcmp(key, "handled_by") == 0)
        event->handled_by = strcmp(value, "human") == 0 ? HANDLED_BY_HUMAN : HANDLED_BY_BOT;
    else if (strcmp(key, "arrives") == 0)
        desk->t_ms = DESK_AT_MS(atoi(value));
    else
        panic("no such word of an event");
}

/* words: "TYPE TICKET key=value ..."; an attribute without a value ("group=") is null. It arrives at its
 * time, or now if that is later, or at arrives=MINUTE. Timers before that fire first. */
static inline struct engine_answer
desk_say(struct desk *desk, int minute, const char *words)
{
    char text[512], *rest = text, *word;
    struct event event = {.at_ms = DESK_AT_MS(minute), .source = slice_of("desk")};

    must(desk->ids < DESK_IDS_MAX && strlen(words) < sizeof text);
    memcpy(text, words, strlen(words) + 1);
    (void)snprintf(desk->ids_text[desk->ids], sizeof desk->ids_text[0], "e-%u", desk->ids);
    event.id = slice_of(desk->ids_text[desk->ids++]);
    event.type = desk_type(strsep(&rest, " "));
    event.ticket = slice_of(strsep(&rest, " "));
    desk->t_ms = desk->t_ms > event.at_ms ? desk->t_ms : event.at_ms;
    while ((word = strsep(&rest, " ")) != NULL) {
        char *value = strchr(word, '=');
        unsigned attribute = 0;

        must(value != NULL);
        *value++ = '\0';
        while (attribute < ATTRIBUTES_COUNT && strcmp(attribute_text((enum attribute)attribute), word) != 0)
            attribute++;
        if (attribute < ATTRIBUTES_COUNT)
            histories_set(&event, (enum attribute)attribute, *value != '\0' ? value : NULL);
        else
            desk_set_other(desk, &event, word, value);
    }
    while (engine_advance(desk->engine, desk->t_ms, ENGINE_BEFORE, 1))
        continue;
    return engine_event(desk->engine, &event, desk->t_ms);
}

static inline void
desk_until(struct desk *desk, int minute)
{
    desk->t_ms = DESK_AT_MS(minute);
    while (engine_advance(desk->engine, desk->t_ms, ENGINE_THROUGH, 1))
        continue;
}

/* The log since the last call is exactly this. */
static inline void
desk_heard(struct desk *desk, const char *lines)
{
    buffer_append_byte(&desk->log, '\0');
    assert_string_equal(desk->log.at, lines);
    buffer_reset(&desk->log);
}

/* ---- questions ---- */

static inline void
desk_on_clock(void *context, const struct clock_line *line)
{
    struct desk *desk = context;
    char name[128];

    (void)snprintf(name, sizeof name, "%s/%.*s", clock_kind_text(line->name.kind),
                   (int)line->name.clock.bytes, line->name.clock.at);
    if (strcmp(name, desk->clock_wanted) != 0 || line->name.cycle != desk->cycle_wanted)
        return;
    desk->figures = line->figures;
    desk->clock_found = true;
}

/* The figures of one cycle now. NULL: there is no such line. */
static inline const struct clock_figures *
desk_clock(struct desk *desk, const char *ticket, const char *clock, unsigned cycle)
{
    desk->clock_wanted = clock;
    desk->cycle_wanted = cycle;
    desk->clock_found = false;
    engine_clock_lines(desk->engine, engine_find(desk->engine, slice_of(ticket)), desk->t_ms, desk_on_clock,
                       desk);
    return desk->clock_found ? &desk->figures : NULL;
}

/* state, minutes counted, minute due, minute breached, minute stopped (-1: none). */
static inline void
desk_expect_clock(struct desk *desk, const char *clock, unsigned cycle, enum clock_state state, long elapsed,
                  long due, long breached, long stopped)
{
    const struct clock_figures *figures = desk_clock(desk, "T-0", clock, cycle);

    assert_non_null(figures);
    assert_string_equal(clock_state_text(figures->state), clock_state_text(state));
    assert_int_equal(figures->elapsed_ms, elapsed * DESK_MINUTE_MS);
    assert_int_equal(desk_minute(figures->due_at_ms), due);
    assert_int_equal(desk_minute(figures->breached_at_ms), breached);
    assert_int_equal(desk_minute(figures->stopped_at_ms), stopped);
}

#endif
