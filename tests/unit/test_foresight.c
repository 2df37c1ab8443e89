/*
 * The learner and its table: what is learned, that it is the same everywhere, and how near it comes to the
 * truth where the truth is known.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "slad/foresight.h"
#include "core/foresight_learner.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define TARGET_MS INT64_C(100000000) /* 27.8 h: a permille is 100 s */
#define BEGIN_MS INT64_C(1767571200000)
#define DAY_MS INT64_C(86400000)

/* ---- logarithms against the library's ---- */

static void
test_logarithms(void **state)
{
    (void)state;
    for (uint32_t x = 0; x < 16 * Q16_ONE; x += 371) {
        double e = exp(-(double)x / Q16_ONE);

        assert_true(fabs(foresight_log_exp_q32(x) / 4294967296.0 - e) < 2e-5 * e + 1e-9);
    }
    for (uint64_t p = 1; p < UINT32_MAX; p += p / 31 + 1)
        assert_true(fabs(foresight_log_neg_q16((uint32_t)p) / 65536.0 + log((double)p / 4294967296.0)) <
                    5e-5);
    for (int32_t x = -LOGIT_MAX_Q16; x <= LOGIT_MAX_Q16; x += 1001)
        assert_true(fabs(foresight_log_sigmoid_q16(x) / 65536.0 - 1 / (1 + exp(-x / 65536.0))) < 4e-5);
    for (uint32_t x = 200; x < 6 * Q16_ONE; x += 531) {
        double p = exp(-(double)x / Q16_ONE), logit = log(p / (1 - p));

        logit = logit > 8 ? 8 : logit;
        assert_true(fabs(foresight_log_logit_q16(x) / 65536.0 - logit) < 2e-3);
    }
    for (int64_t a = -1000; a <= 1000; a += 7)
        assert_int_equal(foresight_log_scale(a, 33, 5), -foresight_log_scale(-a, 33, 5));
    for (uint64_t root = 1; root < UINT32_MAX; root += root / 7 + 1) {
        assert_int_equal(foresight_log_root(root * root), root);
        assert_int_equal(foresight_log_root(root * root - 1), root - 1);
    }
    assert_int_equal(foresight_log_root(UINT64_MAX), UINT32_MAX);
}

/* ---- contexts ---- */

static void
assert_contexts(const char *text, const char *expected)
{
    struct foresight_contexts contexts;
    char detail[FORESIGHT_DETAIL_BYTES];
    struct buffer out = {0};

    assert_int_equal(foresight_contexts_read(slice_of(text), &contexts, detail), 0);
    foresight_contexts_print(&out, &contexts);
    assert_true(slice_is(buffer_slice(&out), expected));
    buffer_free(&out);
}

static void
test_contexts(void **state)
{
    struct foresight_contexts contexts;
    char detail[FORESIGHT_DETAIL_BYTES];
    static const char *const bad[] = {
        "grp",     "group+",     "group:2",      "tier:2",
        "moves:0", "idle:99999", "group, group", "group+service+status+priority+category",
        ",group",  "group,"};

    (void)state;
    assert_contexts(FORESIGHT_CONTEXTS_DEFAULT, FORESIGHT_CONTEXTS_DEFAULT);
    assert_contexts("", "");
    assert_contexts(" idle + hour:4 ,moves", "idle:15+hour:4, moves:2");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        detail[0] = '\0';
        assert_int_equal(foresight_contexts_read(slice_of(bad[i]), &contexts, detail), -1);
        assert_true(detail[0] != '\0');
    }
    assert_int_equal(foresight_contexts_read(slice_of("group, assignee+group, requester"), &contexts, detail),
                     0);
    foresight_contexts_without_people(&contexts);
    assert_int_equal(contexts.count, 1);
}

static void
test_landmarks(void **state)
{
    (void)state;
    assert_int_equal(foresight_landmark(0, 1000), -1);
    assert_int_equal(foresight_landmark(19, 1000), -1);
    assert_int_equal(foresight_landmark(20, 1000), 0);
    assert_int_equal(foresight_landmark(999, 1000), 7);
    assert_int_equal(foresight_landmark_ms(0, 1001), 21); /* rounds up */
}

