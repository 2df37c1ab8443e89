/* What becomes of the versions on disk beside those a task holds. */
#include "../support/unit.h"
#include "base/symbols.h"
#include "shell/policy_book.h"
#include "wire/policy_yaml.h"
#include <stdio.h>

struct desk {
    struct symbols *symbols;
    struct policy_book *book;
    const char *zone; /* the file of every zone: any sound one */
    struct buffer ids, lines;
};

/* The smallest TZif there is: UTC, with so many seconds of offset. */
static int
read_zone(void *context, struct slice name, struct buffer *out)
{
    static const char counts[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    const struct desk *desk = context;

    (void)name;
    for (int i = 0; i < 2; i++) {
        buffer_append(out, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
        buffer_append(out, counts, 24);
        buffer_append(out, "\0\0\0\0\0\0UTC\0", 10);
    }
    buffer_append_text(out, "\n");
    buffer_append_text(out, desk->zone);
    buffer_append_text(out, "\n");
    return 0;
}

static struct policy *
policy_of(struct desk *desk, const char *version, const char *from, const char *target)
{
    const struct policy_zone_reader reader = {desk, read_zone};
    struct policy_error error;
    struct policy *policy;
    char text[512];

    snprintf(
        text, sizeof text,
        "version: \"%s\"\nfrom: %s\ncalendars: {c: {time_zone: Etc/UTC, week: {daily: [\"00:00-24:00\"]}}}\n"
        "statuses: {New: {state: open}}\n"
        "agreements: [{name: a, kind: sla, calendar: c, clocks: {r: {measure: resolution, target: %s}}}]\n",
        version, from, target);
    policy = policy_yaml_load(slice_of(text), slice_of("p"), &reader, desk->symbols, &error);
    if (policy == NULL) {
        struct buffer why = {0};

        policy_error_format(&error, &why);
        printf("%.*s\n", (int)why.bytes, why.at);
    }
    assert_non_null(policy);
    return policy;
}

/* The first of "1", from 2026, 2h; the second of "2", from 2027. */
static struct policy *
first(struct desk *desk)
{
    return policy_of(desk, "1", "2026-01-01T00:00:00Z", "2h");
}

static struct policy *
second(struct desk *desk)
{
    return policy_of(desk, "2", "2027-01-01T00:00:00Z", "3h");
}

static void
put_on_disk(struct desk *desk, struct policy *a, struct policy *b)
{
    struct policy *policies[] = {a, b};

    policy_book_set_disk(desk->book, policy_set_new(policies, b != NULL ? 2 : 1, desk->symbols));
}

/* What is on disk now, as what a task held. */
static struct buffer
held_of_disk(struct desk *desk)
{
    struct buffer held = {0};

    buffer_append_slice(&held, policy_book_disk(desk->book));
    return held;
}

static void
desk_open(struct desk *desk)
{
    *desk = (struct desk){.symbols = symbols_new(), .zone = "UTC0"};
    desk->book = policy_book_new(desk->symbols);
}

static void
desk_close(struct desk *desk, struct buffer *held)
{
    buffer_free(held);
    buffer_free(&desk->ids);
    buffer_free(&desk->lines);
    policy_book_free(desk->book);
    symbols_free(desk->symbols);
}

static bool
join(struct desk *desk, const struct buffer *held)
{
    buffer_reset(&desk->ids);
    buffer_reset(&desk->lines);
    return policy_book_join(desk->book, buffer_slice(held), &desk->ids, &desk->lines);
}

static bool
says(struct desk *desk, const struct buffer *held, const char *words)
{
    buffer_reset(&desk->lines);
    policy_book_differences(desk->book, buffer_slice(held), &desk->lines);
    buffer_append_byte(&desk->lines, '\0');
    return words[0] == '\0' ? desk->lines.bytes == 1 : strstr(desk->lines.at, words) != NULL;
}

static void
test_a_new_version_joins(void **state)
{
    struct desk desk;
    struct buffer held;

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, first(&desk), NULL);
    held = held_of_disk(&desk);
    put_on_disk(&desk, first(&desk), second(&desk));
    assert_true(join(&desk, &held));
    assert_int_equal(policy_ids_count(buffer_slice(&desk.ids)), 2);
    assert_true(slice_equal(buffer_slice(&desk.ids), policy_book_disk(desk.book)));
    assert_true(says(&desk, &held, ""));
    desk_close(&desk, &held);
}

static void
test_a_version_that_went_from_disk_stays(void **state)
{
    struct desk desk;
    struct buffer held;

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, first(&desk), second(&desk));
    held = held_of_disk(&desk);
    put_on_disk(&desk, first(&desk), NULL);
    assert_true(join(&desk, &held));
    assert_true(slice_equal(buffer_slice(&desk.ids), buffer_slice(&held)));
    assert_true(says(&desk, &held, "policy 2@"));
    assert_true(says(&desk, &held, "not on disk"));
    assert_false(says(&desk, &held, "policy 1@"));
    desk_close(&desk, &held);
}

