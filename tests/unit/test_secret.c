/* Secrets from files: lines, credentials, and what is refused without showing any of it. */
#include "../support/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
/* A part of a program, not of a library. */
#include "../../src/slactl/secret.c"

/* A file of this name in the working directory. */
static void
place(const char *name, const char *text, size_t bytes)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void
test_lines(void **state)
{
    static const char text[] = "# a comment\n\n  first \t\r\nsecond\n#third\n fourth";
    static const char *const wanted[] = {"first", "second", "fourth"};
    char error[SECRET_ERROR_BYTES];
    struct buffer read = {0};
    struct slice rest, line;
    size_t count = 0;

    (void)state;
    place("test_secret.txt", text, sizeof text - 1);
    assert_int_equal(secret_read("./test_secret.txt", &read, error), 0);
    for (rest = buffer_slice(&read); secret_next_line(&rest, &line); count++)
        assert_true(count < 3 && slice_is(line, wanted[count]));
    assert_int_equal(count, 3);
    secret_free(&read);
    secret_free(&read);
    unlink("test_secret.txt");
}

static void
test_refused(void **state)
{
    static char much[SECRET_BYTES_MAX + 1];
    char error[SECRET_ERROR_BYTES];
    struct buffer read = {0};

    (void)state;
    memset(much, 'x', sizeof much);
    place("test_secret.txt", much, sizeof much);
    assert_int_equal(secret_read("./test_secret.txt", &read, error), -1);
    assert_non_null(strstr(error, "too large"));
    assert_null(strstr(error, "xxx"));
    place("test_secret.txt", much, sizeof much - 1);
    assert_int_equal(secret_read("./test_secret.txt", &read, error), 0);
    secret_free(&read);
    place("test_secret.txt", "# nothing\n\n", 11);
    assert_int_equal(secret_read("./test_secret.txt", &read, error), -1);
    assert_non_null(strstr(error, "no line"));
    unlink("test_secret.txt");
    assert_int_equal(secret_read("./test_secret.txt", &read, error), -1);
    assert_non_null(strstr(error, "No such file"));
    assert_int_equal(secret_read("/", &read, error), -1);
    assert_null(read.at);
}

static void
test_credentials(void **state)
{
    char error[SECRET_ERROR_BYTES];
    struct buffer read = {0};

    (void)state;
    assert_int_equal(mkdir("test_secret.d", 0700), 0);
    place("test_secret.d/key", "of systemd\n", 11);
    place("test_secret.key", "here\n", 5);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "test_secret.d", 1), 0);
    assert_int_equal(secret_read("key", &read, error), 0);
    assert_true(slice_is(buffer_slice(&read), "of systemd\n"));
    secret_free(&read);
    assert_int_equal(secret_read("test_secret.key", &read, error), -1);
    assert_int_equal(secret_read("./test_secret.key", &read, error), 0);
    secret_free(&read);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(secret_read("test_secret.key", &read, error), 0);
    secret_free(&read);
    unlink("test_secret.d/key");
    rmdir("test_secret.d");
    unlink("test_secret.key");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