/* ---- a desk with known hazards ---- */

struct desk {
    uint64_t seed;
    struct foresight *learner;
    uint64_t tickets;
    int64_t at_ms;
    double drift; /* hazards times this */
    double off;   /* sum of |P - true P| */
    size_t asked;
};

static double
draw(struct desk *desk)
{
    desk->seed = desk->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(desk->seed >> 11) / 9007199254740992.0;
}

static const char *const groups[] = {"alpha", "beta", "gamma", "delta"};
static const char *const states[] = {"New", "Active", "Held"};

/* The share that stops in one interval, by group, state and shift. */
static double
hazard(const struct desk *desk, int group, int status, int shift)
{
    static const double of_group[] = {0.06, 0.12, 0.20, 0.30}, of_state[] = {0.8, 1.2, 0.4},
                        of_shift[] = {1.2, 0.7};

    return of_group[group] * of_state[status] * of_shift[shift] * desk->drift;
}

static void
fill_point(struct risk_point *point, int landmark, int64_t at_ms, int group, int status, int shift)
{
    memset(point, 0, sizeof *point);
    point->landmark = (uint8_t)landmark;
    point->at_ms = at_ms;
    point->remaining_ms = -1;
    point->texts[ATTRIBUTE_PRIORITY] = slice_of("P3");
    point->texts[ATTRIBUTE_GROUP] = slice_of(groups[group]);
    point->texts[ATTRIBUTE_STATUS] = slice_of(states[status]);
    point->numbers[FORESIGHT_HOUR] = shift == 0 ? 9 : 21;
}

/* What the learner says at this point, against what is true. */
static void
ask(struct desk *desk, const struct risk_point *point, double true_p)
{
    struct foresight_query query = {
        .kind = KIND_SLA, .clock = foresight_text_hash(slice_of("resolution")), .target_ms = TARGET_MS};
    struct foresight_forecast forecast;

    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++)
        query.view.texts[i] = foresight_text_hash(point->texts[i]);
    memcpy(query.view.numbers, point->numbers, sizeof query.view.numbers);
    query.elapsed_ms = foresight_landmark_ms(point->landmark, TARGET_MS);
    (void)foresight_forecast(desk->learner, &query, &forecast);
    desk->off += fabs(forecast.p_permille / 1000.0 - true_p);
    desk->asked++;
}

/* One ticket: it stays in its group, state and shift. Its clock stops in an interval, or breaches. */
static void
one_ticket(struct desk *desk, bool judged)
{
    int group = (int)(draw(desk) * 4), status = (int)(draw(desk) * 3), shift = draw(desk) < 0.6 ? 0 : 1,
        l = 0;
    double h = hazard(desk, group, status, shift);
    struct risk_sample sample = {.name = {slice_of("T"), KIND_SLA, slice_of("a"), slice_of("resolution"), 1},
                                 .label = RISK_BREACHED,
                                 .target_ms = TARGET_MS,
                                 .elapsed_ms = TARGET_MS};

    desk->at_ms += 9 * 60000; /* 160 a day */
    for (; l < FORESIGHT_LANDMARKS_COUNT; l++) {
        int64_t into_ms = foresight_landmark_ms(l, TARGET_MS);

        fill_point(&sample.points[l], l, desk->at_ms + into_ms, group, status, shift);
        sample.points_count++;
        if (judged)
            ask(desk, &sample.points[l], pow(1 - h, FORESIGHT_LANDMARKS_COUNT - l));
        if (draw(desk) < h) {
            sample.label = RISK_MET;
            sample.elapsed_ms = into_ms + 1000;
            break;
        }
    }
    sample.started_at_ms = desk->at_ms;
    sample.decided_at_ms = desk->at_ms + sample.elapsed_ms;
    sample.known_at_ms = desk->at_ms + TARGET_MS;
    sample.arrival.detected_at_ms = desk->at_ms;
    for (size_t i = 0; i < sample.points_count && sample.label == RISK_MET; i++)
        sample.points[i].remaining_ms = sample.decided_at_ms - sample.points[i].at_ms;
    foresight_learn(desk->learner, &sample);
    desk->tickets++;
}

