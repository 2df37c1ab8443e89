/* Every allocation fails once: each ends the process, by one line and abort, and by nothing else. From the
 * reading of a policy over a ticket's life to its record and back. */
#include "../support/desk.h"
#include "base/memory.h"
#include "shell/batch.h"

enum { TRIES_MAX = 400 };

static uint64_t allocations, fails_at; /* the Nth fails; 0: none */

static void *
failing(void *pointer, size_t bytes)
{
    return ++allocations == fails_at ? NULL : realloc(pointer, bytes);
}

static const char policy[] = DESK_POLICY "agreements:\n"
                                         "  - name: gold\n"
                                         "    kind: sla\n"
                                         "    warn_at: [50%]\n"
                                         "    clocks:\n"
                                         "      resolution: {measure: resolution, target: 1h}\n";

static void
live(void *argument)
{
    static struct desk desk;
    struct buffer record = {0};
    struct batch *batch;
    struct ticket *ticket;

    (void)argument;
    desk_open(&desk, policy);
    for (int i = 0; i < 20; i++) {
        char words[64];

        (void)snprintf(words, sizeof words, "created T-%d status=New actor=requester", i);
        desk_say(&desk, i, words);
    }
    desk_until(&desk, 90);
    desk_say(&desk, 95, "updated T-0 status=Resolved actor=agent");
    batch = batch_new();
    while ((ticket = engine_changed_next(desk.engine)) != NULL) {
        buffer_reset(&record);
        if (!engine_save(desk.engine, ticket, &record))
            continue;
        batch_begin(batch, TOPIC_STATE, 0, ticket_name(ticket));
        buffer_append_slice(batch_value(batch), buffer_slice(&record));
        batch_end(batch);
        (void)engine_load(desk.engine, ticket_name(ticket), buffer_slice(&record));
    }
    batch_free(batch);
    buffer_free(&record);
    desk_close(&desk);
}

static void
test_every_allocation_fails_once(void **state)
{
    uint64_t count, step;
    char words[512];

    (void)state;
    memory_replace_source(failing);
    live(NULL);
    count = allocations;
    assert_true(count > 100);
    step = count / TRIES_MAX + 1;
    for (fails_at = 1; fails_at <= count; fails_at += step) {
        allocations = 0;
        assert_true(unit_aborts(live, NULL, words, sizeof words));
        assert_string_equal(words, "panic: out of memory\n");
    }
    memory_replace_source(NULL);
    print_message("%llu allocations, every %lluth failed\n", (unsigned long long)count,
                  (unsigned long long)step);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
