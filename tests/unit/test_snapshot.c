/* What lies between the engine's parts and a plan's buckets: a ticket is gathered in the bucket that its
 * change makes dirty. */
#include "../support/desk.h"
#include "shell/snapshot_plan.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_is_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