static void
many_tickets(struct desk *desk, size_t count, bool judged)
{
    desk->off = 0;
    desk->asked = 0;
    for (size_t i = 0; i < count; i++)
        one_ticket(desk, judged);
}

static struct foresight *
new_learner(const char *contexts)
{
    struct foresight_options options;
    char detail[FORESIGHT_DETAIL_BYTES];

    foresight_options_default(&options);
    assert_int_equal(foresight_contexts_read(slice_of(contexts), &options.contexts, detail), 0);
    return foresight_new(&options);
}

/* State-, queue- and hour-dependent, with one drift: as near as three in a hundred. */
static void
test_truth(void **state)
{
    struct desk desk = {.seed = 42,
                        .learner = new_learner("group, status, hour:12, group+status, group+status+hour:12"),
                        .at_ms = BEGIN_MS,
                        .drift = 1};

    (void)state;
    many_tickets(&desk, 5000, false);
    many_tickets(&desk, 1000, true);
    print_message("after 5,000 tickets: mean |P - true P| %.4f\n", desk.off / (double)desk.asked);
    assert_true(desk.off / (double)desk.asked <= 0.03);
    desk.drift = 0.6;
    many_tickets(&desk, 160, true);
    print_message("on the day of the drift: %.4f\n", desk.off / (double)desk.asked);
    assert_true(desk.off / (double)desk.asked > 0.05);
    many_tickets(&desk, 30 * 160, false);
    many_tickets(&desk, 1000, true);
    print_message("a half-life later: %.4f\n", desk.off / (double)desk.asked);
    assert_true(desk.off / (double)desk.asked <= 0.03);
    foresight_free(desk.learner);
}

/* ---- the same everywhere ---- */

static void
publish(const struct foresight *learner, struct buffer *table, struct buffer *saved)
{
    buffer_reset(table);
    buffer_reset(saved);
    foresight_publish(learner, table);
    foresight_save(learner, saved);
}

static void
test_same_bytes(void **state)
{
    struct buffer table[2] = {{0}}, saved[2] = {{0}};

    (void)state;
    for (int cut = 0; cut < 400; cut += 133) {
        struct desk whole = {
            .seed = 7, .learner = new_learner(FORESIGHT_CONTEXTS_DEFAULT), .at_ms = BEGIN_MS, .drift = 1};
        struct desk parts = whole;

        parts.learner = new_learner(FORESIGHT_CONTEXTS_DEFAULT);
        many_tickets(&whole, 400, false);
        many_tickets(&parts, (size_t)cut, false);
        publish(parts.learner, &table[1], &saved[1]);
        foresight_free(parts.learner);
        parts.learner = new_learner(FORESIGHT_CONTEXTS_DEFAULT);
        assert_int_equal(foresight_load(parts.learner, buffer_slice(&saved[1])), 0);
        many_tickets(&parts, 400 - (size_t)cut, false);
        publish(whole.learner, &table[0], &saved[0]);
        publish(parts.learner, &table[1], &saved[1]);
        assert_true(slice_equal(buffer_slice(&table[0]), buffer_slice(&table[1])));
        assert_true(slice_equal(buffer_slice(&saved[0]), buffer_slice(&saved[1])));
        foresight_free(whole.learner);
        foresight_free(parts.learner);
    }
    for (int i = 0; i < 2; i++) {
        buffer_free(&table[i]);
        buffer_free(&saved[i]);
    }
}