static void
test_another_text_of_the_name_is_refused(void **state)
{
    struct desk desk;
    struct buffer held;

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, first(&desk), NULL);
    held = held_of_disk(&desk);
    put_on_disk(&desk, policy_of(&desk, "1", "2026-01-01T00:00:00Z", "9h"), second(&desk));
    assert_false(join(&desk, &held)); /* and the second one is not taken either */
    assert_true(slice_equal(buffer_slice(&desk.ids), buffer_slice(&held)));
    assert_true(desk.lines.bytes > 0);
    assert_true(says(&desk, &held, "has the name of 1@"));
    assert_false(says(&desk, &held, "not on disk"));
    desk_close(&desk, &held);
}

static void
test_another_name_of_the_same_instant_is_refused(void **state)
{
    struct desk desk;
    struct buffer held;

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, first(&desk), NULL);
    held = held_of_disk(&desk);
    put_on_disk(&desk, policy_of(&desk, "1b", "2026-01-01T00:00:00Z", "2h"), NULL);
    assert_false(join(&desk, &held));
    assert_true(says(&desk, &held, "has the `from` of 1@"));
    assert_true(says(&desk, &held, "not on disk"));
    desk_close(&desk, &held);
}

static void
test_newer_zones_replace(void **state)
{
    struct desk desk;
    struct buffer held;

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, first(&desk), NULL);
    held = held_of_disk(&desk);
    desk.zone = "UTC-1";
    put_on_disk(&desk, first(&desk), NULL);
    assert_false(slice_equal(policy_book_disk(desk.book), buffer_slice(&held)));
    assert_true(join(&desk, &held));
    assert_true(slice_equal(buffer_slice(&desk.ids), policy_book_disk(desk.book)));
    assert_true(says(&desk, &held, ""));
    desk_close(&desk, &held);
}

static void
test_sets_are_shared_and_made_from_what_was_kept(void **state)
{
    struct desk desk, other;
    const struct policy_set *a, *b;
    struct buffer held, error = {0};

    (void)state;
    desk_open(&desk);
    desk_open(&other);
    put_on_disk(&desk, first(&desk), second(&desk));
    put_on_disk(&other, first(&other), NULL);
    held = held_of_disk(&desk);
    for (size_t i = 0; i < 2; i++) {
        struct slice id = policy_ids_get(buffer_slice(&held), i);

        assert_int_equal(policy_book_learn(other.book, id, policy_book_source(desk.book, id), &error), 0);
    }
    assert_int_equal(policy_book_learn(other.book, slice_of("0123456789abcdef"),
                                       policy_book_source(desk.book, policy_ids_get(buffer_slice(&held), 0)),
                                       &error),
                     -1);
    a = policy_book_hold(other.book, buffer_slice(&held));
    b = policy_book_hold(other.book, buffer_slice(&held));
    assert_ptr_equal(a, b);
    assert_int_equal(policy_set_count(a), 2);
    assert_true(slice_is(policy_set_version(a, 1)->version, "2"));
    policy_book_release(other.book, a);
    policy_book_release(other.book, b);
    buffer_free(&error);
    desk_close(&desk, &held);
    desk_close(&other, &error);
}

