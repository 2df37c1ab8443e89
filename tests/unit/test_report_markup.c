/* The report's pieces: what strangers write stays text, figures as people read them, pictures within their
 * frame. */
#include "../support/unit.h"
#include <stdio.h>
/* Parts of a program, not of a library. */
#include "../../src/slactl/report_chart.c"
#include "../../src/slactl/report_markup.c"

#define MINUS "\xE2\x88\x92"

static void
check(struct buffer *out, const char *expected)
{
    buffer_append_byte(out, '\0');
    assert_string_equal(out->at, expected);
    buffer_reset(out);
}

static void
test_escape(void **state)
{
    struct buffer out = {0};

    (void)state;
    report_markup_text(&out, slice_of("<script>'a' & \"b\"</script>"));
    check(&out, "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;&lt;/script&gt;");
    report_markup_plain(&out, slice_of("<b onload='x'>abcdefghijklmnopqrstuvwxyz"));
    check(&out, "&lt;b onload=&#39;x&#39;&gt;abcdefghijklmnopqrstuvwxyz");
    report_markup_plain(&out, (struct slice){"a\0b\n\x7F", 5});
    check(&out, "a" REPLACEMENT "b" REPLACEMENT REPLACEMENT);
    report_markup_plain(
        &out, slice_of("x\xE2\x80\xAEy\xE2\x81\xA6z\xE2\x80\x8Fw\xE2\x82\xAC")); /* the last is the Euro */
    check(&out, "x" REPLACEMENT "y" REPLACEMENT "z" REPLACEMENT "w\xE2\x82\xAC");
    report_markup_plain(&out, (struct slice){NULL, 0});
    check(&out, "");
    report_markup_text(
        &out, slice_of("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
                       "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"));
    assert_int_equal(out.bytes, 19 * 2 + 5); /* broken between characters, behind 18 of them */
    assert_memory_equal(out.at + 36, "<wbr>\xC3\xA4", 7);
    buffer_free(&out);
}

static void
test_link(void **state)
{
    struct buffer out = {0};

    (void)state;
    report_markup_ticket(&out, "https://desk.example/t/{ticket}?a=1&b={ticket}",
                         slice_of("INC 1\"/<\xC3\xA4"));
    check(&out,
          "<a href=\"https://desk.example/t/INC%201%22%2F%3C%C3%A4?a=1&amp;b=INC%201%22%2F%3C%C3%A4\">INC "
          "1&quot;/&lt;\xC3\xA4</a>");
    report_markup_ticket(&out, NULL, slice_of("<i>"));
    check(&out, "&lt;i&gt;");
    assert_true(report_markup_is_template("http://d/{ticket}"));
    assert_false(report_markup_is_template("javascript:alert('{ticket}')"));
    assert_false(report_markup_is_template("https://d/ticket"));
    assert_false(report_markup_is_template("https://d/{ticket}\" onclick=\"x"));
    assert_false(report_markup_is_template("https://d/{ticket}\xC3\xA4"));
    buffer_free(&out);
}

static void
test_figures(void **state)
{
    struct buffer out = {0};

    (void)state;
    report_markup_share_of(&out, 9999, 10000);
    check(&out, "99.9&nbsp;%"); /* nobody reaches a target by rounding */
    report_markup_share(&out, 0.95);
    check(&out, "95.0&nbsp;%");
    report_markup_share(&out, 0.949999);
    check(&out, "94.9&nbsp;%");
    for (int i = 0; i <= 1000; i++) { /* every tenth is itself, whatever the double says */
        char text[32];

        snprintf(text, sizeof text, "%d.%d&nbsp;%%", i / 10, i % 10);
        report_markup_share(&out, (double)i / 1000.0);
        check(&out, text);
    }
    report_markup_points(&out, 12.25), buffer_append_byte(&out, ' ');
    report_markup_points(&out, -0.04), buffer_append_byte(&out, ' ');
    report_markup_points(&out, -30.6122), buffer_append_byte(&out, ' ');
    report_markup_decimal(&out, 3.25);
    check(&out, "+12.3 0.0 " MINUS "30.6 3.3");
    report_markup_bp(&out, 9500), report_markup_bp(&out, 9950), report_markup_bp(&out, 9995),
        report_markup_bp(&out, 9905);
    check(&out, "95&nbsp;%99.5&nbsp;%99.95&nbsp;%99.05&nbsp;%");
    report_markup_money(&out, 4000000, slice_of("EUR"));
    check(&out, "40,000.00&nbsp;EUR");
    report_markup_money(&out, 100000005, slice_of("EUR"));
    check(&out, "1,000,000.05&nbsp;EUR");
    buffer_free(&out);
}

