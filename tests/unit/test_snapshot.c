/* What lies between the engine's parts and a plan's buckets: a ticket is gathered in the bucket that its
 * change makes dirty. And which heads are of use to a loader. */
#include "../support/desk.h"
#include "shell/snapshot_plan.h"
#include <stdlib.h>

static void
test_a_part_is_a_bucket(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY);
    for (int i = 0; i < 300; i++) {
        char words[64];

        snprintf(words, sizeof words, "created ticket-%d status=New actor=requester", i * 7919);
        desk_say(&desk, 0, words);
    }
    for (unsigned bits = 0; bits <= 16; bits++) {
        size_t seen = 0;

        for (uint32_t bucket = 0; bucket < 1U << bits; bucket++) {
            size_t cursor = 0;
            struct ticket *ticket;

            while ((ticket = engine_each_in_part(desk.engine, bucket, bits, &cursor)) != NULL) {
                assert_int_equal(snapshot_bucket_of(ticket_name(ticket), 1U << bits), bucket);
                assert_int_equal(engine_part(desk.engine, ticket_name(ticket), bits), bucket);
                seen++;
            }
        }
        assert_int_equal(seen, 300);
    }
    desk_close(&desk);
}

/* ---- heads that were found ---- */

static struct snapshot_head
sound_head(struct snapshot_bucket buckets[2])
{
    buckets[0] = (struct snapshot_bucket){.epoch = 8, .stamp = 77, .bytes = 100, .hash = 5};
    buckets[1] = (struct snapshot_bucket){0};
    return (struct snapshot_head){.lineage = {1, 2},
                                  .epoch = 8,
                                  .writer = {3, 4},
                                  .state_offset = 50,
                                  .begun_at_ms = 1000000,
                                  .buckets_count = 2,
                                  .buckets = buckets};
}

static enum snapshot_verdict
judge(const struct snapshot_head *head)
{
    const struct marker marker = {.lineage = {1, 2}, .epoch = 9, .writer = {3, 4}};
    const struct snapshot_question question = {
        .marker = &marker, .state_end = 60, .now_ms = 2000000, .age_ms_max = 1500000};
    struct snapshot_head found = {0};
    struct buffer bytes = {0};
    enum snapshot_verdict verdict;

    snapshot_head_write(head, &bytes);
    verdict = snapshot_judge(buffer_slice(&bytes), &question, &found);
    assert_true((found.buckets != NULL) == (verdict == SNAPSHOT_FITS));
    snapshot_head_done(&found);
    buffer_free(&bytes);
    return verdict;
}

static void
test_only_a_head_of_this_life_and_past_fits(void **state)
{
    struct snapshot_bucket buckets[2];
    struct snapshot_head head = sound_head(buckets);

    (void)state;
    assert_int_equal(judge(&head), SNAPSHOT_FITS);
    head.lineage.low++;
    assert_int_equal(judge(&head), SNAPSHOT_OTHER_LINEAGE);
    head.lineage = (struct hash128){1, 3};
    assert_int_equal(judge(&head), SNAPSHOT_OTHER_LINEAGE);
    head = sound_head(buckets);
    head.epoch = 10;
    assert_int_equal(judge(&head), SNAPSHOT_NEWER);
    head.epoch = 9;
    assert_int_equal(judge(&head), SNAPSHOT_FITS);
    head.writer.high++;
    assert_int_equal(judge(&head), SNAPSHOT_NEWER);
    head = sound_head(buckets);
    head.state_offset = 61;
    assert_int_equal(judge(&head), SNAPSHOT_NEWER);
    head = sound_head(buckets);
    head.begun_at_ms = 2000000 - 1500001;
    assert_int_equal(judge(&head), SNAPSHOT_TOO_OLD);
    head.begun_at_ms = 2000000 + 3600001; /* from ahead: its age is not known */
    assert_int_equal(judge(&head), SNAPSHOT_TOO_OLD);
}

static void
test_bytes_that_are_no_head_are_garbage(void **state)
{
    const struct marker marker = {.lineage = {1, 2}, .epoch = 9, .writer = {3, 4}};
    const struct snapshot_question question = {
        .marker = &marker, .state_end = 60, .now_ms = 2000000, .age_ms_max = 1500000};
    struct snapshot_bucket buckets[2];
    struct snapshot_head head = sound_head(buckets), found = {0};
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(snapshot_judge((struct slice){"", 0}, &question, &found), SNAPSHOT_ABSENT);
    snapshot_head_write(&head, &bytes);
    for (size_t i = 0; i < bytes.bytes; i++) {
        assert_int_equal(snapshot_judge((struct slice){bytes.at, i}, &question, &found),
                         i == 0 ? SNAPSHOT_ABSENT : SNAPSHOT_GARBAGE);
        bytes.at[i] ^= 1;
        assert_int_not_equal(snapshot_judge(buffer_slice(&bytes), &question, &found), SNAPSHOT_FITS);
        bytes.at[i] ^= 1;
    }
    buffer_free(&bytes);
}

