/* shell/log: lines as they are written, what strangers cannot do to them, the limit. */
#include "shell/log.h"
#include "shell/wallclock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int pipes[2];
static char got[65536];

static struct log *
begin(enum log_format format, bool journal, int64_t burst_max)
{
    assert_int_equal(pipe(pipes), 0);
    return log_new(&(struct log_options){.descriptor = pipes[1],
                                         .level = LOG_INFO,
                                         .format = format,
                                         .journal = journal,
                                         .burst_max = burst_max});
}

/* Ends the log and gives what was written. */
static const char *
end(struct log *log)
{
    size_t bytes = 0;
    ssize_t more;

    log_free(log);
    close(pipes[1]);
    while ((more = read(pipes[0], got + bytes, sizeof got - 1 - bytes)) > 0)
        bytes += (size_t)more;
    got[bytes] = '\0';
    close(pipes[0]);
    return got;
}

/* What follows the instant and the blank behind it. */
static const char *
without_time(const char *line)
{
    assert_int_equal(strcspn(line, " "), 24);
    return line + 25;
}

static void
logfmt_has_every_kind_of_field(void **state)
{
    struct log *log = begin(LOG_FORMAT_LOGFMT, false, 0);

    (void)state;
    log_write(log, LOG_WARNING, "task_held", LOG_INTEGER("task", 3), LOG_TEXT("why", "no marker"),
              LOG_SLICE("ticket", ((struct slice){"INC001xx", 6})), LOG_BOOLEAN("behind", true),
              LOG_TEXT("none", NULL), LOG_INSTANT("at", INT64_C(1793487600000)), LOG_TEXT("empty", ""),
              LOG_TEXT("end", "a>"), LOG_TEXT("z", "null"), LOG_INSTANT("never", INT64_MIN));
    assert_string_equal(without_time(end(log)),
                        "warning task_held task=3 why=\"no marker\" ticket=INC001 behind=true none=null "
                        "at=2026-10-31T23:00:00.000Z empty=\"\" end=a> z=\"null\" never=null\n");
}

static void
json_is_json(void **state)
{
    struct log *log = begin(LOG_FORMAT_JSON, false, 0);
    const char *line;

    (void)state;
    log_write(log, LOG_ERROR, "broken", LOG_TEXT("text", "a\"b\\c\n\x1b[31m"), LOG_INTEGER("n", -1),
              LOG_TEXT("null", NULL));
    line = end(log);
    assert_memory_equal(line, "{\"at\":\"2", 8);
    assert_string_equal(line + 32, ",\"level\":\"error\",\"event\":\"broken\",\"text\":"
                                   "\"a\\\"b\\\\c\\n\\u001b[31m\",\"n\":-1,\"null\":null}\n");
}

static void
the_journal_gets_priorities(void **state)
{
    struct log *log = begin(LOG_FORMAT_LOGFMT, true, 0);

    (void)state;
    log_write(log, LOG_ERROR, "bad");
    log_write(log, LOG_INFO, "good", LOG_INTEGER("n", 1));
    assert_string_equal(end(log), "<3>bad\n<6>good n=1\n");
}

static void
strangers_cannot_forge_a_line(void **state)
{
    struct log *log = begin(LOG_FORMAT_LOGFMT, true, 0);
    static const char long_text[] = "0123456789";
    char much[LOG_VALUE_BYTES_MAX + 10];

    (void)state;
    log_write(log, LOG_INFO, "a", LOG_TEXT("t", "x\n<0>fake\r\t\x7f"),
              LOG_TEXT("u", "\xC2\x9b"
                            "31m"),
              LOG_TEXT("v", "\xff\xc3"), LOG_TEXT("rtl", "\xE2\x80\xAEgnp"),
              LOG_TEXT("ok", "Zo\xC3\xAB \xF0\x9F\x98\x80"), LOG_TEXT("e", "a=b"), LOG_TEXT("q", "\""));
    memset(much, 'm', sizeof much);
    log_write(log, LOG_INFO, "b", LOG_SLICE("m", ((struct slice){much, sizeof much})),
              LOG_TEXT("t", long_text));
    end(log);
    assert_memory_equal(
        got,
        "<6>a t=\"x\\n<0>fake\\r\\t\\u007f\" u=\"\\u009b31m\" v=\"\\ufffd\\ufffd\" rtl=\"\\u202egnp\" "
        "ok=\"Zo\xC3\xAB \xF0\x9F\x98\x80\" e=\"a=b\" q=\"\\\"\"\n",
        107);
    assert_non_null(strstr(got, "mmm...\" t=0123456789\n"));
    for (const char *at = got; *at != '\0'; at++)
        assert_true((unsigned char)*at >= ' ' || *at == '\n');
}

static void
levels_below_are_not_written(void **state)
{
    struct log *log = begin(LOG_FORMAT_LOGFMT, true, 0);

    (void)state;
    log_write(log, LOG_DEBUG, "hidden");
    assert_false(log_enabled(log, LOG_DEBUG));
    log_set(log, LOG_DEBUG, LOG_FORMAT_LOGFMT, 0);
    log_write(log, LOG_DEBUG, "shown");
    assert_string_equal(end(log), "<7>shown\n");
}

static void
a_storm_is_counted_and_hides_no_other(void **state)
{
    struct log *log = begin(LOG_FORMAT_LOGFMT, true, 3);

    (void)state;
    for (int i = 0; i < 100; i++)
        log_write(log, LOG_WARNING, "storm", LOG_INTEGER("i", i));
    log_write(log, LOG_INFO, "calm");
    log_flush(log); /* the ten seconds are not over: nothing yet */
    assert_string_equal(end(log),
                        "<4>storm i=0\n<4>storm i=1\n<4>storm i=2\n<6>calm\n<4>storm suppressed=97\n");
}

static void
the_journal_is_recognized(void **state)
{
    struct stat status;
    char stream[64];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(fstat(pipes[1], &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    assert_true(log_under_journal(stream, pipes[1]));
    assert_false(log_under_journal("1:2", pipes[1]));
    assert_false(log_under_journal("nonsense", pipes[1]));
    assert_false(log_under_journal(NULL, pipes[1]));
    close(pipes[0]);
    close(pipes[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_has_every_kind_of_field),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(the_journal_gets_priorities),
        cmocka_unit_test(strangers_cannot_forge_a_line),
        cmocka_unit_test(levels_below_are_not_written),
        cmocka_unit_test(a_storm_is_counted_and_hides_no_other),
        cmocka_unit_test(the_journal_is_recognized),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
