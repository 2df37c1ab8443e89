/*
 * Records that were written long ago are still read (beside test_state_kept, which has tickets, markers,
 * decisions and heads): policies and relays on Kafka, the score task's note and what a person decides about
 * it, the parts of its snapshots, what foresight has learned and the table it publishes. A format is never
 * taken out of here.
 */
#include "../support/kept.h"
#include "../support/scores.h"
#include "../support/worlds.h"
#include "shell/control.h"
#include "shell/learning.h"
#include "shell/model.h"
#include "shell/policy_record.h"
#include "shell/relay_record.h"
#include "shell/restore_plan.h"
#include "shell/score_plan.h"

static const int policy_formats[] = {1};
static const int relay_formats[] = {1};
static const int note_formats[] = {1, 2};
static const int decision_formats[] = {1};
static const int part_formats[] = {2};
static const int learned_formats[] = {1, 2};
static const int table_formats[] = {1, 2};

/* ---- policies ---- */

static const char policy[] =
    "version: \"2026-03\"\n"
    "statuses: {New: {state: open}, Closed: {state: closed}}\n"
    "calendars: {office: {time_zone: Europe/Berlin, week: {mon-fri: [\"09:00-17:00\"]}}}\n"
    "agreements:\n"
    "  - {name: all, kind: sla, calendar: office, clocks: {resolution: {measure: resolution, target: 2h}}}\n";
/* The beginning of the hash of that text and its zone: two processes know a version by it. */
static const unsigned char policy_id[POLICY_ID_BYTES] = {0x03, 0xbe, 0x4f, 0xa2, 0x67, 0x5f, 0x6e, 0x9e,
                                                         0x3e, 0xf7, 0xed, 0xf4, 0xf1, 0x89, 0xd9, 0xbb};

static void
check_policy(int format, struct slice bytes)
{
    struct slice id = {(const char *)policy_id, POLICY_ID_BYTES}, key, value, found, source;
    struct symbols *symbols = symbols_new();
    struct policy_gather gather;
    struct policy_error error;
    struct policy *read;

    (void)format;
    policy_gather_init(&gather, id);
    while (restore_plan_take(&bytes, &key, &value)) {
        assert_true(policy_record_is(key));
        assert_int_equal(memcmp(key.at, "~policy/2026-03@", 16), 0);
        policy_gather_take(&gather, value);
    }
    assert_true(policy_gather_get(&gather, 0, &found, &source));
    assert_true(slice_is(policy_record_text(source), policy));
    read = policy_record_load(source, id, symbols, &error);
    assert_non_null(read);
    assert_true(slice_equal(policy_record_id(read), id));
    policy_free(read);
    policy_gather_done(&gather);
    symbols_free(symbols);
}

static void
test_policies(void **state)
{
    struct symbols *symbols = symbols_new();
    struct policy *made = house_policy(symbols, policy);
    struct buffer source = {0}, now = {0}, key = {0}, value = {0};

    (void)state;
    policy_record_source(made, &source);
    for (size_t i = 0; i < policy_record_chunks(buffer_slice(&source)); i++) {
        policy_record_key(slice_of("2026-03"), policy_record_id(made), i, &key);
        policy_record_chunk(policy_record_id(made), buffer_slice(&source), i, &value);
        restore_plan_add(&now, buffer_slice(&key), buffer_slice(&value));
    }
    assert_memory_equal(policy_record_id(made).at, policy_id, POLICY_ID_BYTES);
    KEPT_CHECK("policy", policy_formats, POLICY_RECORD_FORMAT, &now, check_policy);
    buffer_free(&source);
    buffer_free(&now);
    buffer_free(&key);
    buffer_free(&value);
    policy_free(made);
    symbols_free(symbols);
}

/* ---- relays ---- */

static void
check_relay(int format, struct slice bytes)
{
    struct relay read;

    (void)format;
    assert_int_equal(relay_record_read(bytes, &read), 0);
    assert_true(slice_is(read.from_ticket, "T-1") && slice_is(read.into_ticket, "T-0"));
    assert_true(read.active && read.has_contact);
    assert_int_equal(read.at_ms, T0_MS);
    assert_int_equal(read.started_at_ms, T0_MS - HOUR_MS);
    assert_int_equal(read.contact_at_ms, T0_MS - 60000);
}