static void
test_table_says_what_the_learner_says(void **state)
{
    struct desk desk = {
        .seed = 3, .learner = new_learner(FORESIGHT_CONTEXTS_DEFAULT), .at_ms = BEGIN_MS, .drift = 1};
    struct foresight_table *table;
    struct buffer bytes = {0};

    (void)state;
    many_tickets(&desk, 1000, false);
    foresight_publish(desk.learner, &bytes);
    table = foresight_table_read(buffer_slice(&bytes));
    assert_non_null(table);
    assert_int_equal(foresight_table_version(table), foresight_version(desk.learner));
    for (int i = 0; i < 3000; i++) {
        struct foresight_query query = {
            .kind = KIND_SLA, .clock = foresight_text_hash(slice_of("resolution")), .target_ms = TARGET_MS};
        struct foresight_forecast a, b;
        struct risk_point point;

        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        fill_point(&point, 0, 0, i % 4, i % 3, i % 2);
        for (unsigned k = 0; k < ATTRIBUTES_COUNT; k++)
            query.view.texts[k] = foresight_text_hash(point.texts[k]);
        memcpy(query.view.numbers, point.numbers, sizeof point.numbers);
        query.elapsed_ms = TARGET_MS / 3000 * i;
        assert_int_equal(foresight_forecast(desk.learner, &query, &a),
                         foresight_table_forecast(table, &query, &b));
        assert_memory_equal(&a, &b, sizeof a);
    }
    for (size_t i = 0; i < bytes.bytes; i += 41) { /* whatever is damaged is no table */
        bytes.at[i] ^= 4;
        assert_null(foresight_table_read(buffer_slice(&bytes)));
        assert_int_equal(foresight_load(desk.learner, buffer_slice(&bytes)), -1);
        bytes.at[i] ^= 4;
    }
    assert_null(foresight_table_read((struct slice){bytes.at, 3}));
    foresight_table_free(table);
    foresight_free(desk.learner);
    buffer_free(&bytes);
}

/* ---- labels ---- */

static struct risk_sample
sample_of(enum risk_label label, int64_t detected_ms, int64_t known_ms, size_t points)
{
    struct risk_sample sample = {.name = {slice_of("T"), KIND_SLA, slice_of("a"), slice_of("resolution"), 1},
                                 .label = label,
                                 .target_ms = TARGET_MS,
                                 .known_at_ms = known_ms,
                                 .points_count = points,
                                 .arrival = {.detected_at_ms = detected_ms}};

    for (size_t i = 0; i < points; i++)
        fill_point(&sample.points[i], (int)i, detected_ms, 0, 0, 0);
    sample.elapsed_ms =
        label == RISK_BREACHED ? TARGET_MS : foresight_landmark_ms((int)points - 1, TARGET_MS) + 1;
    return sample;
}

/* A good end waits until its deadline would have passed; a bad one is known at once. */
static void
test_labels_wait(void **state)
{
    struct foresight *learner = new_learner("group");
    struct risk_sample met = sample_of(RISK_MET, BEGIN_MS, BEGIN_MS + DAY_MS, 2);
    struct risk_sample breached = sample_of(RISK_BREACHED, BEGIN_MS + 1, BEGIN_MS + 1, 8);
    struct foresight_figures figures;

    (void)state;
    foresight_learn(learner, &met);
    foresight_learn(learner, &breached);
    foresight_figures(learner, &figures);
    assert_int_equal(figures.labels, 1);
    assert_int_equal(figures.breached, 1);
    assert_int_equal(figures.pending, 1);
    foresight_advance(learner, BEGIN_MS + DAY_MS - 1);
    assert_int_equal(foresight_version(learner), 1);
    foresight_advance(learner, BEGIN_MS + DAY_MS);
    assert_int_equal(foresight_version(learner), 2);
    foresight_free(learner);
}

/* Counts of a cell, by hand: three stopped in the second interval, one breached, one was cancelled there. */
static void
test_cells(void **state)
{
    struct foresight *learner = new_learner("group");
    const struct foresight_value *value;
    uint64_t clock_key = foresight_clock_key(KIND_SLA, foresight_text_hash(slice_of("resolution")));

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct risk_sample sample = sample_of(i < 3    ? RISK_MET
                                              : i == 3 ? RISK_BREACHED
                                                       : RISK_CENSORED,
                                              BEGIN_MS, BEGIN_MS, i == 3 ? 8 : 2);

        foresight_learn(learner, &sample);
    }
    value = foresight_value_find(learner, clock_key);
    assert_non_null(value);
    assert_int_equal(value->counts[0].open, 5 * WEIGHT_ONE); /* landmark 0, interval 0 */
    assert_int_equal(value->counts[0].done, 0);
    assert_int_equal(value->counts[1].open, 4 * WEIGHT_ONE);
    assert_int_equal(value->counts[1].done, 3 * WEIGHT_ONE);
    assert_int_equal(value->counts[7].open, WEIGHT_ONE);
    assert_int_equal(value->counts[8].open, 4 * WEIGHT_ONE); /* landmark 1 */
    assert_int_equal(value->counts[8].done, 3 * WEIGHT_ONE);
    foresight_free(learner);
}