static void
ignore(void *context, struct slice name)
{
    (void)context;
    (void)name;
}

/* true: it was begun, and its head has moved. */
static bool
take_snapshot(struct snapshot_plan *plan, int64_t now_ms)
{
    const struct snapshot_begin begin = {.committed_epoch = 9, .state_offset = 60, .now_ms = now_ms};
    struct buffer name = {0};
    uint32_t bucket;

    if (!snapshot_plan_begin(plan, &begin))
        return false;
    while (snapshot_plan_next(plan, &bucket))
        (void)snapshot_plan_gathered(plan, bucket, 9, slice_of("records"), &name);
    snapshot_plan_moved(plan, ignore, NULL);
    buffer_free(&name);
    return true;
}

/* Nothing happens for days, and it is asked every minute: a loader must find a head that is not too old. */
static void
test_the_head_of_an_idle_task_is_kept_young(void **state)
{
    const int64_t minute_ms = 60000, day_ms = 24 * 60 * minute_ms;
    const struct snapshot_plan_options options = {
        .prefix = "slad", .bucket_bytes_max = 1000, .lineage = {1, 2}, .writer = {3, 4}, .used = -1};
    const struct marker marker = {.lineage = {1, 2}, .epoch = 9, .writer = {3, 4}};
    struct snapshot_question question = {
        .marker = &marker, .state_end = 60, .now_ms = 10 * day_ms, .age_ms_max = day_ms};
    struct snapshot_plan *plan = snapshot_plan_new(&options);
    struct buffer ignored = {0}, head = {0};
    struct snapshot_head found = {0};
    size_t written = 0;

    (void)state;
    for (int64_t now_ms = day_ms; now_ms < question.now_ms; now_ms += minute_ms)
        written += take_snapshot(plan, now_ms);
    assert_in_range(written, 9 * 24, 9 * 24 + 1); /* one an hour, and not one a minute */
    snapshot_plan_move(plan, &head, &ignored);    /* what is expected in Redis is what lies there */
    assert_int_equal(snapshot_judge(buffer_slice(&head), &question, &found), SNAPSHOT_FITS);
    snapshot_head_done(&found);
    snapshot_plan_free(plan);
    buffer_free(&ignored);
    buffer_free(&head);
}

/* The score task has 65,536 parts; a head is one value of Redis, and the loop writes it in one turn. */
static void
test_a_head_of_many_parts_is_small(void **state)
{
    enum { WRITTEN = 13000 };
    struct snapshot_bucket *buckets = calloc(SNAPSHOT_BUCKETS_MAX, sizeof *buckets);
    struct snapshot_head read,
        head = {.epoch = UINT64_C(90000000), .buckets_count = SNAPSHOT_BUCKETS_MAX, .buckets = buckets};
    struct buffer bytes = {0};

    (void)state;
    snapshot_head_write(&head, &bytes);
    assert_true(bytes.bytes < 64);         /* empty ones take nothing */
    for (uint32_t i = 0; i < WRITTEN; i++) /* every third in another snapshot than its neighbours */
        buckets[i * 5] = (struct snapshot_bucket){.epoch = head.epoch - (i % 3 == 0 ? i * 700 : 0),
                                                  .stamp = UINT64_C(0xfedcba9876543210) -
                                                           (i % 3 == 0 ? (uint64_t)i << 24 : 0),
                                                  .bytes = 180000 + i,
                                                  .hash = UINT64_MAX - i};
    buffer_reset(&bytes);
    snapshot_head_write(&head, &bytes);
    assert_true(bytes.bytes < 300000);
    assert_int_equal(snapshot_head_read(buffer_slice(&bytes), &read), 0);
    assert_memory_equal(read.buckets, buckets, SNAPSHOT_BUCKETS_MAX * sizeof *buckets);
    snapshot_head_done(&read);
    free(buckets);
    buffer_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_head_of_this_life_and_past_fits),
        cmocka_unit_test(test_bytes_that_are_no_head_are_garbage),
        cmocka_unit_test(test_a_head_of_many_parts_is_small),
        cmocka_unit_test(test_the_head_of_an_idle_task_is_kept_young),
        cmocka_unit_test(test_a_part_is_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