static void
test_relays(void **state)
{
    const struct relay wanted = {.from_ticket = slice_of("T-1"),
                                 .into_ticket = slice_of("T-0"),
                                 .at_ms = T0_MS,
                                 .active = true,
                                 .started_at_ms = T0_MS - HOUR_MS,
                                 .has_contact = true,
                                 .contact_at_ms = T0_MS - 60000};
    struct buffer now = {0};

    (void)state;
    relay_record_write(&wanted, &now);
    KEPT_CHECK("relay", relay_formats, RELAY_RECORD_FORMAT, &now, check_relay);
    buffer_free(&now);
}

/* ---- the score task's note ---- */

static void
check_note(int format, struct slice bytes)
{
    struct buffer ids = {0};
    struct score_note read;

    (void)format;
    assert_int_equal(score_note_read(bytes, &read, &ids), 0);
    assert_true(hash128_equal(read.lineage, (struct hash128){11, 12}));
    assert_true(hash128_equal(read.writer, (struct hash128){13, 14}));
    assert_int_equal(read.epoch, 77);
    assert_true(slice_is(read.policies, "0123456789abcdefABCDEFGHIJKLMNOP"));
    buffer_free(&ids);
}

static void
test_notes(void **state)
{
    const struct score_note wanted = {.lineage = {11, 12},
                                      .epoch = 77,
                                      .writer = {13, 14},
                                      .policies = slice_of("0123456789abcdefABCDEFGHIJKLMNOP"),
                                      .keeps_texts = true};
    struct buffer now = {0};

    (void)state;
    score_note_write(&wanted, &now);
    KEPT_CHECK("note", note_formats, SCORE_NOTE_FORMAT, &now, check_note);
    buffer_free(&now);
}

/* ---- a person's decision about the scores ---- */

static void
check_decision(int format, struct slice bytes)
{
    struct control_scores read;
    int64_t offset = 0;

    (void)format;
    assert_int_equal(control_scores_read(bytes, &read), 0);
    assert_int_equal(read.verb, CONTROL_FRESH);
    assert_true(hash128_equal(read.lineage, (struct hash128){11, 12}));
    assert_int_equal(read.epoch, 77);
    assert_int_equal(read.committed_offset, 4711);
    assert_int_equal(read.feedback_sum, 315);
    assert_int_equal(read.at_ms, T0_MS);
    assert_true(slice_is(read.by, "noc"));
    for (int p = 0; p < 2; p++) {
        assert_true(control_offset_take(&read.feedback, &offset));
        assert_int_equal(offset, p == 0 ? 300 : 15);
    }
    assert_false(control_offset_take(&read.feedback, &offset));
}

static void
test_decisions(void **state)
{
    struct control_scores wanted = {.verb = CONTROL_FRESH,
                                    .lineage = {11, 12},
                                    .epoch = 77,
                                    .committed_offset = 4711,
                                    .feedback_sum = 315,
                                    .at_ms = T0_MS,
                                    .by = slice_of("noc")};
    struct buffer feedback = {0}, now = {0};

    (void)state;
    control_offset_add(&feedback, 300);
    control_offset_add(&feedback, 15);
    wanted.feedback = buffer_slice(&feedback);
    control_scores_write(&wanted, &now);
    KEPT_CHECK("scores-control", decision_formats, CONTROL_FORMAT, &now, check_decision);
    buffer_free(&feedback);
    buffer_free(&now);
}

/* ---- parts of a score snapshot ---- */

#define EXPERIENCE                                                                                           \
    "{min_answers: 1, windows: [24h, 7d], detractor_alert: true, scopes: [[], [customer], [requester]]}"

static const struct scores_sink silent = {0};

