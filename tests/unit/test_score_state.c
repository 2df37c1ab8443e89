/* The score side as bytes: what is loaded says the same and goes on the same; what is damaged is refused. Any
 * cut: prop_rebuild. */
#include "../support/unit.h"
#include "../support/scores.h"
#include <stdlib.h>

#define POLICY                                                                                               \
    "{min_answers: 1, windows: [24h, 7d], detractor_alert: true, detractor_repeat: {every: 1h}, scopes: "    \
    "[[], "                                                                                                  \
    "[customer], [requester]], keis: [{name: again, measure: repeat_contact_rate, window: 7d, target: "      \
    "10%}]}"

static const struct scores_sink silent = {0};

static void
answer(struct house *house, int64_t at_ms, int64_t t_ms, const char *id, int score)
{
    struct feedback_aspect aspect = {slice_of("speed"), score};
    struct event event = house_answer(house, at_ms, id, "stars5", score);

    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-1");
    event.feedback.aspects = &aspect;
    event.feedback.aspects_count = 1;
    assert_int_not_equal(scores_feedback(house->scores, &event, t_ms).disposition, ENGINE_REFUSED);
}

static void
fill(struct house *house)
{
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_SOLVED, T0_MS);
    struct verdict_outcome verdict =
        house_verdict("T1", "resolution", 1, VERDICT_BREACHED, VERDICT_BREACHED, T0_MS);
    struct event event;

    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    ticket.attributes[ATTRIBUTE_SERVICE] = slice_of("network");
    ticket.attributes[ATTRIBUTE_REQUESTER] = slice_of("u-1");
    scores_ticket(house->scores, &ticket, T0_MS);
    scores_verdict(house->scores, &verdict, T0_MS);
    answer(house, T0_MS + 1, T0_MS + 1, "f-1", 1);
    answer(house, T0_MS + 2, T0_MS + 2, "f-2", 4);
    answer(house, T0_MS + DAY_MS, T0_MS + 3, "f-3", 5); /* stamped ahead */
    event = house_event(house, EVENT_FEEDBACK_OFFERED, T0_MS + 4, "f-4");
    (void)scores_feedback(house->scores, &event, T0_MS + 4);
    event = house_event(house, EVENT_FEEDBACK_WITHDRAWN, T0_MS + 5, "f-2");
    event.ticket = slice_of("T1");
    (void)scores_feedback(house->scores, &event, T0_MS + 5);
    event = house_event(house, EVENT_ALERT_ACKNOWLEDGED, T0_MS + 6, "");
    event.alert = slice_of("T1/experience/post-ticket/f-1/detractor");
    event.by = slice_of("m-1");
    assert_int_not_equal(scores_feedback(house->scores, &event, T0_MS + 6).disposition, ENGINE_REFUSED);
}

static void
test_round_trip(void **state)
{
    struct house house, loaded;
    struct buffer first = {0}, second = {0};

    (void)state;
    house_open(&house, POLICY, silent);
    fill(&house);
    scores_save(house.scores, &first);
    house_open(&loaded, POLICY, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    assert_int_equal(scores_load(loaded.scores, buffer_slice(&first)), 0);
    scores_check(loaded.scores);
    scores_save(loaded.scores, &second);
    assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    scores_set_rebuilding(loaded.scores, false, T0_MS + 6);
    assert_int_equal(scores_digest(house.scores), scores_digest(loaded.scores));
    assert_int_equal(house_read(&loaded, "24h", T0_MS + 7).n, 1);
    scores_advance(house.scores, T0_MS + 2 * DAY_MS, SCORES_THROUGH);
    scores_advance(loaded.scores, T0_MS + 2 * DAY_MS, SCORES_THROUGH);
    assert_int_equal(house_read(&loaded, "7d", T0_MS + 2 * DAY_MS).n,
                     house_read(&house, "7d", T0_MS + 2 * DAY_MS).n);
    assert_int_equal(scores_digest(house.scores), scores_digest(loaded.scores));
    buffer_free(&first);
    buffer_free(&second);
    house_close(&house);
    house_close(&loaded);
}

/* Another policy than it was saved under counts what it asks for. */
static void
test_other_policy(void **state)
{
    struct house house, loaded;
    struct buffer bytes = {0};

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h], scopes: [[]]}", silent);
    fill(&house);
    scores_save(house.scores, &bytes);
    house_open(&loaded, POLICY, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    assert_int_equal(scores_load(loaded.scores, buffer_slice(&bytes)), 0);
    scores_check(loaded.scores);
    scores_set_rebuilding(loaded.scores, false, T0_MS + 7);
    assert_int_equal(house_read_one(&loaded, ATTRIBUTE_REQUESTER, "u-1", "24h", T0_MS + 7).n, 1);
    buffer_free(&bytes);
    house_close(&house);
    house_close(&loaded);
}

