/* One reader for audit and report: what a line holds, which offset, and where it is said to stand. */
#include "../support/unit.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
/* Parts of a program, not of a library. */
#include "../../src/slactl/lines.c"
#include "../../src/slactl/outcome_lines.c"

struct heard {
    struct buffer text; /* "place offset record\n" of each */
    size_t count, bytes_max;
};

static void
hear(void *context, const struct outcome_line *line)
{
    struct heard *heard = context;

    heard->count++;
    if (line->text.bytes > heard->bytes_max)
        heard->bytes_max = line->text.bytes;
    if (line->text.bytes > 100)
        return;
    outcome_lines_place(line, &heard->text);
    buffer_append_byte(&heard->text, ' ');
    buffer_append_int64(&heard->text, line->offset);
    buffer_append_byte(&heard->text, ' ');
    buffer_append_slice(&heard->text, line->text);
    buffer_append_byte(&heard->text, '\n');
}

/* A file of this name in the working directory that holds the text. */
static void
place(const char *name, struct slice text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.bytes, file), text.bytes);
    assert_int_equal(fclose(file), 0);
}

static void
test_unwrap(void **state)
{
    static const struct {
        const char *line, *record;
        int64_t offset;
    } cases[] = {
        {"{\"offset\":0,\"value\":{\"type\":\"x\"}}", "{\"type\":\"x\"}", 0},
        {"{\"offset\":41,\"value\":{}}", "{}", 41},
        {"{\"offset\":123456789012345678,\"value\":{}}", "{}", 123456789012345678},
        {"{\"type\":\"x\"}", "{\"type\":\"x\"}", -1},
        /* not what a reader of the topic writes: left as it is, so that it is told as unreadable */
        {"{\"offset\":,\"value\":{\"a\":1}}", "{\"offset\":,\"value\":{\"a\":1}}", -1},
        {"{\"offset\":-4,\"value\":{\"a\":1}}", "{\"offset\":-4,\"value\":{\"a\":1}}", -1},
        {"{\"offset\":1234567890123456789,\"value\":{}}", "{\"offset\":1234567890123456789,\"value\":{}}",
         -1},
        {"{\"offset\":4,\"key\":\"k\",\"value\":{}}", "{\"offset\":4,\"key\":\"k\",\"value\":{}}", -1},
        {"{\"offset\":4444444444444444", "{\"offset\":4444444444444444", -1},
        {"{\"offset\":4,\"val", "{\"offset\":4,\"val", -1},
        {"", "", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t offset = 77;
        struct slice record = outcome_lines_unwrap(slice_of(cases[i].line), &offset);

        assert_true(slice_is(record, cases[i].record));
        assert_int_equal(offset, cases[i].offset);
    }
}

static void
test_file(void **state)
{
    const struct reach files = {0};
    char first[] = "outcome-lines-1.ndjson", second[] = "outcome-lines-2.ndjson", none[] = "outcome-lines-0";
    char *paths[] = {first, none, second};
    struct heard heard = {{0}, 0, 0};
    const struct outcome_taker taker = {hear, &heard};

    (void)state;
    place(first, slice_of("{\"a\":1}\r\n\n\r\n{\"offset\":7,\"value\":{\"b\":2}}\n"));
    place(second, slice_of("{\"offset\":9,\"value\":{\"c\":3}}"));
    errno = 0;
    assert_int_equal(outcome_lines_read_file(none, &taker), -1);
    assert_int_equal(errno, ENOENT);
    /* one that is not there does not keep the others from being read */
    assert_int_equal(outcome_lines_read("test", &files, 3, paths, &taker), -1);
    assert_int_equal(heard.count, 3);
    buffer_append_byte(&heard.text, '\0');
    assert_string_equal(heard.text.at, "outcome-lines-1.ndjson:1 -1 {\"a\":1}\n"
                                       "outcome-lines-1.ndjson:4 7 {\"b\":2}\n"
                                       "outcome-lines-2.ndjson:1 9 {\"c\":3}\n");
    buffer_free(&heard.text);
    assert_int_equal(unlink(first), 0);
    assert_int_equal(unlink(second), 0);
}

/* It comes cut, once, and the next line is whole. */
static void
test_long_line(void **state)
{
    static const char path[] = "outcome-lines-long.ndjson";
    struct heard heard = {{0}, 0, 0};
    const struct outcome_taker taker = {hear, &heard};
    struct buffer text = {0};

    (void)state;
    for (size_t i = 0; i < 3 * (size_t)OUTCOME_LINE_BYTES_MAX; i++)
        buffer_append_byte(&text, 'x');
    buffer_append_text(&text, "\n{\"a\":1}\n");
    place(path, buffer_slice(&text));
    assert_int_equal(outcome_lines_read_file(path, &taker), 0);
    assert_int_equal(heard.count, 2);
    assert_true(heard.bytes_max > OUTCOME_LINE_BYTES_MAX && heard.bytes_max < 3 * OUTCOME_LINE_BYTES_MAX);
    buffer_append_byte(&heard.text, '\0');
    assert_string_equal(heard.text.at, "outcome-lines-long.ndjson:2 -1 {\"a\":1}\n");
    buffer_free(&heard.text);
    buffer_free(&text);
    assert_int_equal(unlink(path), 0);
}

static void
test_place(void **state)
{
    const struct outcome_line lines[] = {{.source = NULL, .number = 12},
                                         {.source = "t.outcomes", .number = 0}};
    struct buffer out = {0};

    (void)state;
    outcome_lines_place(&lines[0], &out);
    buffer_append_byte(&out, ' ');
    outcome_lines_place(&lines[1], &out);
    buffer_append_byte(&out, '\0');
    assert_string_equal(out.at, "line 12 t.outcomes:0");
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unwrap), cmocka_unit_test(test_file),
                                       cmocka_unit_test(test_long_line), cmocka_unit_test(test_place)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
