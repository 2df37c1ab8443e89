/* A ticket as bytes: there and back, and bytes that are not a record. */
#include "../support/desk.h"
#include "base/memory.h"

#define POLICY                                                                                               \
    DESK_POLICY "agreements:\n  - name: a\n    kind: sla\n    warn_at: [50%]\n"                              \
                "    repeat: {every: 15m, ack_timeout: 30m}\n    clocks:\n"                                  \
                "      fr: {measure: first_response, target: 1h}\n"                                          \
                "      r: {measure: resolution, target: 2h}\n"

/* A ticket with everything a record may hold. */
static void
live(struct desk *desk)
{
    (void)desk_say(desk, 0, "created T-0 status=New actor=requester customer=acme requester=u-1 priority=P1");
    (void)desk_say(desk, 1, "created T-1 status=New actor=requester");
    (void)desk_say(desk, 10, "message T-0 actor=agent public=1 canned=1 by=a-1 seq=4 handled_by=human");
    (void)desk_say(desk, 20, "merged T-1 into=T-0 actor=agent");
    (void)desk_say(desk, 30, "updated T-0 created_at=-5 group=l2");
    (void)desk_say(desk, 130, "alert.acknowledged T-0 alert=T-0/sla/r/1/breach by=m-1");
    (void)desk_say(desk, 140, "verdict.excused T-0 clock=sla/fr/1 by=m-1 reason=storm");
    (void)desk_say(desk, 500, "updated T-0 status=Resolved arrives=200");
}

static void
save(struct desk *desk, const char *ticket, struct buffer *record)
{
    buffer_reset(record);
    assert_true(engine_save(desk->engine, engine_find(desk->engine, slice_of(ticket)), record));
}

static void
there_and_back_gives_the_same_bytes(void **state)
{
    static const char *const names[] = {"T-0", "T-1"};
    struct buffer first = {0}, second = {0};
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    live(&desk);
    for (size_t i = 0; i < 2; i++) {
        save(&desk, names[i], &first);
        assert_int_equal(engine_load(other.engine, slice_of(names[i]), buffer_slice(&first)), 0);
        save(&other, names[i], &second);
        assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    }
    engine_loaded(other.engine, desk.t_ms);
    other.t_ms = desk.t_ms;
    buffer_reset(&desk.log);
    desk_until(&desk, 600);
    desk_until(&other, 600);
    assert_true(desk.log.bytes > 0);
    assert_true(slice_equal(buffer_slice(&desk.log), buffer_slice(&other.log))); /* both go on alike */
    save(&desk, "T-0", &first);
    save(&other, "T-0", &second);
    assert_true(
        slice_equal(engine_record_facts(buffer_slice(&first)), engine_record_facts(buffer_slice(&second))));
    buffer_free(&first);
    buffer_free(&second);
    desk_close(&desk);
    desk_close(&other);
}

/* All or nothing: no prefix of a record is one, and nothing of it stays. */
static void
a_cut_record_is_refused(void **state)
{
    struct buffer record = {0};
    struct desk desk, other;
    size_t symbols;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    live(&desk);
    save(&desk, "T-0", &record);
    symbols = symbols_count(other.policies.symbols);
    for (size_t bytes = 0; bytes < record.bytes; bytes++) {
        char *cut = memory_copy(record.at, bytes); /* exactly so long, for the sanitizer */

        assert_int_equal(engine_load(other.engine, slice_of("T-0"), (struct slice){cut, bytes}), -1);
        assert_int_equal(engine_tickets_count(other.engine), 0);
        assert_int_equal(symbols_count(other.policies.symbols), symbols);
        memory_free(cut);
    }
    buffer_append_byte(&record, 0); /* nor is one with something behind */
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&record)), -1);
    buffer_free(&record);
    desk_close(&desk);
    desk_close(&other);
}

/* Any one bit: refused with nothing left behind, or a sound record of something else. */
static void
a_flipped_bit_never_breaks_anything(void **state)
{
    struct buffer record = {0}, again = {0};
    struct desk desk, other, third;
    size_t symbols, refused = 0;

    (void)state;
    desk_open(&desk, POLICY);
    live(&desk);
    save(&desk, "T-0", &record);
    desk_open(&other, POLICY);
    desk_open(&third, POLICY);
    symbols = symbols_count(other.policies.symbols);
    for (size_t bit = 0; bit < record.bytes * 8; bit++) {
        record.at[bit / 8] = (char)(record.at[bit / 8] ^ (1 << bit % 8));
        if (engine_load(other.engine, slice_of("T-0"), buffer_slice(&record)) == 0) {
            save(&other, "T-0", &again);
            engine_forget(other.engine, slice_of("T-0"));
            if (bit % 16 ==
                0) { /* deriving is slow; what it then is may be merged, and merges are remembered */
                assert_int_equal(engine_load(third.engine, slice_of("T-0"), buffer_slice(&record)), 0);
                engine_loaded(third.engine, DESK_AT_MS(1000));
                while (engine_advance(third.engine, DESK_AT_MS(1000), ENGINE_THROUGH, 9))
                    continue;
                engine_forget(third.engine, slice_of("T-0"));
            }
        } else {
            refused++;
        }
        assert_int_equal(engine_tickets_count(other.engine), 0);
        assert_int_equal(symbols_count(other.policies.symbols), symbols);
        record.at[bit / 8] = (char)(record.at[bit / 8] ^ (1 << bit % 8));
    }
    assert_true(refused > record.bytes);
    buffer_free(&record);
    buffer_free(&again);
    desk_close(&desk);
    desk_close(&other);
    desk_close(&third);
}

