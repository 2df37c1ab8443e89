/* A ticket's history: the order in which events count (R1), packing, merges of others taken out again. */
#include "../support/unit.h"
#include "core/history.h"
#include "base/memory.h"
#include <stdio.h>

#define MINUTE_MS INT64_C(60000)

struct fixture {
    struct symbols *symbols;
    struct history history;
};

static struct fixture
begin(void)
{
    return (struct fixture){.symbols = symbols_new()};
}

static void
end(struct fixture *fixture)
{
    history_done(&fixture->history, fixture->symbols);
    assert_int_equal(symbols_count(fixture->symbols), 0);
    symbols_free(fixture->symbols);
}

/* number tells them apart: it is the identity. */
static bool
put(struct fixture *fixture, uint8_t type, int64_t at_ms, uint64_t number, int seq, const char *source)
{
    struct entry entry = {
        .type = type, .at_ms = at_ms, .identity = number, .has_seq = seq >= 0, .seq = seq >= 0 ? seq : 0};

    entry.source = symbols_intern(fixture->symbols, slice_of(source));
    return history_insert(&fixture->history, &entry, false);
}

static void
expect_order(const struct fixture *fixture, const char *numbers)
{
    char found[64] = "";
    struct entry entry;
    uint32_t cursor = 0;
    size_t count = 0;

    while (history_next(&fixture->history, &cursor, &entry)) {
        found[count++] = (char)('0' + entry.identity);
        assert_true(count < sizeof found);
    }
    assert_int_equal(count, fixture->history.count);
    assert_string_equal(found, numbers);
    if (count > 0) {
        assert_int_equal(fixture->history.last_at_ms, entry.at_ms);
        cursor = fixture->history.last_from;
        assert_true(history_next(&fixture->history, &cursor, &entry));
        assert_int_equal(cursor, fixture->history.used);
    }
}

static void
instants_decide(void **state)
{
    struct fixture fixture = begin();

    (void)state;
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 5 * MINUTE_MS, 1, -1, "a"));
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 9 * MINUTE_MS, 2, -1, "a"));
    assert_false(put(&fixture, EVENT_TICKET_UPDATED, 7 * MINUTE_MS, 3, -1, "a"));
    assert_false(put(&fixture, EVENT_TICKET_UPDATED, 1 * MINUTE_MS, 4, -1, "a"));
    assert_false(put(&fixture, EVENT_TICKET_UPDATED, -3 * MINUTE_MS, 5, -1, "a"));
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 10 * MINUTE_MS, 6, -1, "a"));
    expect_order(&fixture, "541326");
    end(&fixture);
}

static void
r1_created_first_then_arrival(void **state)
{
    struct fixture fixture = begin();

    (void)state;
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 0, 1, -1, "a"));
    assert_true(put(&fixture, EVENT_TICKET_MESSAGE, 0, 2, -1, "b"));
    assert_false(put(&fixture, EVENT_TICKET_CREATED, 0, 3, -1, "a"));
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 0, 4, -1, "a"));
    expect_order(&fixture, "3124");
    end(&fixture);
}

static void
r1_seq_fills_the_places_of_its_source(void **state)
{
    struct fixture fixture = begin();

    (void)state;
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 1, 7, "a");
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 2, 9, "b");
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 3, -1, "a"); /* without seq it keeps its place */
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 4, 3, "a");
    expect_order(&fixture, "4231");
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 5, 5, "a");
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 6, 1, "b");
    expect_order(&fixture, "463512");
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 7, 5, "a"); /* equal numbers: the order of arrival */
    expect_order(&fixture, "4635721");
    end(&fixture);
}

/* What says "last" may be stepped over; it must not be said when another one moved. */
static void
last_only_when_nothing_moved(void **state)
{
    struct fixture fixture = begin();

    (void)state;
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 0, 1, 2, "a"));
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 0, 2, 3, "a"));
    assert_false(put(&fixture, EVENT_TICKET_UPDATED, 0, 3, 1, "a"));
    expect_order(&fixture, "312");
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, 1, 4, 1, "a"));
    assert_false(put(&fixture, EVENT_TICKET_UPDATED, 0, 5, 9, "a"));
    expect_order(&fixture, "31254");
    end(&fixture);
}