static void
tell_house(struct house *house)
{
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_SOLVED, T0_MS);
    struct verdict_outcome verdict =
        house_verdict("T1", "resolution", 1, VERDICT_MET, VERDICT_BREACHED, T0_MS);
    struct feedback_aspect aspect = {slice_of("speed"), 2};
    struct event event;

    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    scores_ticket(house->scores, &ticket, T0_MS);
    scores_verdict(house->scores, &verdict, T0_MS);
    event = house_answer(house, T0_MS + 1, "f-1", "stars5", 1);
    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-1");
    event.feedback.aspects = &aspect;
    event.feedback.aspects_count = 1;
    assert_int_equal(scores_feedback(house->scores, &event, T0_MS + 1).disposition, ENGINE_APPLIED);
    event = house_answer(house, T0_MS + 2, "f-2", "nps", 10);
    assert_int_equal(scores_feedback(house->scores, &event, T0_MS + 2).disposition, ENGINE_APPLIED);
    event = house_answer(house, T0_MS + DAY_MS, "ahead", "nps", 3);
    assert_int_equal(scores_feedback(house->scores, &event, T0_MS + 2).disposition, ENGINE_WAITS);
}

static void
check_parts(int format, struct slice bytes)
{
    struct house loaded;
    struct slice key, value;
    struct event event;

    (void)format;
    house_open(&loaded, EXPERIENCE, silent);
    scores_set_rebuilding(loaded.scores, true, 0);
    while (restore_plan_take(&bytes, &key, &value))
        assert_int_equal(scores_load_part(loaded.scores, (uint32_t)strtoul(key.at, NULL, 10), value), 0);
    assert_int_equal(scores_load_end(loaded.scores), 0);
    scores_set_rebuilding(loaded.scores, false, T0_MS + 2);
    scores_check(loaded.scores);
    assert_int_equal(house_read(&loaded, "24h", T0_MS + 2).n, 2);
    assert_int_equal(house_read_one(&loaded, ATTRIBUTE_CUSTOMER, "acme", "24h", T0_MS + 2).px.negative, 1);
    assert_int_equal(house_read(&loaded, "24h", T0_MS + 2).attainment_contract.hits, 1);
    assert_int_equal(house_read(&loaded, "24h", T0_MS + 2).attainment_honest.hits, 0);
    assert_int_equal(house_read(&loaded, "24h", T0_MS + 2).coverage.n, 1);
    assert_int_equal(house_read(&loaded, "7d", T0_MS + DAY_MS).n, 3); /* what waited for its time */
    event = house_answer(&loaded, T0_MS + 2, "f-2", "nps", 10);
    event.id = slice_of("e-2");
    assert_int_equal(scores_feedback(loaded.scores, &event, T0_MS + DAY_MS).disposition, ENGINE_DUPLICATE);
    house_close(&loaded);
}

static void
test_parts(void **state)
{
    struct buffer now = {0}, part = {0};
    struct house house;
    char number[16];

    (void)state;
    house_open(&house, EXPERIENCE, silent);
    tell_house(&house);
    for (uint32_t i = 0; i < SCORES_PARTS_COUNT - 1; i++) {
        buffer_reset(&part);
        if (!scores_save_part(house.scores, i, &part))
            continue;
        (void)snprintf(number, sizeof number, "%u ", i);
        restore_plan_add(&now, slice_of(number), buffer_slice(&part));
    }
    KEPT_CHECK("parts", part_formats, SCORES_STATE_FORMAT, &now, check_parts);
    buffer_free(&now);
    buffer_free(&part);
    house_close(&house);
}

/* ---- foresight: what was learned, and the table on slad.scores ---- */

enum { LABELS = 90 };

/* Format 1 knew no leans. Both follow from slad.outcomes, so it is refused whole and learned again. */
enum { FORMAT_WITHOUT_LEANS = 1 };