static void
expect_refused(struct slice bytes)
{
    struct house house;

    house_open(&house, POLICY, silent);
    scores_set_rebuilding(house.scores, true, 0);
    assert_int_equal(scores_load(house.scores, bytes), -1);
    house_close(&house);
}

static void
test_refused(void **state)
{
    struct house house;
    struct buffer bytes = {0};

    (void)state;
    house_open(&house, POLICY, silent);
    fill(&house);
    scores_save(house.scores, &bytes);
    for (size_t i = 0; i < bytes.bytes; i += 7) {
        expect_refused((struct slice){bytes.at, i});
        bytes.at[i] ^= 0x10;
        expect_refused(buffer_slice(&bytes));
        bytes.at[i] ^= 0x10;
    }
    buffer_free(&bytes);
    house_close(&house);
}

/* ---- kept: what this version writes, later ones go on reading (SLAD_KEEP=1 writes it) ---- */

static void
test_kept(void **state)
{
    const char *path = TESTS_DIR "/data/state/scores.2";
    struct house house, loaded;
    struct buffer bytes = {0}, kept = {0};
    char block[4096];
    size_t count;
    FILE *file;

    (void)state;
    house_open(&house, POLICY, silent);
    fill(&house);
    scores_save(house.scores, &bytes);
    file = fopen(path, getenv("SLAD_KEEP") != NULL ? "w+b" : "rb");
    assert_non_null(file);
    if (getenv("SLAD_KEEP") != NULL) {
        assert_int_equal(fwrite(bytes.at, 1, bytes.bytes, file), bytes.bytes);
        rewind(file);
    }
    while ((count = fread(block, 1, sizeof block, file)) > 0)
        buffer_append(&kept, block, count);
    fclose(file);
    house_open(&loaded, POLICY, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    assert_int_equal(scores_load(loaded.scores, buffer_slice(&kept)), 0);
    scores_check(loaded.scores);
    scores_set_rebuilding(loaded.scores, false, T0_MS + 6);
    assert_int_equal(scores_digest(house.scores), scores_digest(loaded.scores));
    assert_int_equal(house_read(&loaded, "24h", T0_MS + 7).n, 1);
    buffer_free(&bytes);
    buffer_free(&kept);
    house_close(&house);
    house_close(&loaded);
}

/* A part that is of another place, or comes twice, is none. */
static void
test_parts(void **state)
{
    struct house house, loaded;
    struct buffer rest = {0}, tickets = {0};
    const uint32_t of_tickets = SCORES_PARTS_COUNT / 4;

    (void)state;
    house_open(&house, POLICY, silent);
    fill(&house);
    assert_true(scores_save_part(house.scores, 0, &rest));
    assert_true(scores_save_part(house.scores, of_tickets, &tickets));
    assert_false(scores_save_part(house.scores, of_tickets + 1, &tickets));
    assert_true(scores_has_room_for_parts(house.scores));
    house_open(&loaded, POLICY, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    assert_int_equal(scores_load_part(loaded.scores, 0, buffer_slice(&rest)), 0);
    assert_int_equal(scores_load_part(loaded.scores, of_tickets, buffer_slice(&tickets)), 0);
    assert_int_equal(scores_load_part(loaded.scores, of_tickets, buffer_slice(&tickets)), -1);
    house_close(&loaded);
    house_open(&loaded, POLICY, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    assert_int_equal(scores_load_part(loaded.scores, of_tickets, buffer_slice(&tickets)), -1);
    house_close(&loaded);
    house_open(&loaded, POLICY, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    assert_int_equal(scores_load_part(loaded.scores, 0, buffer_slice(&rest)), 0);
    assert_int_equal(scores_load_part(loaded.scores, of_tickets + 1, buffer_slice(&tickets)), -1);
    house_close(&loaded);
    buffer_free(&rest);
    buffer_free(&tickets);
    house_close(&house);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_kept),    cmocka_unit_test(test_parts),
        cmocka_unit_test(test_other_policy), cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
