/* shell/metrics: the page, its numbers, its labels; and what promtool says of it. */
#include "shell/metrics.h"
#include "slad/event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buffer page;

static const char *
print(const struct metrics *metrics)
{
    buffer_reset(&page);
    metrics_print(metrics, &page);
    buffer_append_byte(&page, '\0');
    return page.at;
}

static void
expect_line(const struct metrics *metrics, const char *line)
{
    char framed[256];

    snprintf(framed, sizeof framed, "\n%s\n", line);
    if (strstr(print(metrics), framed) == NULL)
        fail_msg("no line %s in\n%s", line, page.at);
}

static void
numbers_come_in_base_units(void **state)
{
    struct metrics *metrics = metrics_new();

    (void)state;
    metrics_add(metrics, METRIC_DUPLICATES, 0, 2);
    metrics_add(metrics, METRIC_DUPLICATES, 0, 3);
    metrics_set(metrics, METRIC_START, 0, INT64_C(1793487600120));
    metrics_set(metrics, METRIC_TASK_LAG_TIME, 7, 2500);
    metrics_set(metrics, METRIC_BOARD_BYTES, 0, 4096);
    expect_line(metrics, "# TYPE slad_duplicate_events_total counter");
    expect_line(metrics, "slad_duplicate_events_total 5");
    expect_line(metrics, "slad_start_time_seconds 1793487600.12");
    expect_line(metrics, "slad_task_lag_seconds{task=\"7\"} 2.5");
    expect_line(metrics, "slad_board_bytes 4096");
    expect_line(metrics, "slad_tasks 0");
    assert_int_equal(metrics_value(metrics, METRIC_DUPLICATES, 0), 5);
    metrics_free(metrics);
}

static void
labels_come_from_the_tables(void **state)
{
    struct metrics *metrics = metrics_new();

    (void)state;
    metrics_add(metrics, METRIC_DEADLETTERS, ERROR_WRONG_KEY, 4);
    metrics_add(metrics, METRIC_ALERTS, 4, 1);
    metrics_bound_hit(metrics, CONFIG_stream_clients_max);
    expect_line(metrics, "slad_deadletters_total{code=\"wrong_key\"} 4");
    expect_line(metrics, "slad_deadletters_total{code=\"bad_utf8\"} 0");
    expect_line(metrics, "slad_alerts_total{state=\"withdrawn\"} 1");
    expect_line(metrics, "slad_bound_hits_total{bound=\"stream_clients_max\"} 1");
    assert_null(strstr(page.at, "bound=\"tickets_max\""));
    metrics_free(metrics);
}

static void
a_task_that_left_is_not_printed(void **state)
{
    struct metrics *metrics = metrics_new();

    (void)state;
    metrics_set(metrics, METRIC_TASK_TICKETS, 3, 10);
    expect_line(metrics, "slad_task_tickets{task=\"3\"} 10");
    assert_null(strstr(page.at, "slad_task_tickets{task=\"2\"}"));
    metrics_forget_task(metrics, 3);
    metrics_forget_task(metrics, 999);
    assert_null(strstr(print(metrics), "task=\"3\""));
    metrics_free(metrics);
}

static void
histograms_add_up(void **state)
{
    struct metrics *metrics = metrics_new();

    (void)state;
    metrics_observe(metrics, METRIC_ALERT_DELAY, 0, 0);
    metrics_observe(metrics, METRIC_ALERT_DELAY, 0, 25);
    metrics_observe(metrics, METRIC_ALERT_DELAY, 0, 26);
    metrics_observe(metrics, METRIC_ALERT_DELAY, 0, 400000);
    metrics_observe(metrics, METRIC_TRANSACTION_TIME, METRIC_ROLE_SCORES, 2500);
    expect_line(metrics, "slad_alert_delay_seconds_bucket{le=\"0.001\"} 1");
    expect_line(metrics, "slad_alert_delay_seconds_bucket{le=\"0.025\"} 2");
    expect_line(metrics, "slad_alert_delay_seconds_bucket{le=\"300\"} 3");
    expect_line(metrics, "slad_alert_delay_seconds_bucket{le=\"+Inf\"} 4");
    expect_line(metrics, "slad_alert_delay_seconds_sum 400.051");
    expect_line(metrics, "slad_alert_delay_seconds_count 4");
    expect_line(metrics, "slad_transaction_seconds_bucket{role=\"scores\",le=\"0.0025\"} 1");
    expect_line(metrics, "slad_transaction_seconds_sum{role=\"scores\"} 0.0025");
    metrics_free(metrics);
}

static void
promtool_is_content(void **state)
{
    struct metrics *metrics = metrics_new();
    FILE *promtool;

    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        skip();
    metrics_set(metrics, METRIC_TASK_TICKETS, 3, 10);
    metrics_observe(metrics, METRIC_ALERT_DELAY, 0, 25);
    print(metrics);
    promtool = popen("promtool check metrics 1>&2", "w");
    assert_non_null(promtool);
    fwrite(page.at, 1, page.bytes - 1, promtool);
    assert_int_equal(pclose(promtool), 0);
    metrics_free(metrics);
}

static int
teardown(void **state)
{
    (void)state;
    buffer_free(&page);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_in_base_units),
        cmocka_unit_test(labels_come_from_the_tables),
        cmocka_unit_test(a_task_that_left_is_not_printed),
        cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(promtool_is_content),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