static void
r41_merges_of_others_come_last_by_name(void **state)
{
    struct fixture fixture = begin();

    (void)state;
    (void)put(&fixture, ENTRY_MERGE_IN, 0, 2, -1, NULL);
    assert_false(put(&fixture, EVENT_TICKET_UPDATED, 0, 5, -1, "a"));
    (void)put(&fixture, ENTRY_MERGE_IN, 0, 1, -1, NULL);
    expect_order(&fixture, "512");
    end(&fixture);
}

static void
a_merge_is_taken_out_without_a_trace(void **state)
{
    struct fixture fixture = begin();

    (void)state;
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, 5, -1, "a");
    (void)put(&fixture, ENTRY_MERGE_IN, 0, 1, -1, "other");
    (void)put(&fixture, ENTRY_MERGE_IN, MINUTE_MS, 2, -1, "another");
    assert_true(history_remove_merge_in(&fixture.history, 1, fixture.symbols));
    assert_false(history_remove_merge_in(&fixture.history, 1, fixture.symbols));
    assert_false(history_remove_merge_in(&fixture.history, 5, fixture.symbols)); /* no merge */
    expect_order(&fixture, "52");
    assert_true(history_remove_merge_in(&fixture.history, 2, fixture.symbols));
    expect_order(&fixture, "5");
    assert_int_equal(fixture.history.arrivals, 1); /* as if they had never come */
    assert_int_equal(symbols_count(fixture.symbols), 1);
    assert_true(put(&fixture, EVENT_TICKET_UPDATED, MINUTE_MS, 6, -1, "a"));
    expect_order(&fixture, "56");
    end(&fixture);
}

/* Every field of a full entry, with the widest numbers it may hold. */
static struct entry
full_entry(struct symbols *symbols, int64_t at_ms)
{
    struct entry entry = {
        .type = EVENT_VERDICT_EXCUSED,
        .actor = ACTOR_SYSTEM,
        .handled_by = HANDLED_BY_HUMAN,
        .is_public = EVENT_FLAG_TRUE,
        .canned = EVENT_FLAG_TRUE,
        .has_seq = true,
        .has_waiting_on = true,
        .has_created_at = true,
        .has_contact = true,
        .waiting_on = PARTY_EVERYONE,
        .kind = KIND_UC,
        .present = (1U << ATTRIBUTES_COUNT) - 1,
        .cycle = UINT32_MAX,
        .at_ms = at_ms,
        .seq = INT64_C(1) << 53,
        .created_at_ms = at_ms - INT64_C(4000000000000),
        .contact_at_ms = at_ms + INT64_C(4000000000000),
        .identity = UINT64_MAX - 1,
    };
    symbol *names[] = {&entry.source, &entry.id, &entry.by, &entry.other, &entry.clock, &entry.reason};
    char text[32];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(text, sizeof text, "name-%zu", i);
        *names[i] = symbols_intern(symbols, slice_of(text));
    }
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++) {
        (void)snprintf(text, sizeof text, "attribute-%zu", i);
        entry.attributes[i] = symbols_intern(symbols, slice_of(text));
    }
    return entry;
}

static void
every_field_survives_packing(void **state)
{
    struct fixture fixture = begin();
    struct entry full = full_entry(fixture.symbols, INT64_C(253402300799999)), found;
    uint32_t cursor = 0;

    (void)state;
    (void)put(&fixture, EVENT_TICKET_CREATED, INT64_C(-62135596800000), 1, -1, NULL);
    (void)history_insert(&fixture.history, &full, false);
    assert_true(history_next(&fixture.history, &cursor, &found));
    assert_true(history_next(&fixture.history, &cursor, &found));
    assert_memory_equal(&found, &full, sizeof full);
    assert_false(history_next(&fixture.history, &cursor, &found));
    end(&fixture);
}

