/* The YAML door: the tree, its places, its limits. What it refuses, word for word, is in test_policy_error.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/memory.h"
#include "wire/yaml_get.h"

static const struct yaml_node *
read_text(struct arena *arena, const char *text, struct policy_error *error)
{
    *error = (struct policy_error){0};
    return yaml_read(slice_of(text), arena, error);
}

static void
assert_place(const struct yaml_node *node, unsigned line, unsigned column)
{
    assert_non_null(node);
    assert_int_equal(node->line, line);
    assert_int_equal(node->column, column);
}

static void
places_and_styles(void **state)
{
    struct arena *arena = arena_new(1024);
    struct policy_error error;
    const struct yaml_node *root = read_text(arena,
                                             "# a comment\n"
                                             "plain: text\n"
                                             "äö: \"quo\\u0041ted\"\n"
                                             "list:\n"
                                             "  - 'one'\n"
                                             "  - {k: v, l: [1, 2]}\n"
                                             "block: |\n"
                                             "  lines\n"
                                             "empty:\n",
                                             &error);
    const struct yaml_node *list = yaml_find(root, "list");

    (void)state;
    assert_int_equal(root->type, YAML_MAPPING);
    assert_int_equal(root->children_count, 5);
    assert_place(root, 2, 1);
    assert_place(yaml_find(root, "plain"), 2, 8);
    assert_true(yaml_find(root, "plain")->plain);
    assert_place(yaml_find(root, "äö"), 3, 5); /* columns count characters */
    assert_false(yaml_find(root, "äö")->plain);
    assert_true(slice_is(yaml_find(root, "äö")->text, "quoAted"));
    assert_int_equal(list->type, YAML_SEQUENCE);
    assert_int_equal(list->key_line * 100 + list->key_column, 401);
    assert_place(list, 5, 3);
    assert_place(list->first, 5, 5);
    assert_null(list->first->key.at);
    assert_place(list->first->next, 6, 5);
    assert_place(yaml_find(list->first->next, "l")->first->next, 6, 19);
    assert_null(list->first->next->next);
    assert_true(slice_is(yaml_find(root, "block")->text, "lines\n"));
    assert_int_equal(yaml_find(root, "empty")->text.bytes, 0);
    assert_true(yaml_find(root, "empty")->plain);
    assert_null(yaml_find(root, "nothing"));
    assert_null(yaml_find(list, "nothing"));
    assert_null(yaml_find(NULL, "nothing"));
    arena_free(arena);
}

static void
keys_keep_their_order(void **state)
{
    struct arena *arena = arena_new(1024);
    struct buffer text = {0};
    struct policy_error error;
    const struct yaml_node *node;
    int i = 0;

    (void)state;
    for (int key = 0; key < 5000; key++) {
        char line[32];

        (void)snprintf(line, sizeof line, "k%d: %d\n", (key * 7919) % 5000, key);
        buffer_append_text(&text, line);
    }
    buffer_append_byte(&text, '\0');
    node = read_text(arena, text.at, &error);
    assert_int_equal(node->children_count, 5000);
    for (node = node->first; node != NULL; node = node->next, i++) {
        char key[32];

        (void)snprintf(key, sizeof key, "k%d", (i * 7919) % 5000);
        assert_true(slice_is(node->key, key));
    }
    text.bytes--;
    buffer_append_text(&text, "k77: 1\n"); /* found by the table, too */
    buffer_append_byte(&text, '\0');
    assert_null(read_text(arena, text.at, &error));
    assert_int_equal(error.code, POLICY_ERROR_DUPLICATE_KEY);
    assert_int_equal(error.line, 5001);
    buffer_free(&text);
    arena_free(arena);
}

static void
levels(void **state)
{
    struct arena *arena = arena_new(1024);
    struct policy_error error;
    char text[80];

    (void)state;
    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    text[66] = '\0';
    assert_null(read_text(arena, text, &error));
    assert_int_equal(error.code, POLICY_ERROR_NESTED_TOO_DEEP);
    assert_int_equal(error.column, 33);
    text[65] = '\0';
    assert_non_null(read_text(arena, text + 1, &error)); /* 32 open, 32 closed */
    arena_free(arena);
}

