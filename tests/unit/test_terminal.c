/* What strangers' text becomes on a terminal, and tables in columns. */
#include "../support/unit.h"
/* Parts of a program, not of a library. */
#include "../../src/slactl/table.c"
#include "../../src/slactl/terminal.c"

static void
assert_shown(const char *text, size_t bytes, const char *expected)
{
    struct buffer out = {0};

    terminal_append(&out, (struct slice){text, bytes});
    buffer_append_byte(&out, '\0');
    assert_string_equal(out.at, expected);
    buffer_free(&out);
}
#define SHOWN(text, expected) assert_shown(text, sizeof text - 1, expected)

static void
test_what_steers_is_escaped(void **state)
{
    (void)state;
    SHOWN("INC001", "INC001");
    SHOWN("\x1b[2J", "\\u001b[2J");
    SHOWN("a\nb\tc\x7f", "a\\u000ab\\u0009c\\u007f");
    SHOWN("a\0b", "a\\u0000b");
    SHOWN("\xc2\x9b"
          "1m",
          "\\u009b1m"); /* CSI as one C1 character */
    SHOWN("\xe2\x80\xae"
          "abc",
          "\\u202eabc");                             /* right-to-left override */
    SHOWN("\xe2\x81\xa6\xd8\x9c", "\\u2066\\u061c"); /* isolate, Arabic letter mark */
    SHOWN("\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "\\u200b\\ufeff\\u00ad");
    SHOWN("\xf3\xa0\x81\x81", "\\udb40\\udc41"); /* a tag character, as a pair */
    SHOWN("\xe2\x80\xa8", "\\u2028");
}

static void
test_what_is_no_utf8_is_escaped(void **state)
{
    (void)state;
    SHOWN("\xff\xfe", "\\xff\\xfe");
    SHOWN("\xc0\x80", "\\xc0\\x80");                   /* overlong */
    SHOWN("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    SHOWN("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond the last one */
    SHOWN("\xe2\x82", "\\xe2\\x82");                   /* cut off */
    SHOWN("b\xc3\xb6se \xe6\x9d\xb1\xe4\xba\xac", "b\xc3\xb6se \xe6\x9d\xb1\xe4\xba\xac");
}

static size_t
columns(const char *text)
{
    return terminal_columns(slice_of(text));
}

static void
test_widths_are_the_terminals(void **state)
{
    (void)state;
    assert_int_equal(columns("abc"), 3);
    assert_int_equal(columns("b\xc3\xb6se"), 4);
    assert_int_equal(columns("\xe6\x9d\xb1\xe4\xba\xac"), 4); /* two wide ones */
    assert_int_equal(columns("e\xcc\x81"), 1);                /* a combining accent */
}

static void
assert_cut(const char *text, size_t width, const char *expected)
{
    struct buffer out = {0};

    terminal_append_cut(&out, slice_of(text), width);
    buffer_append_byte(&out, '\0');
    assert_string_equal(out.at, expected);
    assert_true(columns(expected) <= width);
    buffer_free(&out);
}

static void
test_cut_texts_fit(void **state)
{
    (void)state;
    assert_cut("abcdef", 6, "abcdef");
    assert_cut("abcdef", 5, "abcd\xe2\x80\xa6");
    assert_cut("\xe6\x9d\xb1\xe4\xba\xac!", 4, "\xe6\x9d\xb1\xe2\x80\xa6");
    assert_cut("\x1b[31m", 5, "\xe2\x80\xa6"); /* an escape goes as a whole */
    assert_cut("abc", 0, "");
}

static char *
printed(const struct table *table, size_t rows_max)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    table_print(table, out, rows_max);
    fclose(out);
    return text;
}

static void
assert_table(const struct terminal *terminal, const char *expected)
{
    struct table table = {.terminal = terminal};
    char *text;

    table_heads(&table, "NAME", ">N", "=KEY", NULL);
    table_cell(&table, TERMINAL_PLAIN, slice_of("a rather long name"));
    table_cell(&table, TERMINAL_PLAIN, slice_of("7"));
    table_cell(&table, TERMINAL_RED, slice_of("key-that-is-never-cut"));
    table_cell(&table, TERMINAL_PLAIN, slice_of("\xe6\x9d\xb1"));
    table_cell(&table, TERMINAL_PLAIN, slice_of("12"));
    table_cell(&table, TERMINAL_PLAIN, slice_of("k"));
    assert_int_equal(table_rows_count(&table), 2);
    text = printed(&table, 0);
    assert_string_equal(text, expected);
    free(text);
    table_done(&table);
}

static void
test_tables_line_up(void **state)
{
    const struct terminal pipe = {.columns = SIZE_MAX}, narrow = {.is_terminal = true, .columns = 36};
    const struct terminal coloured = {.is_terminal = true, .colours = true, .columns = 80};
    struct table empty = {.terminal = &pipe};
    char *text;

    (void)state;
    assert_table(&pipe, "NAME                 N  KEY\n"
                        "a rather long name   7  key-that-is-never-cut\n"
                        "\xe6\x9d\xb1                  12  k\n");
    assert_table(&narrow, "NAME        N  KEY\n"
                          "a rather\xe2\x80\xa6   7  key-that-is-never-cut\n"
                          "\xe6\x9d\xb1         12  k\n");
    assert_table(&coloured, "\x1b[1mNAME\x1b[0m                 \x1b[1mN\x1b[0m  \x1b[1mKEY\x1b[0m\n"
                            "a rather long name   7  \x1b[1;31mkey-that-is-never-cut\x1b[0m\n"
                            "\xe6\x9d\xb1                  12  k\n");
    table_heads(&empty, "A", NULL);
    text = printed(&empty, 0);
    assert_string_equal(text, "");
    free(text);
    table_done(&empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_steers_is_escaped), cmocka_unit_test(test_what_is_no_utf8_is_escaped),
        cmocka_unit_test(test_widths_are_the_terminals), cmocka_unit_test(test_cut_texts_fit),
        cmocka_unit_test(test_tables_line_up)};

    terminal_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