/* One field at a time: a bit of the shape stands for each. */
static void
each_field_alone_survives_packing(void **state)
{
    (void)state;
    for (int field = 0; field < 14; field++) {
        struct fixture fixture = begin();
        struct entry full = full_entry(fixture.symbols, 0), found;
        struct entry one = {.type = EVENT_TICKET_UPDATED, .identity = 3, .at_ms = 12345};
        uint32_t cursor = 0;

        one.by = field == 0 ? full.by : 0;
        one.other = field == 1 ? full.other : 0;
        one.id = field == 2 ? full.id : 0;
        one.source = field == 3 ? full.source : 0;
        one.handled_by = field == 4 ? HANDLED_BY_HUMAN : 0;
        one.is_public = field == 5 ? EVENT_FLAG_TRUE : 0;
        one.canned = field == 6 ? EVENT_FLAG_TRUE : 0;
        one.has_seq = field == 7;
        one.has_waiting_on = field == 8;
        one.has_created_at = field == 9;
        one.has_contact = field == 10;
        one.present = field == 11   ? ATTRIBUTE_BIT(ATTRIBUTE_STATUS)
                      : field == 12 ? ATTRIBUTE_BIT(ATTRIBUTE_CUSTOMER)
                                    : 0;
        one.attributes[ATTRIBUTE_STATUS] =
            field == 11 ? full.attributes[ATTRIBUTE_STATUS] : 0; /* 12: null, clears */
        one.actor = field == 13 ? ACTOR_BOT : 0;
        (void)history_insert(&fixture.history, &one, false);
        assert_true(history_next(&fixture.history, &cursor, &found));
        if (field == 9 || field == 10) { /* kept relative to the instant */
            assert_int_equal(found.created_at_ms, 0);
            assert_int_equal(found.contact_at_ms, 0);
        }
        assert_memory_equal(&found, &one, sizeof one);
        memory_free(fixture.history.bytes); /* the symbols are the full entry's */
        symbols_free(fixture.symbols);
    }
}

static void
known_by_source_and_id(void **state)
{
    struct fixture fixture = begin();
    struct slice a = slice_of("a"), b = slice_of("b"), ab = slice_of("ab"), none = {NULL, 0};

    (void)state;
    assert_true(history_identity(a, b) != history_identity(b, a));
    assert_true(history_identity(a, b) != history_identity(ab, slice_of("")));
    assert_true(history_identity(none, ab) != history_identity(a, b));
    (void)put(&fixture, EVENT_TICKET_UPDATED, 0, history_identity(a, b), 3, "a");
    (void)put(&fixture, EVENT_TICKET_UPDATED, 5, history_identity(b, a), -1, NULL);
    assert_true(history_knows(&fixture.history, history_identity(a, b)));
    assert_true(history_knows(&fixture.history, history_identity(b, a)));
    assert_false(history_knows(&fixture.history, history_identity(a, a)));
    end(&fixture);
}

/* An event without much to say takes 20 to 30 bytes (slad's memory bound is 32 an event). */
static void
an_event_is_small(void **state)
{
    struct fixture fixture = begin();
    uint32_t before;

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        (void)put(&fixture, EVENT_TICKET_MESSAGE, INT64_C(1774602000000) + (int64_t)i * 3600000, i, -1,
                  "snow");
    before = fixture.history.used;
    (void)put(&fixture, EVENT_TICKET_MESSAGE, INT64_C(1774602000000) + INT64_C(400000000), 1000, -1, "snow");
    assert_true(fixture.history.used - before <= 32);
    end(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_decide),
        cmocka_unit_test(r1_created_first_then_arrival),
        cmocka_unit_test(r1_seq_fills_the_places_of_its_source),
        cmocka_unit_test(last_only_when_nothing_moved),
        cmocka_unit_test(r41_merges_of_others_come_last_by_name),
        cmocka_unit_test(a_merge_is_taken_out_without_a_trace),
        cmocka_unit_test(every_field_survives_packing),
        cmocka_unit_test(each_field_alone_survives_packing),
        cmocka_unit_test(known_by_source_and_id),
        cmocka_unit_test(an_event_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