static void
test_lengths(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0&nbsp;min"},
                {40999, "40&nbsp;s"},
                {59 * MINUTE_MS + 59999, "59&nbsp;min"},
                {HOUR_MS, "1&nbsp;h"},
                {5 * HOUR_MS + 30 * MINUTE_MS + 59999, "5&nbsp;h 30&nbsp;min"},
                {DAY_MS, "1&nbsp;d"},
                {9 * DAY_MS + 4 * HOUR_MS + 59 * MINUTE_MS, "9&nbsp;d 4&nbsp;h"},
                {-HOUR_MS, MINUS "1&nbsp;h"}};
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        report_markup_length(&out, rows[i].ms);
        check(&out, rows[i].text);
    }
    report_markup_instant(&out, NULL, 1795348800000);
    check(&out, "<time>2026-11-22 12:00</time>");
    buffer_free(&out);
}

static void
test_bars(void **state)
{
    int64_t wall_ms[PARTIES_COUNT] = {[PARTY_PROVIDER] = 3, [PARTY_CUSTOMER] = 1};
    struct buffer out = {0};

    (void)state;
    report_chart_share(&out, 1, 2, 9500);
    check(&out,
          "<svg width=\"90\" height=\"14\" viewBox=\"0 0 90 14\" class=\"share\" aria-hidden=\"true\"><rect "
          "class=\"empty\" x=\"0.5\" y=\"2.5\" width=\"89\" height=\"9\"/><rect class=\"full\" x=\"0.5\" "
          "y=\"2.5\" width=\"44.5\" height=\"9\"/><line class=\"mark\" x1=\"85.0\" y1=\"0.0\" x2=\"85.0\" "
          "y2=\"14.0\"/></svg>");
    report_chart_parties(&out, wall_ms, 4, 101);
    check(
        &out,
        "<svg width=\"101\" height=\"12\" viewBox=\"0 0 101 12\" class=\"parties\" "
        "aria-hidden=\"true\"><rect "
        "class=\"part\" fill=\"url(#p-provider)\" y=\"0.5\" height=\"10\" x=\"0.5\" width=\"75.0\"/><rect "
        "class=\"part\" fill=\"url(#p-customer)\" y=\"0.5\" height=\"10\" x=\"75.5\" width=\"25.0\"/></svg>");
    report_chart_parties(&out, (const int64_t[PARTIES_COUNT]){0}, 0, 101); /* nothing is no division */
    check(&out, "<svg width=\"101\" height=\"12\" viewBox=\"0 0 101 12\" class=\"parties\" "
                "aria-hidden=\"true\"></svg>");
    buffer_free(&out);
}

static void
test_trend(void **state)
{
    const struct report_chart_point points[] = {{"2026-09", true, 0.5, true, 0.25, 0.75, false, 0},
                                                {"2026-10", false, 0, false, 0, 0, false, 0},
                                                {"2026-11", true, 7, true, -7, 7, true, 0.5}};
    const struct report_chart chart = {"PX", 0, 1, "0 %", "100 %", true, 0.8, points, 3};
    struct buffer out = {0};

    (void)state;
    report_chart_trend(&out, &chart);
    buffer_append_byte(&out, '\0');
    assert_non_null(strstr(out.at, "<title>PX</title>"));
    assert_non_null(strstr(out.at, "class=\"whisker\" x1=\"63.6\" y1=\"73.5\" x2=\"63.6\" y2=\"36.5\""));
    assert_non_null(strstr(out.at, "class=\"point\" r=\"3\" cx=\"63.6\" cy=\"55.0\""));
    assert_non_null(strstr(out.at, ">?</text>"));                /* too few says so */
    assert_non_null(strstr(out.at, "cx=\"182.3\" cy=\"18.0\"")); /* beyond the axis: at its edge */
    assert_non_null(strstr(out.at, "x1=\"182.3\" y1=\"92.0\" x2=\"182.3\" y2=\"18.0\""));
    assert_non_null(strstr(out.at, "class=\"hollow\""));
    assert_null(strstr(out.at, "class=\"joint\"")); /* no line over a month that is not known */
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_escape),  cmocka_unit_test(test_link),
                                       cmocka_unit_test(test_figures), cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_bars),    cmocka_unit_test(test_trend)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