static void
what_is_no_record_leaves_what_was_there(void **state)
{
    static const char *const bad[] = {"",      "\x01",          "\x02T", "\x01X",
                                      "\x01R", "\x01R\x02\x02", "\x01T", "nonsense"};
    struct buffer before = {0}, after = {0};
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    live(&desk);
    save(&desk, "T-0", &before);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(engine_load(desk.engine, slice_of("T-0"), slice_of(bad[i])), -1);
    save(&desk, "T-0", &after);
    assert_true(slice_equal(buffer_slice(&before), buffer_slice(&after)));
    buffer_free(&before);
    buffer_free(&after);
    desk_close(&desk);
}

static void
the_last_record_of_a_name_wins(void **state)
{
    struct buffer early = {0}, late = {0};
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    save(&desk, "T-0", &early);
    (void)desk_say(&desk, 10, "updated T-0 status=Closed actor=agent");
    save(&desk, "T-0", &late);
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&early)), 0);
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&late)), 0);
    assert_int_equal(engine_tickets_count(other.engine), 1);
    engine_loaded(other.engine, DESK_AT_MS(20));
    desk_until(&other, 20);
    desk_heard(&other, ""); /* all was said before */
    assert_string_equal(clock_state_text(desk_clock(&other, "T-0", "sla/r", 1)->state), "met");
    assert_int_equal(desk_say(&other, 10, "updated T-0 status=Closed id=e-1").disposition, ENGINE_DUPLICATE);
    buffer_free(&early);
    buffer_free(&late);
    desk_close(&desk);
    desk_close(&other);
}

/* A restart between a breach and its page: the page comes once, when it is due. */
static void
a_restart_pages_nobody_twice(void **state)
{
    struct buffer record = {0};
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 1, "message T-0 actor=agent public=1");
    desk_until(&desk, 125);
    desk_heard(&desk, "60 T-0/sla/r/1/warn-50% firing\n120 T-0/sla/r/1/breach firing\n");
    save(&desk, "T-0", &record);
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&record)), 0);
    engine_loaded(other.engine, DESK_AT_MS(126));
    desk_until(&other, 140);
    desk_heard(&other, "135 T-0/sla/r/1/breach repeated\n");
    buffer_free(&record);
    desk_close(&desk);
    desk_close(&other);
}

static uint64_t
derivations(const struct desk *desk)
{
    struct engine_figures figures;

    engine_figures(desk->engine, &figures);
    return figures.derivations;
}

/* A million tickets need not be derived before the first alert; but all are there for the board. */
static void
what_rested_goes_on_resting(void **state)
{
    struct buffer record = {0};
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    save(&desk, "T-0", &record);
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&record)), 0);
    engine_loaded(other.engine, DESK_AT_MS(10));
    assert_false(engine_is_warm(other.engine));
    desk_until(&other, 20);
    assert_int_equal(derivations(&other), 0);
    assert_false(engine_warm(other.engine, 10));
    assert_true(engine_is_warm(other.engine));
    desk_until(&other, 40); /* and its timer stands */
    desk_heard(&other, "30 T-0/sla/fr/1/warn-50% firing\n");
    buffer_append_byte(&record, 0); /* the rest is the record's end */
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&record)), -1);
    buffer_free(&record);
    desk_close(&desk);
    desk_close(&other);
}

/* Where something else is agreed now, a rest is worth nothing. */
static void
what_rested_under_another_policy_is_derived(void **state)
{
    struct buffer record = {0};
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY "# another text\n");
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    save(&desk, "T-0", &record);
    assert_int_equal(engine_load(other.engine, slice_of("T-0"), buffer_slice(&record)), 0);
    assert_true(engine_is_warm(other.engine));
    engine_loaded(other.engine, DESK_AT_MS(1));
    desk_until(&other, 1);
    assert_int_equal(derivations(&other), 1);
    buffer_free(&record);
    desk_close(&desk);
    desk_close(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_gives_the_same_bytes),
        cmocka_unit_test(a_cut_record_is_refused),
        cmocka_unit_test(a_flipped_bit_never_breaks_anything),
        cmocka_unit_test(what_is_no_record_leaves_what_was_there),
        cmocka_unit_test(the_last_record_of_a_name_wins),
        cmocka_unit_test(a_restart_pages_nobody_twice),
        cmocka_unit_test(what_rested_goes_on_resting),
        cmocka_unit_test(what_rested_under_another_policy_is_derived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