/* Two tickets of a group, both late, say little beside two hundred of which half were. */
static void
test_shrinkage(void **state)
{
    struct foresight *learner = new_learner("group");
    struct foresight_query query = {.kind = KIND_SLA,
                                    .clock = foresight_text_hash(slice_of("resolution")),
                                    .elapsed_ms = foresight_landmark_ms(0, TARGET_MS),
                                    .target_ms = TARGET_MS};
    struct foresight_forecast forecast;
    struct risk_point point;

    (void)state;
    for (int i = 0; i < 202; i++) {
        bool late = i >= 200 || i % 2 == 0;
        struct risk_sample sample =
            sample_of(late ? RISK_BREACHED : RISK_MET, BEGIN_MS, BEGIN_MS, late ? 8 : 2);

        for (size_t k = 0; k < sample.points_count && i >= 200; k++)
            sample.points[k].texts[ATTRIBUTE_GROUP] = slice_of("gamma");
        foresight_learn(learner, &sample);
    }
    fill_point(&point, 0, 0, 2, 0, 0);
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++)
        query.view.texts[i] = foresight_text_hash(point.texts[i]);
    memcpy(query.view.numbers, point.numbers, sizeof query.view.numbers);
    assert_true(foresight_forecast(learner, &query, &forecast));
    assert_in_range(forecast.base_permille, 400, 600);
    assert_int_equal(forecast.evidence[0].like, 2);
    assert_int_equal(forecast.evidence[0].late, 2);
    assert_in_range(forecast.p_permille, 400, 700);
    foresight_free(learner);
}

static int32_t
lean_of_group(const struct foresight *learner, const char *group)
{
    struct foresight_view view = {.texts[ATTRIBUTE_GROUP] = foresight_text_hash(slice_of(group))};
    const struct foresight_context *context = &learner->options.contexts.at[0];
    uint64_t clock_key = foresight_clock_key(KIND_SLA, foresight_text_hash(slice_of("resolution")));

    return foresight_lean_q16(
        learner, foresight_value_key(clock_key,
                                     foresight_value_hash(foresight_context_hash(context), context, &view)));
}

/* What is late leans up, what is met leans down, what nobody has seen does not lean; a ticket counts once,
 * however many landmarks it passed. */
static void
test_leans(void **state)
{
    struct foresight *learner = new_learner("group"), *once = new_learner("group"),
                     *often = new_learner("group");
    struct risk_sample first = sample_of(RISK_MET, BEGIN_MS, BEGIN_MS, 8);

    (void)state;
    for (int i = 0; i < 40; i++) {
        bool late = i % 2 == 0;
        struct risk_sample sample =
            sample_of(late ? RISK_BREACHED : RISK_MET, BEGIN_MS, BEGIN_MS, late ? 8 : 3);

        for (size_t k = 0; k < sample.points_count; k++)
            sample.points[k].texts[ATTRIBUTE_GROUP] = slice_of(late ? "slow" : "quick");
        foresight_learn(learner, &sample);
    }
    assert_true(lean_of_group(learner, "slow") > Q16_ONE / 4);
    assert_true(lean_of_group(learner, "quick") < -Q16_ONE / 4);
    assert_int_equal(lean_of_group(learner, "unseen"), 0);
    foresight_learn(once, &first); /* the class is known at its landmarks from here on */
    foresight_learn(often, &first);
    first = sample_of(RISK_BREACHED, BEGIN_MS + 1, BEGIN_MS + 1, 1);
    foresight_learn(once, &first);
    first = sample_of(RISK_BREACHED, BEGIN_MS + 1, BEGIN_MS + 1, 8);
    foresight_learn(often, &first);
    assert_true(lean_of_group(often, groups[0]) > 0);
    assert_true(lean_of_group(often, groups[0]) <= lean_of_group(once, groups[0]) * 5 / 4);
    foresight_free(learner);
    foresight_free(once);
    foresight_free(often);
}

