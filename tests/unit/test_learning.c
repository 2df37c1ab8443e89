/* What was learned, as bytes: made beside the loop it is what it would be at once, and what is learned
 * meanwhile or afterwards is not taken for written. */
#include "../support/worlds.h"
#include "shell/learning.h"
#include "shell/scribe.h"

static const char policy[] = "version: \"1\"\nforesight: {enabled: true}\n";

struct school {
    struct worlds worlds;
    struct scribe *scribe;
    struct learning *learning;
    int64_t next;
};

static void
teach(struct school *school, int64_t count)
{
    for (int64_t i = school->next; i < school->next + count; i++) {
        struct risk_sample sample = {
            .name = {slice_of("T"), KIND_SLA, slice_of("a"), slice_of("resolution"), 1},
            .measure = MEASURE_RESOLUTION,
            .label = i % 3 == 0 ? RISK_BREACHED : RISK_MET,
            .known_at_ms = i * 60000,
            .target_ms = 50000,
            .elapsed_ms = 30000,
            .points_count = 1,
            .arrival = {i * 60000, 1, false, false}};

        sample.points[0] = (struct risk_point){.landmark = 0, .remaining_ms = 29000};
        learning_sample(school->learning, &sample, i);
    }
    school->next += count;
}

static void
open_school(struct school *school)
{
    memset(school, 0, sizeof *school);
    worlds_open(&school->worlds, policy, NULL, 0);
    school->scribe = scribe_new();
    school->learning = learning_new(&school->worlds.world);
    learning_set_scribe(school->learning, school->scribe);
    teach(school, 500);
}

static void
close_school(struct school *school)
{
    learning_free(school->learning); /* also while it is away */
    scribe_free(school->scribe);
    worlds_close(&school->worlds);
}

static void
wait_back(struct school *school)
{
    while (learning_is_away(school->learning)) {
        usleep(100);
        learning_turn(school->learning);
    }
}

static void
test_a_state_made_beside_the_loop(void **state)
{
    struct buffer wanted = {0};
    struct school school;

    (void)state;
    open_school(&school);
    learning_save(school.learning, &wanted);
    assert_false(learning_is_saved(school.learning));
    assert_true(learning_is_away(school.learning));
    learning_measure(school.learning); /* does no harm */
    wait_back(&school);
    assert_true(learning_is_saved(school.learning));
    assert_true(slice_equal(learning_saved(school.learning), buffer_slice(&wanted)));
    assert_false(learning_saved_over(school.learning)); /* nothing was learned since */
    assert_false(learning_is_saved(school.learning));
    wait_back(&school);
    teach(&school, 1);
    assert_true(slice_equal(learning_saved(school.learning), buffer_slice(&wanted))); /* as of then */
    assert_true(learning_saved_over(school.learning));
    assert_int_equal(learning_saved(school.learning).bytes, 0);
    buffer_free(&wanted);
    close_school(&school);
}

/* The snapshot it was for is over: the next one gets what is known then. */
static void
test_a_state_nobody_wants_any_more(void **state)
{
    struct buffer wanted = {0};
    struct school school;

    (void)state;
    open_school(&school);
    assert_false(learning_is_saved(school.learning));
    assert_false(learning_saved_over(school.learning));
    wait_back(&school);
    teach(&school, 7);
    learning_save(school.learning, &wanted);
    while (!learning_is_saved(school.learning))
        wait_back(&school);
    assert_true(slice_equal(learning_saved(school.learning), buffer_slice(&wanted)));
    buffer_free(&wanted);
    assert_false(learning_saved_over(school.learning));
    assert_false(learning_is_saved(school.learning)); /* away when the school closes */
    close_school(&school);
}

static void
test_a_table_made_beside_the_loop(void **state)
{
    struct batch *now = batch_new(NULL), *later = batch_new(NULL);
    struct school school;
    struct slice a, b;

    (void)state;
    open_school(&school);
    assert_int_equal(learning_wait_ms(school.learning), 0);
    learning_set_scribe(school.learning, NULL);
    assert_true(learning_tell(school.learning, now));
    assert_int_equal(learning_wait_ms(school.learning), INT64_MAX);
    close_school(&school);
    open_school(&school);
    assert_false(learning_tell(school.learning, later));
    assert_int_equal(batch_count(later), 0);
    assert_in_range(learning_wait_ms(school.learning), 1, 10); /* it is looked for soon */
    wait_back(&school);
    assert_int_equal(learning_wait_ms(school.learning), 0);
    assert_true(learning_tell(school.learning, later));
    assert_int_equal(learning_wait_ms(school.learning), INT64_MAX);
    assert_int_equal(batch_count(later), batch_count(now));
    for (size_t i = 0; i < batch_count(now); i++) {
        a = batch_get(now, i).value;
        b = batch_get(later, i).value;
        assert_true(slice_equal(a, b));
    }
    batch_free(now);
    batch_free(later);
    close_school(&school);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_state_made_beside_the_loop),
        cmocka_unit_test(test_a_state_nobody_wants_any_more),
        cmocka_unit_test(test_a_table_made_beside_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
