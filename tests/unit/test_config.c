/* shell/config: every kind of value, every kind of error with its place, the reload. */
#include "shell/config.h"
#include "slad/engine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct case_row {
    const char *text;
    const char *error; /* what the message must hold, with the place */
};

static char file[] = "/tmp/slad-config-XXXXXX";

static void
write_file(const char *text)
{
    FILE *stream = fopen(file, "w");

    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

static struct config *
load(const char *text, const char *override, struct buffer *errors)
{
    const char *overrides[] = {override};

    write_file(text);
    return config_load(&(struct config_source){file, overrides, override != NULL}, errors);
}

static void
defaults_are_those_of_the_table(void **state)
{
    struct buffer errors = {0};
    struct config *config = config_load(&(struct config_source){0}, &errors);

    (void)state;
    assert_non_null(config);
    assert_string_equal(config->instance, "slad-1");
    assert_string_equal(config->api_url, "");
    assert_int_equal(config->epoch_ms, 100);
    assert_int_equal(config->retire_after_ms, INT64_C(30) * 86400000);
    assert_int_equal(config->stream_buffer_bytes_max, 256 * 1024);
    assert_int_equal(config->roles, CONFIG_ROLE_TICKETS | CONFIG_ROLE_SCORES | CONFIG_ROLE_BOARD);
    assert_int_equal(config->partitioner, CONFIG_PARTITIONER_MURMUR2);
    assert_int_equal(config->snapshot, CONFIG_SNAPSHOT_NONE);
    assert_int_equal(config->alerts_from_ms, INT64_MIN);
    assert_int_equal(config->kafka.count, 0);
    config_free(config);
    buffer_free(&errors);
}

/* What slactl makes of a history is what the daemon makes of it. */
static void
a_history_is_replayed_by_the_defaults(void **state)
{
    struct engine_options options = engine_options_of_history(NULL);
    struct buffer errors = {0};
    struct config *config = config_load(&(struct config_source){0}, &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(options.late_after_ms, config->late_after_ms);
    assert_int_equal(options.retire_after_ms, config->retire_after_ms);
    assert_int_equal(options.retirement_mark_ms, config->retirement_mark_ms);
    assert_int_equal(options.history_max, config->history_max);
    config_free(config);
}

static void
file_and_overrides_are_taken_in_that_order(void **state)
{
    struct buffer errors = {0};
    struct buffer text = {0};
    struct config *config =
        load("# mine\nroles: [board]\nepoch_ms: 20\nretire_after: 1d12h\nfetch_bytes_max: 32MiB\n"
             "alerts_from: 2026-11-01T00:00:00+01:00\n"
             "kafka: {security.protocol: SASL_SSL, sasl.password: geheim}\n",
             "epoch_ms=30", &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->roles, CONFIG_ROLE_BOARD);
    assert_int_equal(config->epoch_ms, 30);
    assert_int_equal(config->retire_after_ms, 36 * 3600000);
    assert_int_equal(config->fetch_bytes_max, 32 << 20);
    assert_int_equal(config->alerts_from_ms, INT64_C(1793487600000));
    assert_int_equal(config->kafka.count, 2);
    assert_string_equal(config->kafka.entries[0].key, "security.protocol");
    config_append_value(config, CONFIG_kafka, &text);
    buffer_append_byte(&text, '\0');
    assert_string_equal(text.at, "{security.protocol: SASL_SSL, sasl.password: ***}");
    buffer_free(&text);
    config_free(config);

    config = load("", "kafka.debug=broker,topic", &errors);
    assert_non_null(config);
    assert_string_equal(config->kafka.entries[0].value, "broker,topic");
    config_free(config);
    config = load("roles: tickets\n", "roles=scores,board", &errors);
    assert_int_equal(config->roles, CONFIG_ROLE_SCORES | CONFIG_ROLE_BOARD);
    config_free(config);
    buffer_free(&errors);
}

static void
errors_name_the_place_and_what_was_expected(void **state)
{
    static const struct case_row cases[] = {
        {"epoch: 5\n", ":1:1: unknown key \"epoch\""},
        {"prefix: a\nepoch_mss: 5\n", ":2:1: unknown key \"epoch_mss\"; did you mean \"epoch_ms\"?"},
        {"epoch_ms: soon\n", ":1:11: epoch_ms: found \"soon\", expected a whole number"},
        {"epoch_ms: 0\n", ":1:11: epoch_ms: found 0, expected 1 to 10000 ms"},
        {"epoch_ms: -1\n", ":1:11: epoch_ms: found \"-1\", expected a whole number"},
        {"epoch_ms: [1]\n", ":1:11: epoch_ms: found a list, expected one value"},
        {"epoch_ms:\n", "epoch_ms: found nothing, expected a value"},
        {"epoch_ms: 1\nepoch_ms: 2\n", ":2:1: "},
        {"retire_after: 30\n", ":1:15: retire_after: found \"30\", expected a length like"},
        {"retire_after: 1s\n", "retire_after: found \"1s\", expected 1h to "},
        {"epoch_bytes_max: 5TiB\n", "of bytes, KiB, MiB or GiB"},
        {"epoch_bytes_max: 999999999999GiB\n", "expected a whole number of bytes"},
        {"partitioner: murmur\n", "found \"murmur\", expected murmur2|crc32|any; did you mean \"murmur2\"?"},
        {"roles: []\n", "roles: names nothing"},
        {"roles: [board, board]\n", ":1:16: roles: names \"board\" twice"},
        {"roles: [bord]\n",
         ":1:9: roles: found \"bord\", expected tickets|scores|board; did you mean \"board\"?"},
        {"roles: [[board]]\n", ":1:9: roles: expected some of"},
        {"alerts_from: yesterday\n", "expected an instant like"},
        {"instance: \"\"\n", "instance: found 0 characters, expected 1 to 128"},
        {"instance: \"a\\nb\"\n", "has a control character"},
        {"kafka: [a]\n", "kafka: expected a mapping of librdkafka properties"},
        {"kafka: {a: [b]}\n", "kafka.\"a\": expected a text"},
        {"kafka: {transactional.id: x}\n", "kafka: transactional.id is set by slad itself"},
        {"listen: here\n", "listen: expected host:port"},
        {"listen: 127.0.0.1:99999\n", "listen: expected host:port"},
        {"retire_after: 10d\nretirement_mark: 9d\n",
         "retirement_mark: expected at least as long as retire_after"},
        {"http_connections_max: 10\n", "stream_clients_max: expected at most http_connections_max"},
        {"redis: localhost:6379\n", "redis: expected an IP address and port"},
        {"- a\n", "expected a mapping of keys"},
        {"a: &x 1\n", ":1:"},
        {"a: {\n", ":"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer errors = {0};

        assert_null(load(cases[i].text, NULL, &errors));
        buffer_append_byte(&errors, '\0');
        if (strncmp(errors.at, file, strlen(file)) != 0 || strstr(errors.at, cases[i].error) == NULL)
            fail_msg("%s gave: %sand not: %s", cases[i].text, errors.at, cases[i].error);
        buffer_free(&errors);
    }
}

static void
every_error_is_told_at_once(void **state)
{
    struct buffer errors = {0};

    (void)state;
    assert_null(load("epoch_ms: x\nprefx: y\n", "zone=1", &errors));
    buffer_append_byte(&errors, '\0');
    assert_non_null(strstr(errors.at, ":1:11: "));
    assert_non_null(strstr(errors.at, ":2:1: "));
    assert_non_null(strstr(errors.at, "--set \"zone\": unknown key"));
    buffer_free(&errors);
}

static void
overrides_are_checked_too(void **state)
{
    static const struct case_row cases[] = {
        {"epoch_ms", "--set \"epoch_ms\": expected key=value"},
        {"epoch_ms=x", "--set \"epoch_ms\": epoch_ms: found \"x\""},
        {"kafka=x", "expected a map (on the command line: kafka.NAME=VALUE)"},
        {"epoch_ms.a=1", "unknown key \"epoch_ms.a\""},
        {"kafka.=1", "an entry has no name"},
        {"kafka.group.id=1", "group.id is set by slad itself"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer errors = {0};

        assert_null(load("", cases[i].text, &errors));
        buffer_append_byte(&errors, '\0');
        if (strstr(errors.at, cases[i].error) == NULL)
            fail_msg("%s gave: %s", cases[i].text, errors.at);
        buffer_free(&errors);
    }
}

static void
a_missing_file_is_an_error(void **state)
{
    struct buffer errors = {0};

    (void)state;
    assert_null(config_load(&(struct config_source){.file = "/nowhere/slad.yaml"}, &errors));
    assert_null(config_load(&(struct config_source){.file = "/"}, &errors));
    buffer_append_byte(&errors, '\0');
    assert_non_null(strstr(errors.at, "/nowhere/slad.yaml:1:1: cannot be read: No such file"));
    assert_non_null(strstr(errors.at, "/:1:1: cannot be read"));
    buffer_free(&errors);
}

static void
a_reload_takes_what_is_reloadable_and_names_the_rest(void **state)
{
    struct buffer errors = {0};
    struct buffer changed = {0};
    struct buffer refused = {0};
    struct config *config = load("", NULL, &errors);
    const struct config_source source = {.file = file};

    (void)state;
    write_file("log_level: debug\nprefix: other\nstream_clients_max: 7\nkafka: {debug: all}\n");
    assert_int_equal(config_reload(config, &source, &changed, &refused, &errors), 0);
    buffer_append_byte(&changed, '\0');
    buffer_append_byte(&refused, '\0');
    assert_string_equal(changed.at, "stream_clients_max, log_level");
    assert_string_equal(refused.at, "prefix, kafka");
    assert_int_equal(config->stream_clients_max, 7);
    assert_string_equal(config->prefix, "slad");
    write_file("log_level: loud\nstream_clients_max: 9\n");
    assert_int_equal(config_reload(config, &source, &changed, &refused, &errors), -1);
    assert_int_equal(config->stream_clients_max, 7);
    buffer_free(&errors);
    buffer_free(&changed);
    buffer_free(&refused);
    config_free(config);
}

static void
every_default_is_written_as_it_is_read(void **state)
{
    struct buffer errors = {0};
    struct config *config = config_load(&(struct config_source){0}, &errors);

    (void)state;
    for (enum config_key key = 0; key < CONFIG_KEYS_COUNT; key++) {
        const struct config_row *row = config_row(key);
        struct buffer text = {0};

        config_append_value(config, key, &text);
        if (row->type != CONFIG_TYPE_BYTES && row->type != CONFIG_TYPE_MAP &&
            row->type != CONFIG_TYPE_DURATION && !slice_is(buffer_slice(&text), row->standard))
            fail_msg("%s: %.*s", row->key, (int)text.bytes, text.at);
        assert_non_null(config_section(key));
        buffer_free(&text);
    }
    config_free(config);
    buffer_free(&errors);
}

/* Every key that conf/slad.yaml shows, taken as it stands there, is the default. */
static void
the_file_to_begin_with_shows_the_defaults(void **state)
{
    FILE *stream = fopen(TESTS_DIR "/../conf/slad.yaml", "r");
    struct buffer text = {0};
    struct buffer errors = {0};
    struct buffer changed = {0};
    struct config *config;
    char line[1024];
    int keys = 0;

    (void)state;
    assert_non_null(stream);
    while (fgets(line, sizeof line, stream) != NULL)
        if (line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' && strncmp(line, "#alerts_from", 12) != 0) {
            buffer_append_text(&text, line + 1);
            keys++;
        }
    fclose(stream);
    assert_int_equal(keys, CONFIG_KEYS_COUNT - 1);
    buffer_append_byte(&text, '\0');
    config = load(text.at, NULL, &errors);
    if (config == NULL)
        fail_msg("%.*s", (int)errors.bytes, errors.at);
    assert_int_equal(config_reload(config, &(struct config_source){0}, &changed, &changed, &errors), 0);
    assert_int_equal(changed.bytes, 0);
    config_free(config);
    buffer_free(&text);
    buffer_free(&errors);
    buffer_free(&changed);
}

static void
listen_is_split(void **state)
{
    char host[CONFIG_HOST_BYTES];
    int port;

    (void)state;
    assert_int_equal(config_split_listen("[::1]:80", host, &port), 0);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 80);
    assert_int_equal(config_split_listen(":0", host, &port), 0);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(config_split_listen("::1:80", host, &port), -1);
    assert_int_equal(config_split_listen("host", host, &port), -1);
    assert_int_equal(config_split_listen("host:", host, &port), -1);
    assert_int_equal(config_split_listen("host:8a", host, &port), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(a_history_is_replayed_by_the_defaults),
        cmocka_unit_test(file_and_overrides_are_taken_in_that_order),
        cmocka_unit_test(errors_name_the_place_and_what_was_expected),
        cmocka_unit_test(every_error_is_told_at_once),
        cmocka_unit_test(overrides_are_checked_too),
        cmocka_unit_test(a_missing_file_is_an_error),
        cmocka_unit_test(a_reload_takes_what_is_reloadable_and_names_the_rest),
        cmocka_unit_test(every_default_is_written_as_it_is_read),
        cmocka_unit_test(the_file_to_begin_with_shows_the_defaults),
        cmocka_unit_test(listen_is_split),
    };
    int descriptor = mkstemp(file);
    int failed;

    if (descriptor < 0)
        return 1;
    close(descriptor);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    return failed;
}
