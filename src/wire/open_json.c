/*
 * What: printing the `open` record.
 *
 * Why this way: it is written once a second a task and read by the board as it is, so it is printed straight
 * from what the engine answers, without a tree.
 *
 * Always true: one JSON object, keys in this order; a paused clock's due_at is null; lengths are
 * milliseconds.
 *
 * Not here: when it is published, and the order of the clocks (the engine's).
 */
#include "wire/open_json.h"
#include "wire/print.h"
#include <inttypes.h>
#include <stdio.h>

static void
print_number(struct buffer *out, const char *key, int64_t value)
{
    print_key(out, key);
    buffer_append_int64(out, value);
}

static void
print_counts(struct buffer *out, const struct open_counts *counts)
{
    buffer_append_byte(out, '{');
    print_number(out, "open", (int64_t)counts->open);
    print_number(out, "waiting", (int64_t)counts->waiting);
    print_number(out, "solved", (int64_t)counts->solved);
    print_number(out, "breached_open", (int64_t)counts->breached_open);
    print_number(out, "paused", (int64_t)counts->paused);
    buffer_append_byte(out, '}');
}

static void
print_named(struct buffer *out, const char *key, struct slice text)
{
    print_key(out, key);
    print_text_or_null(out, text);
}

static void
print_clock(struct buffer *out, const struct open_clock *clock)
{
    print_comma(out);
    buffer_append_byte(out, '{');
    print_named(out, "ticket", clock->name.ticket);
    print_named(out, "kind", slice_of(clock_kind_text(clock->name.kind)));
    print_named(out, "clock", clock->name.clock);
    print_number(out, "cycle", clock->name.cycle);
    print_named(out, "agreement", clock->name.agreement);
    print_named(out, "state", slice_of(clock_state_text(clock->state)));
    print_key(out, "due_at");
    print_instant(out, clock->due_at_ms);
    print_number(out, "target_ms", clock->target_ms);
    print_number(out, "elapsed_ms", clock->elapsed_ms);
    print_named(out, "turn", slice_of(party_text(clock->turn)));
    print_named(out, "customer", clock->customer);
    print_named(out, "service", clock->service);
    print_named(out, "priority", clock->priority);
    print_named(out, "group", clock->group);
    buffer_append_byte(out, '}');
}

void
open_json_print(struct buffer *out, const struct open_record *record)
{
    buffer_append_byte(out, '{');
    print_named(out, "type", slice_of("open"));
    print_number(out, "task", record->task);
    print_key(out, "at");
    print_instant(out, record->at_ms);
    print_named(out, "instance", record->instance);
    print_named(out, "api", record->api);
    print_key(out, "behind");
    print_bool(out, record->behind);
    print_number(out, "lag", record->lag_records);
    print_number(out, "lag_ms", record->lag_ms);
    print_key(out, "counts");
    print_counts(out, &record->counts);
    print_key(out, "clocks");
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < record->clocks_count; i++)
        print_clock(out, &record->clocks[i]);
    buffer_append_text(out, "]}");
}

void
open_json_key(int64_t task, char ret_key[OPEN_JSON_KEY_BYTES])
{
    snprintf(ret_key, OPEN_JSON_KEY_BYTES, "open/%" PRId64, task);
}