/* What is over goes first, the oldest before the others; what is in force or yet to come never does. */
static void
test_so_many_and_no_more(void **state)
{
    const int64_t now_ms = INT64_C(1798761600000) + 5; /* 2027 has begun */
    struct desk desk;
    struct buffer held, more = {0};

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, first(&desk), second(&desk));
    held = held_of_disk(&desk);
    put_on_disk(&desk, policy_of(&desk, "0", "2025-01-01T00:00:00Z", "1h"),
                policy_of(&desk, "3", "2028-01-01T00:00:00Z", "4h"));
    assert_true(join(&desk, &held));
    assert_int_equal(policy_ids_count(buffer_slice(&desk.ids)), 4);
    assert_true(policy_book_keep_newest(desk.book, 4, now_ms, &desk.ids));
    assert_int_equal(policy_ids_count(buffer_slice(&desk.ids)), 4);
    assert_true(policy_book_keep_newest(desk.book, 2, now_ms, &desk.ids));
    assert_int_equal(policy_ids_count(buffer_slice(&desk.ids)), 2);
    for (size_t i = 0; i < 2; i++) {
        char version = policy_book_version(desk.book, policy_ids_get(buffer_slice(&desk.ids), i)).at[0];

        assert_true(version == '2' || version == '3');
    }
    buffer_append_slice(&more, buffer_slice(&desk.ids));
    assert_false(policy_book_keep_newest(desk.book, 1, now_ms, &desk.ids));
    assert_true(slice_equal(buffer_slice(&desk.ids), buffer_slice(&more)));
    buffer_free(&more);
    desk_close(&desk, &held);
}

static bool
leaves(struct desk *desk, const struct buffer *held, int64_t oldest_ms, const char *versions)
{
    bool any;

    buffer_reset(&desk->ids);
    buffer_append_slice(&desk->ids, buffer_slice(held));
    any = policy_book_leave_over(desk->book, oldest_ms, &desk->ids);
    assert_int_equal(any, desk->ids.bytes < held->bytes);
    if (policy_ids_count(buffer_slice(&desk->ids)) != strlen(versions))
        return false;
    for (size_t i = 0; i < strlen(versions); i++)
        if (strchr(versions,
                   policy_book_version(desk->book, policy_ids_get(buffer_slice(&desk->ids), i)).at[0]) ==
            NULL)
            return false;
    return true;
}

/* Versions of 2025, 2026, 2027 and 2028. What is on disk stays, and so does what came after it; the last that
 * has begun always does. */
static void
test_what_is_over_and_not_on_disk_is_left_out(void **state)
{
    const int64_t year_2026_ms = INT64_C(1767225600000), year_2027_ms = INT64_C(1798761600000),
                  year_2030_ms = INT64_C(1893456000000);
    struct desk desk;
    struct buffer held = {0};

    (void)state;
    desk_open(&desk);
    put_on_disk(&desk, policy_of(&desk, "0", "2025-01-01T00:00:00Z", "1h"), first(&desk));
    for (size_t i = 0; i < 2; i++)
        policy_ids_add(&held, policy_ids_get(policy_book_disk(desk.book), i));
    put_on_disk(&desk, second(&desk), policy_of(&desk, "3", "2028-01-01T00:00:00Z", "4h"));
    for (size_t i = 0; i < 2; i++)
        policy_ids_add(&held, policy_ids_get(policy_book_disk(desk.book), i));
    assert_true(leaves(&desk, &held, year_2026_ms - 1, "0123"));
    assert_true(leaves(&desk, &held, year_2026_ms, "123"));
    assert_true(leaves(&desk, &held, year_2027_ms - 1, "123"));
    assert_true(leaves(&desk, &held, year_2027_ms, "23"));
    assert_true(leaves(&desk, &held, year_2030_ms, "23")); /* on disk */
    put_on_disk(&desk, policy_of(&desk, "3", "2028-01-01T00:00:00Z", "4h"), NULL);
    assert_true(leaves(&desk, &held, year_2030_ms, "3"));
    put_on_disk(&desk, policy_of(&desk, "9", "2029-01-01T00:00:00Z", "4h"), NULL);
    assert_true(leaves(&desk, &held, year_2030_ms, "3")); /* in force for whoever holds it */
    put_on_disk(&desk, policy_of(&desk, "0", "2025-01-01T00:00:00Z", "1h"), NULL);
    assert_true(leaves(&desk, &held, year_2030_ms, "0123"));
    put_on_disk(&desk, policy_of(&desk, "3", "2028-01-01T00:00:00Z", "9h"), NULL); /* contradicts */
    assert_true(leaves(&desk, &held, year_2030_ms, "0123"));
    desk_close(&desk, &held);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_version_joins),
        cmocka_unit_test(test_a_version_that_went_from_disk_stays),
        cmocka_unit_test(test_another_text_of_the_name_is_refused),
        cmocka_unit_test(test_another_name_of_the_same_instant_is_refused),
        cmocka_unit_test(test_newer_zones_replace),
        cmocka_unit_test(test_sets_are_shared_and_made_from_what_was_kept),
        cmocka_unit_test(test_so_many_and_no_more),
        cmocka_unit_test(test_what_is_over_and_not_on_disk_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