/* Keys of YAML 1.2's other types are refused, what only looks like one is a text. */
static void
keys_that_are_texts(void **state)
{
    static const char *const texts[] = {"on", "yes", "2026-12-24", "12-24",  "1h",       "-",
                                        "-a", ".",   "+",          "e5",     "1e",       "1.2.3",
                                        "0x", "0xg", "\"1\"",      "'true'", "nullable", "1_000"};
    static const char *const others[] = {"1",    "-1",   "+1",    "1.",   ".5", "1e5",  "-1.5E-7", "0x1F",
                                         "0o17", "true", "FALSE", "Null", "~",  ".inf", "-.INF",   ".NaN"};
    struct arena *arena = arena_new(1024);
    struct policy_error error;
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)snprintf(text, sizeof text, "? %s\n: v\n", texts[i]);
        if (strcmp(texts[i], "-") != 0 && read_text(arena, text, &error) == NULL)
            fail_msg("%s: %s", texts[i], error.message);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(text, sizeof text, "? %s\n: v\n", others[i]);
        assert_null(read_text(arena, text, &error));
        assert_string_equal(policy_error_code_text(error.code), "bad_key");
    }
    arena_free(arena);
}

/* ---- getters ---- */

static const struct yaml_node *
value(struct arena *arena, const char *text)
{
    struct policy_error error;
    char whole[128];

    (void)snprintf(whole, sizeof whole, "k: %s\n", text);
    return yaml_find(read_text(arena, whole, &error), "k");
}

static void
getters_take_nothing_for_nothing(void **state)
{
    static const char *const words[] = {"first", "second", NULL};
    struct policy_error error = {0};

    (void)state;
    assert_false(yaml_get_mapping(&error, NULL, "x") || yaml_get_list(&error, NULL, "x"));
    assert_false(yaml_get_record(&error, NULL, "x", words));
    assert_null(yaml_get_required(&error, NULL, "x"));
    assert_int_equal(yaml_get_text(&error, NULL, "x").bytes, 0);
    assert_false(yaml_get_boolean(&error, NULL));
    assert_int_equal(yaml_get_integer(&error, NULL, 1, 2), 0);
    assert_int_equal(yaml_get_duration_ms(&error, NULL), 0);
    assert_int_equal(yaml_get_share_bp(&error, NULL), 0);
    assert_int_equal(yaml_get_word(&error, NULL, "x", words), 0);
    assert_int_equal(error.code, POLICY_ERROR_NONE);
}

static void
values(void **state)
{
    static const char *const words[] = {"first", "second", NULL};
    struct arena *arena = arena_new(1024);
    struct policy_error error = {0};

    (void)state;
    assert_true(yaml_get_boolean(&error, value(arena, "true")) &&
                yaml_get_boolean(&error, value(arena, "yes")));
    assert_false(yaml_get_boolean(&error, value(arena, "false")) ||
                 yaml_get_boolean(&error, value(arena, "no")));
    assert_int_equal(yaml_get_integer(&error, value(arena, "-7"), -7, 0), -7);
    assert_int_equal(yaml_get_decimal(&error, value(arena, "-1.5"), 4, -20000, 0), -15000);
    assert_int_equal(yaml_get_duration_ms(&error, value(arena, "\"1h30m\"")), 5400000);
    assert_int_equal(yaml_get_share_bp(&error, value(arena, "12.5%")), 1250);
    assert_int_equal(yaml_get_instant_ms(&error, value(arena, "1970-01-01T01:00:00+01:00")), 0);
    assert_int_equal(yaml_get_word(&error, value(arena, "second"), "x", words), 1);
    assert_true(slice_is(yaml_get_text(&error, value(arena, "2026-01-01"), "x"), "2026-01-01"));
    assert_true(slice_is(yaml_get_text(&error, value(arena, "\"null\""), "x"), "null"));
    assert_int_equal(error.code, POLICY_ERROR_NONE);
    assert_int_equal(yaml_get_word(&error, value(arena, "thrid"), "x", words), 0);
    assert_int_equal(error.code, POLICY_ERROR_UNKNOWN_WORD);
    assert_int_equal(yaml_get_integer(&error, value(arena, "5"), 0, 9),
                     0); /* an error stands: nothing is read */
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_and_styles),
        cmocka_unit_test(keys_keep_their_order),
        cmocka_unit_test(levels),
        cmocka_unit_test(keys_that_are_texts),
        cmocka_unit_test(getters_take_nothing_for_nothing),
        cmocka_unit_test(values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
