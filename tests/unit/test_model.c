/* The table of foresight comes together from its pieces, and nothing else does: what a stranger writes there
 * does no harm. */
#include "../support/unit.h"
#include "base/buffer.h"
#include "shell/model.h"
#include "slad/foresight.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECES = 3 };

static struct model *
open_model(struct log **ret_log)
{
    const struct log_options options = {.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC)};

    *ret_log = log_new(&options);
    return model_new(*ret_log);
}

static bool
give(struct model *model, int64_t version, int piece, int pieces, size_t whole, const char *bytes,
     size_t count)
{
    char *value = malloc(count * 2 + 256), key[32];
    int used = snprintf(
        value, 200,
        "{\"type\":\"risk_model\",\"version\":%lld,\"piece\":%d,\"pieces\":%d,\"bytes\":%zu,\"table\":\"",
        (long long)version, piece, pieces, whole);
    bool news;

    used += EVP_EncodeBlock((unsigned char *)value + used, (const unsigned char *)bytes, (int)count);
    memcpy(value + used, "\"}", 3);
    (void)snprintf(key, sizeof key, "risk_model/%d", piece);
    assert_true(model_is_piece(slice_of(key)));
    news = model_take(model, slice_of(key), slice_of(value));
    free(value);
    return news;
}

static void
make_table(int64_t labels, struct buffer *out)
{
    struct foresight_options options;
    struct foresight *learner;

    foresight_options_default(&options);
    learner = foresight_new(&options);
    for (int64_t i = 0; i < labels; i++) {
        struct risk_sample sample = {
            .name = {slice_of("T"), KIND_SLA, slice_of("a"), slice_of("resolution"), 1},
            .measure = MEASURE_RESOLUTION,
            .label = i % 3 == 0 ? RISK_BREACHED : RISK_MET,
            .started_at_ms = i * 60000,
            .decided_at_ms = i * 60000 + 30000,
            .known_at_ms = i * 60000 + 50000,
            .target_ms = 50000,
            .elapsed_ms = i % 3 == 0 ? 50000 : 30000,
            .points_count = 2,
            .arrival = {i * 60000 + 50000, 1, false, false}};

        sample.points[0] =
            (struct risk_point){.landmark = 0, .at_ms = i * 60000 + 1000, .remaining_ms = 29000};
        sample.points[1] =
            (struct risk_point){.landmark = 1, .at_ms = i * 60000 + 6250, .remaining_ms = 23750};
        sample.points[0].texts[ATTRIBUTE_GROUP] = sample.points[1].texts[ATTRIBUTE_GROUP] = slice_of("g");
        foresight_learn(learner, &sample);
    }
    foresight_publish(learner, out);
    foresight_free(learner);
}

/* In pieces of equal length but the last; the length of all but the last is a multiple of three. */
static bool
give_piece(struct model *model, int64_t version, int piece, struct slice table)
{
    size_t each = (table.bytes / PIECES + 3) / 3 * 3, from = each * (size_t)piece;
    size_t count = piece + 1 < PIECES ? each : table.bytes - from;

    return give(model, version, piece, PIECES, table.bytes, table.at + from, count);
}

static void
test_comes_together(void **state)
{
    struct buffer table = {0}, later = {0};
    struct log *log;
    struct model *model = open_model(&log);

    (void)state;
    make_table(90, &table);
    make_table(120, &later);
    assert_null(model_table(model));
    assert_false(give_piece(model, 90, 2, buffer_slice(&table)));
    assert_false(give_piece(model, 90, 0, buffer_slice(&table)));
    assert_null(model_table(model));
    assert_true(give_piece(model, 90, 1, buffer_slice(&table)));
    assert_non_null(model_table(model));
    /* of the next version nothing is believed before all of it is there */
    assert_false(give_piece(model, 120, 0, buffer_slice(&later)));
    assert_false(give_piece(model, 120, 2, buffer_slice(&later)));
    assert_true(give_piece(model, 120, 1, buffer_slice(&later)));
    assert_false(give_piece(model, 120, 1, buffer_slice(&later))); /* the same again */
    assert_false(model_take(model, slice_of("risk_model/1"), (struct slice){NULL, 0}));
    assert_non_null(model_table(model));
    model_free(model);
    log_free(log);
    buffer_free(&table);
    buffer_free(&later);
}

static void
test_strangers(void **state)
{
    static const char *const values[] = {
        "",
        "{}",
        "[1]",
        "{\"version\":1,\"piece\":0,\"pieces\":1,\"bytes\":3,\"table\":\"!!!!\"}",
        "{\"version\":1,\"piece\":7,\"pieces\":1,\"bytes\":3,\"table\":\"AAAA\"}",
        "{\"version\":1,\"piece\":0,\"pieces\":100000,\"bytes\":3,\"table\":\"AAAA\"}",
        "{\"version\":1,\"piece\":0,\"pieces\":1,\"bytes\":3,\"table\":\"AAA\"}",
        "{\"version\":-1,\"piece\":0,\"pieces\":1,\"bytes\":3,\"table\":\"AAAA\"}",
        "{\"version\":1,\"piece\":0,\"pieces\":1,\"bytes\":90,\"table\":\"AAAA\"}",
        "{\"version\":1,\"piece\":0,\"pieces\":1,\"bytes\":3,\"table\":\"AAAA\"}"};
    struct buffer table = {0};
    struct log *log;
    struct model *model = open_model(&log);

    (void)state;
    make_table(60, &table);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_false(model_take(model, slice_of("risk_model/0"), slice_of(values[i])));
    assert_null(model_table(model));
    for (int piece = 0; piece < PIECES; piece++)
        assert_int_equal(give_piece(model, 60, piece, buffer_slice(&table)), piece == PIECES - 1);
    table.at[table.bytes / 2] ^= 0x55;
    for (int piece = 0; piece < PIECES; piece++)
        (void)give_piece(model, 61, piece, buffer_slice(&table));
    assert_non_null(model_table(model)); /* the sound one, or one that is sound as it stands */
    assert_false(model_is_piece(slice_of("risk_model/")));
    assert_false(model_is_piece(slice_of("score/24h/")));
    model_free(model);
    log_free(log);
    buffer_free(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_together),
                                       cmocka_unit_test(test_strangers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
