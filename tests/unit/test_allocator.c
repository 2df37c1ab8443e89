/* What a burst has left is there for the next one. Built without sanitizers: they bring another malloc. */
#include "../support/unit.h"
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "shell/allocator.h"

enum { BURST_BYTES = 24 << 20, PAGE_BYTES = 4096 };

static long
faults(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt;
}

/* Page faults of a burst. */
static long
burst(void)
{
    long before = faults();
    volatile char *bytes = malloc(BURST_BYTES);

    assert_non_null((const void *)(uintptr_t)bytes);
    for (size_t at = 0; at < BURST_BYTES; at += PAGE_BYTES)
        bytes[at] = 1;
    free((void *)(uintptr_t)bytes);
    return faults() - before;
}

static void
test_the_second_burst_finds_its_pages(void **state)
{
    long first;

    (void)state;
    allocator_keep_freed();
    first = burst();
    assert_true(burst() * 10 < first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_second_burst_finds_its_pages)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