/* A third of the clocks is late. */
static struct learning *
taught(struct worlds *worlds)
{
    struct learning *learning;

    worlds_open(worlds, "version: \"1\"\nforesight: {enabled: true}\n", NULL, 0);
    learning = learning_new(&worlds->world);
    for (int64_t i = 0; i < LABELS; i++) {
        struct risk_sample sample = {
            .name = {slice_of("T"), KIND_SLA, slice_of("a"), slice_of("resolution"), 1},
            .measure = MEASURE_RESOLUTION,
            .label = i % 3 == 0 ? RISK_BREACHED : RISK_MET,
            .started_at_ms = i * 60000,
            .decided_at_ms = i * 60000 + 30000,
            .known_at_ms = i * 60000 + 50000,
            .target_ms = 50000,
            .elapsed_ms = i % 3 == 0 ? 50000 : 30000,
            .points_count = 1,
            .arrival = {i * 60000 + 50000, 1, false, false}};

        sample.points[0] =
            (struct risk_point){.landmark = 0, .at_ms = i * 60000 + 1000, .remaining_ms = 29000};
        sample.points[0].texts[ATTRIBUTE_GROUP] = slice_of("g");
        learning_sample(learning, &sample, i);
    }
    return learning;
}

static void
check_learned(int format, struct slice bytes)
{
    struct worlds worlds;
    struct learning *learning;
    int64_t offset = 0;

    worlds_open(&worlds, "version: \"1\"\nforesight: {enabled: true}\n", NULL, 0);
    learning = learning_new(&worlds.world);
    if (format == FORMAT_WITHOUT_LEANS) {
        assert_int_equal(learning_load(learning, bytes, &offset), -1);
    } else {
        assert_int_equal(learning_load(learning, bytes, &offset), 0);
        assert_int_equal(offset, LABELS);
        learning_measure(learning);
        assert_int_equal(metrics_value(worlds.world.metrics, METRIC_FORESIGHT_LABELS, 0), LABELS);
        assert_int_equal(metrics_value(worlds.world.metrics, METRIC_FORESIGHT_CLOCKS, 0), 1);
    }
    learning_free(learning);
    worlds_close(&worlds);
}

static void
check_table(int format, struct slice bytes)
{
    struct worlds worlds;
    struct model *model;
    struct foresight_forecast forecast;
    struct foresight_query query = {.kind = KIND_SLA,
                                    .clock = foresight_text_hash(slice_of("resolution")),
                                    .target_ms = 50000,
                                    .elapsed_ms = 1000};
    struct slice key, value;
    size_t tables = 0;

    worlds_open(&worlds, "version: \"1\"\n", NULL, 0);
    model = model_new(worlds.world.log);
    while (restore_plan_take(&bytes, &key, &value)) {
        assert_true(model_is_piece(key));
        tables += model_take(model, key, value);
    }
    assert_int_equal(tables, format != FORMAT_WITHOUT_LEANS);
    if (format == FORMAT_WITHOUT_LEANS) {
        assert_null(model_table(model));
    } else {
        assert_int_equal(foresight_table_version(model_table(model)), LABELS);
        assert_true(foresight_table_forecast(model_table(model), &query, &forecast));
        assert_in_range(forecast.p_permille, 150, 550);
        assert_int_equal(forecast.model, LABELS);
    }
    model_free(model);
    worlds_close(&worlds);
}

static void
test_learned(void **state)
{
    struct worlds worlds;
    struct learning *learning = taught(&worlds);
    struct buffer now = {0};

    (void)state;
    learning_save(learning, &now);
    KEPT_CHECK("learned", learned_formats, FORESIGHT_STATE_FORMAT, &now, check_learned);
    buffer_free(&now);
    learning_free(learning);
    worlds_close(&worlds);
}

static void
test_tables(void **state)
{
    struct worlds worlds;
    struct learning *learning = taught(&worlds);
    struct batch *batch = batch_new(NULL);
    struct buffer now = {0};

    (void)state;
    learning_tell(learning, batch);
    for (size_t i = 0; i < batch_count(batch); i++)
        restore_plan_add(&now, batch_get(batch, i).key, batch_get(batch, i).value);
    KEPT_CHECK("risk-model", table_formats, FORESIGHT_TABLE_FORMAT, &now, check_table);
    batch_free(batch);
    buffer_free(&now);
    learning_free(learning);
    worlds_close(&worlds);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),  cmocka_unit_test(test_relays), cmocka_unit_test(test_notes),
        cmocka_unit_test(test_decisions), cmocka_unit_test(test_parts),  cmocka_unit_test(test_learned),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