/* The share of the answer goes to the leans where they err less, and away where they err more. */
static void
test_share(void **state)
{
    struct desk desk = {.seed = 5,
                        .learner = new_learner("group, status, hour:12, group+status, group+status+hour:12"),
                        .at_ms = BEGIN_MS,
                        .drift = 1};
    const struct foresight_clock *clock;

    (void)state;
    many_tickets(&desk, 3000, false);
    clock = desk.learner->clocks[0];
    for (int l = 0; l < FORESIGHT_LANDMARKS_COUNT; l++)
        assert_in_range(clock->leans_shares_q24[l], 0, 1 << 24);
    assert_true(clock->leans_shares_q24[0] < 1 << 22); /* here the cells are the truth */
    foresight_free(desk.learner);
}

/* What an earlier slad saved or published is refused whole. */
static void
test_former_format(void **state)
{
    struct foresight *learner = new_learner("group");
    struct buffer saved = {0}, table = {0};

    (void)state;
    publish(learner, &table, &saved);
    for (int i = 0; i < 2; i++) {
        struct buffer *bytes = i == 0 ? &saved : &table;
        uint64_t seed = i == 0 ? UINT64_C(0x666f72657369) : UINT64_C(0x7269736b), sum;

        assert_int_equal(bytes->at[1], i == 0 ? FORESIGHT_STATE_FORMAT : FORESIGHT_TABLE_FORMAT);
        for (int former = 1; former >= 0; former--) {
            bytes->at[1] = (char)(bytes->at[1] - former);
            sum = hash_bytes(seed, bytes->at, bytes->bytes - 8);
            for (int k = 0; k < 8; k++)
                bytes->at[bytes->bytes - 8 + (size_t)k] = (char)(unsigned char)(sum >> 8 * k);
            if (i == 0) {
                struct foresight *reader = new_learner("group");

                assert_int_equal(foresight_load(reader, buffer_slice(bytes)), former ? -1 : 0);
                foresight_free(reader);
            } else {
                struct foresight_table *read = foresight_table_read(buffer_slice(bytes));

                assert_true(former ? read == NULL : read != NULL);
                foresight_table_free(read);
            }
            bytes->at[1] = (char)(bytes->at[1] + former);
        }
    }
    buffer_free(&saved);
    buffer_free(&table);
    foresight_free(learner);
}

/* Bounds: the lightest go, further clocks are refused, labels over the bound count early. */
static void
test_bounds(void **state)
{
    struct foresight_options options;
    struct foresight_figures figures;
    struct foresight *learner;

    (void)state;
    foresight_options_default(&options);
    options.values_max = 64;
    options.clocks_max = 1;
    options.pending_max = 10;
    learner = foresight_new(&options);
    for (int i = 0; i < 300; i++) {
        struct risk_sample sample = sample_of(RISK_MET, BEGIN_MS + i, BEGIN_MS + DAY_MS, 2);
        char group[16];

        (void)snprintf(group, sizeof group, "group-%d", i);
        sample.points[0].texts[ATTRIBUTE_GROUP] = sample.points[1].texts[ATTRIBUTE_GROUP] = slice_of(group);
        if (i == 299)
            sample.name.clock = slice_of("another");
        foresight_learn(learner, &sample);
    }
    foresight_figures(learner, &figures);
    assert_int_equal(figures.clocks, 1);
    assert_int_equal(figures.refused_clocks, 1);
    assert_int_equal(figures.pending, 10);
    assert_int_equal(figures.early_labels, 289);
    assert_true(figures.values <= 64);
    assert_true(map_count(learner->leans) > 0 && map_count(learner->leans) <= 64);
    assert_true(figures.evicted_values > 0);
    foresight_free(learner);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logarithms),  cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_landmarks),   cmocka_unit_test(test_truth),
        cmocka_unit_test(test_same_bytes),  cmocka_unit_test(test_table_says_what_the_learner_says),
        cmocka_unit_test(test_labels_wait), cmocka_unit_test(test_cells),
        cmocka_unit_test(test_shrinkage),   cmocka_unit_test(test_leans),
        cmocka_unit_test(test_share),       cmocka_unit_test(test_former_format),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
