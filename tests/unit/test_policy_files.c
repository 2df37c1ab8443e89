/* Policies from disk: files, directories, what is ignored, every bad file named. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shell/policy_files.h"
#include "wire/yaml.h"

struct fixture {
    char directory[64];
    struct symbols *symbols;
    struct buffer errors;
    char path[128];
};

static int
set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    const char *temporary = getenv("TMPDIR");

    (void)snprintf(fixture->directory, sizeof fixture->directory, "%s/slad-policies.XXXXXX",
                   temporary != NULL && strlen(temporary) < 20 ? temporary : P_tmpdir);
    assert_non_null(mkdtemp(fixture->directory));
    fixture->symbols = symbols_new();
    *state = fixture;
    return 0;
}

static const char *
path_of(struct fixture *fixture, const char *name)
{
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->directory, name);
    return fixture->path;
}

static int
tear_down(void **state)
{
    static const char *const names[] = {"a.yaml", "b.yml", "c.txt", ".d.yaml", "dir.yaml", "big.yaml"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (unlink(path_of(fixture, names[i])) != 0 && errno != ENOENT)
            (void)rmdir(fixture->path);
    assert_int_equal(rmdir(fixture->directory), 0);
    assert_int_equal(symbols_count(fixture->symbols), 0);
    symbols_free(fixture->symbols);
    buffer_free(&fixture->errors);
    test_free(fixture);
    return 0;
}

static void
write_file(struct fixture *fixture, const char *name, const char *text)
{
    FILE *file = fopen(path_of(fixture, name), "w");

    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct policy_set *
load(struct fixture *fixture, const char *path)
{
    buffer_reset(&fixture->errors);
    return policy_files_load(path, TESTS_DIR "/zoneinfo", fixture->symbols, &fixture->errors);
}

static void
assert_errors(struct fixture *fixture, const char *expected)
{
    char text[1024];
    size_t used = 0;

    /* @ stands for the directory */
    for (; *expected != '\0'; expected++)
        used += (size_t)snprintf(text + used, sizeof text - used, *expected == '@' ? "%s" : "%.1s",
                                 *expected == '@' ? fixture->directory : expected);
    buffer_append_byte(&fixture->errors, '\0');
    assert_string_equal(fixture->errors.at, text);
}

static void
one_file(void **state)
{
    struct fixture *fixture = *state;
    struct policy_set *set;

    write_file(fixture, "c.txt",
               "version: one\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09:00-17:00\"]}}}\n");
    set = load(fixture, path_of(fixture, "c.txt")); /* a file that is named may be called anything */
    assert_non_null(set);
    assert_int_equal(policy_set_count(set), 1);
    assert_true(slice_is(policy_set_version(set, 0)->file, path_of(fixture, "c.txt")));
    policy_set_free(set);
    assert_int_equal(fixture->errors.bytes, 0);
}

static void
a_directory(void **state)
{
    struct fixture *fixture = *state;
    struct policy_set *set;

    write_file(fixture, "a.yaml", "{version: later, from: 2027-01-01T00:00:00Z}");
    write_file(fixture, "b.yml", "{version: early}");
    write_file(fixture, "c.txt", "ignored: [");
    write_file(fixture, ".d.yaml", "ignored: [");
    set = load(fixture, fixture->directory);
    assert_non_null(set);
    assert_int_equal(policy_set_count(set), 2);
    assert_true(slice_is(policy_set_version(set, 0)->version, "early"));
    policy_set_free(set);
}

static void
every_bad_file_is_named(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(path_of(fixture, "dir.yaml"), 0700), 0);
    write_file(fixture, "a.yaml", "version: a\nx: 1\ny: 2\n");
    write_file(fixture, "b.yml", "- b\n");
    assert_null(load(fixture, fixture->directory));
    assert_errors(
        fixture,
        "@/a.yaml:2:1: unknown key \"x\" in a policy, expected one of: version, from, calendars, statuses, "
        "groups, "
        "agreements, experience, contracts, foresight, unknown_status, reopen_window, courtesy_window, flip_window, "
        "merge, apply_to_running [unknown_key]\n"
        "@/b.yml:1:1: found a list, expected a mapping (a policy) [wrong_type]\n"
        "@/dir.yaml:1:1: cannot be read as a policy: Is a directory [unreadable]\n");
}

static void
versions_that_clash(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "a.yaml", "{version: a}");
    write_file(fixture, "b.yml", "{version: b}");
    assert_null(load(fixture, fixture->directory));
    assert_errors(
        fixture,
        "@/b.yml:1:1: version \"b\" has the same `from` as \"a.yaml\" (version \"a\") [from_twice]\n");
}

static void
nothing_to_read(void **state)
{
    struct fixture *fixture = *state;

    assert_null(load(fixture, fixture->directory));
    assert_errors(
        fixture,
        "@:1:1: cannot be read as a policy: the directory has no file named *.yaml or *.yml [unreadable]\n");
    assert_null(load(fixture, path_of(fixture, "missing.yaml")));
    assert_errors(fixture,
                  "@/missing.yaml:1:1: cannot be read as a policy: No such file or directory [unreadable]\n");
    assert_null(load(fixture, "/dev/null"));
    buffer_append_byte(&fixture->errors, '\0');
    assert_string_equal(fixture->errors.at,
                        "/dev/null:1:1: cannot be read as a policy: Invalid argument [unreadable]\n");
}

static void
too_much_to_read(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "big.yaml", "version: big\n");
    assert_int_equal(truncate(path_of(fixture, "big.yaml"), (off_t)100 * (off_t)YAML_BYTES_MAX), 0);
    assert_null(load(fixture, fixture->path));
    assert_errors(fixture, "@/big.yaml:1:1: found 4194305 bytes, expected at most 4194304 [too_large]\n");
}

static void
where_zones_are(void **state)
{
    (void)state;
    (void)setenv("SLAD_ZONEINFO", "/somewhere", 1);
    assert_string_equal(policy_files_zoneinfo_default(), "/somewhere");
    (void)setenv("SLAD_ZONEINFO", "", 1);
    assert_string_equal(policy_files_zoneinfo_default(), "/usr/share/zoneinfo");
    (void)unsetenv("SLAD_ZONEINFO");
    assert_string_equal(policy_files_zoneinfo_default(), "/usr/share/zoneinfo");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_bad_file_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_that_clash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_much_to_read, set_up, tear_down),
        cmocka_unit_test(where_zones_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
