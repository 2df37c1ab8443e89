/* The JSON door: what RFC 8259 and the rulings refuse, and that what comes through is exact. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "wire/json.h"

static enum error_code
read_with(struct json *json, struct slice text, const struct cJSON **ret_object)
{
    char detail[JSON_DETAIL_BYTES] = "";
    enum error_code error = json_read(json, text, ret_object, detail);

    assert_true(error == ERROR_NONE || detail[0] != '\0');
    return error;
}

static enum error_code
read_text(struct slice text)
{
    struct json *json = json_new();
    /* A copy of just these bytes: a step beyond them is seen by the sanitizer. */
    char *copy = memory_copy(text.at, text.bytes);
    const struct cJSON *object;
    enum error_code error = read_with(json, (struct slice){copy, text.bytes}, &object);

    memory_free(copy);
    json_free(json);
    return error;
}

struct row {
    const char *text;
    enum error_code error;
};

static const struct row rows[] = {
    {"{}", ERROR_NONE},
    {" \t\r\n{ \"a\" : [ 1 , true , null , { } , [ ] , \"x\" ] } \r\n", ERROR_NONE},
    {"", ERROR_BAD_JSON},
    {"   ", ERROR_BAD_JSON},
    {"null", ERROR_BAD_JSON},
    {"[]", ERROR_BAD_JSON},
    {"\"a\"", ERROR_BAD_JSON},
    {"{", ERROR_BAD_JSON},
    {"{\"a\"", ERROR_BAD_JSON},
    {"{\"a\":", ERROR_BAD_JSON},
    {"{\"a\":1", ERROR_BAD_JSON},
    {"{\"a\":1,", ERROR_BAD_JSON},
    {"{\"a\":1,}", ERROR_BAD_JSON},
    {"{,}", ERROR_BAD_JSON},
    {"{\"a\" 1}", ERROR_BAD_JSON},
    {"{a:1}", ERROR_BAD_JSON},
    {"{'a':1}", ERROR_BAD_JSON},
    {"{\"a\":[1,]}", ERROR_BAD_JSON},
    {"{\"a\":[1 2]}", ERROR_BAD_JSON},
    {"{\"a\":[1}", ERROR_BAD_JSON},
    {"{\"a\":{\"b\":1]}", ERROR_BAD_JSON},
    {"{} {}", ERROR_BAD_JSON},
    {"{}x", ERROR_BAD_JSON},
    {"{}//", ERROR_BAD_JSON},
    {"{\"a\":tru}", ERROR_BAD_JSON},
    {"{\"a\":True}", ERROR_BAD_JSON},
    {"{\"a\":nul", ERROR_BAD_JSON},
    {"{\"a\":NaN}", ERROR_BAD_JSON},
    {"{\"a\":Infinity}", ERROR_BAD_JSON},
    {"{\"a\":-Infinity}", ERROR_BAD_JSON},
    /* numbers that cJSON takes */
    {"{\"a\":01}", ERROR_BAD_JSON},
    {"{\"a\":-01}", ERROR_BAD_JSON},
    {"{\"a\":+1}", ERROR_BAD_JSON},
    {"{\"a\":.5}", ERROR_BAD_JSON},
    {"{\"a\":1.}", ERROR_BAD_JSON},
    {"{\"a\":1.e2}", ERROR_BAD_JSON},
    {"{\"a\":1e}", ERROR_BAD_JSON},
    {"{\"a\":1e+}", ERROR_BAD_JSON},
    {"{\"a\":-}", ERROR_BAD_JSON},
    {"{\"a\":0x10}", ERROR_BAD_JSON},
    {"{\"a\":1-2}", ERROR_BAD_JSON},
    {"{\"a\":1.2.3}", ERROR_BAD_JSON},
    {"{\"a\":-0,\"b\":0.0e-7,\"c\":1E+5,\"d\":-12.5}", ERROR_NONE},
    {"{\"a\":1e999}", ERROR_NONE},
    /* 63 and 64 characters */
    {"{\"a\":123456789012345678901234567890123456789012345678901234567890123}", ERROR_NONE},
    {"{\"a\":1234567890123456789012345678901234567890123456789012345678901234}", ERROR_NUMBER_OUT_OF_RANGE},
    /* texts */
    {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\"}", ERROR_NONE},
    {"{\"a\":\"\\x41\"}", ERROR_BAD_JSON},
    {"{\"a\":\"\\u12\"}", ERROR_BAD_JSON},
    {"{\"a\":\"\\u12g4\"}", ERROR_BAD_JSON},
    {"{\"a\":\"\\", ERROR_BAD_JSON},
    {"{\"a\":\"\\u", ERROR_BAD_JSON},
    {"{\"a\":\"abcdefghijklmnop", ERROR_BAD_JSON},
    {"{\"a\":\"\x01\"}", ERROR_BAD_JSON},
    {"{\"a\":\"eight by\tte\"}", ERROR_BAD_JSON},
    {"{\"a\":\"line\nbreak\"}", ERROR_BAD_JSON},
    {"{\"a\":\"\\u0001\\u001f\x7f\"}", ERROR_NONE},
    {"{\"a\":\x01 1}", ERROR_BAD_JSON}, /* space to cJSON */
    {"{\"a\":1}\x0b", ERROR_BAD_JSON},
    {"{\"a\":1}\xc2\xa0", ERROR_BAD_JSON},
    {"\xef\xbb\xbf{}", ERROR_BAD_JSON},
    /* UTF-8 */
    {"{\"a\":\"\\u0000\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\\ud800\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\\ud800\\u0041\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\\ud800\\ud800\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\\udc00\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\\ud83d\\u", ERROR_BAD_UTF8},
    {"{\"\\ud800\":1}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xee\x80\x80\"}", ERROR_NONE},
    {"{\"a\":\"\x80\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xc0\x80\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xc1\xbf\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xe0\x9f\xbf\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xed\xa0\x80\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xf0\x8f\xbf\xbf\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xf4\x90\x80\x80\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xf5\x80\x80\x80\"}", ERROR_BAD_UTF8},
    {"{\"a\":\"\xc3", ERROR_BAD_UTF8},
    {"{\"a\":\"\xe2\x82", ERROR_BAD_UTF8},
    {"{\"a\":\"\xe2\x28\xa1\"}", ERROR_BAD_UTF8},
    {"\xff\xfe{\x00", ERROR_BAD_UTF8},
    {"{\"a\":1} and \xff", ERROR_BAD_UTF8}, /* not UTF-8 wins over what else is wrong */
    /* keys that stand twice */
    {"{\"a\":1,\"a\":1}", ERROR_DUPLICATE_KEY},
    {"{\"a\":1,\"b\":2,\"\\u0061\":3}", ERROR_DUPLICATE_KEY},
    {"{\"\":1,\"\":2}", ERROR_DUPLICATE_KEY},
    {"{\"x\":{\"a\":1,\"a\":2}}", ERROR_DUPLICATE_KEY},
    {"{\"x\":[{\"b\":0},{\"a\":1,\"b\":1,\"a\":2}]}", ERROR_DUPLICATE_KEY},
    {"{\"a\":{\"a\":{\"a\":1}},\"A\":2,\"b\":{\"a\":1}}", ERROR_NONE},
};

static void
test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum error_code error = read_text(slice_of(rows[i].text));

        if (error != rows[i].error)
            fail_msg("%s: %s, expected %s", rows[i].text, error_code_text(error),
                     error_code_text(rows[i].error));
    }
    assert_int_equal(read_text((struct slice){"{\"a\":\"\0\"}", 9}), ERROR_BAD_UTF8);
    assert_int_equal(read_text((struct slice){"{}\0", 3}), ERROR_BAD_UTF8);
}

/* No prefix of a sound text is one, and none is read beyond its end. */
static void
test_every_prefix(void **state)
{
    static const char text[] =
        "{\"key\":[1,-2.5e+3,\"\xc3\xa4\\u00e4\\ud83d\\ude00\",true,false,null,{\"long long key\":{}}]}";

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        assert_int_not_equal(read_text((struct slice){text, i}), ERROR_NONE);
    assert_int_equal(read_text((struct slice){text, sizeof text - 1}), ERROR_NONE);
}

/* Texts are read many bytes at a time: every byte at every place of a long one is judged as it would be
 * alone. */
static void
test_every_byte_at_every_place(void **state)
{
    enum { FIRST = 6, LENGTH = 45 };
    struct json *json = json_new();
    char text[64];

    (void)state;
    for (int place = 0; place < LENGTH; place++) {
        for (int byte = 0; byte < 256; byte++) {
            enum error_code expected = byte == 0 || byte >= 0x80                    ? ERROR_BAD_UTF8
                                       : byte < 0x20 || byte == '"' || byte == '\\' ? ERROR_BAD_JSON
                                                                                    : ERROR_NONE;
            const struct cJSON *object;

            memcpy(text, "{\"a\":\"", FIRST);
            memset(text + FIRST, 'x', LENGTH);
            memcpy(text + FIRST + LENGTH, "\"}", 2);
            text[FIRST + place] = (char)byte;
            if (byte == '\\')
                text[FIRST + place + 1] = place < LENGTH - 1 ? 'x' : '"'; /* no escape, or no end */
            assert_int_equal(read_with(json, (struct slice){text, FIRST + LENGTH + 2}, &object), expected);
            if (expected == ERROR_NONE)
                assert_int_equal(json_text(object->child).bytes, LENGTH);
        }
    }
    json_free(json);
}

static struct slice
nested(int levels, char *room)
{
    size_t bytes = 0;

    room[bytes++] = '{';
    for (int i = 1; i < levels; i++) {
        bool object = i % 2 == 0;

        if (i > 1 && !object)
            room[bytes++] = ' ';
        memcpy(room + bytes, "\"k\":", i == 1 || i % 2 == 1 ? 4 : 0);
        bytes += i == 1 || i % 2 == 1 ? 4 : 0;
        room[bytes++] = object ? '{' : '[';
    }
    for (int i = levels - 1; i >= 1; i--)
        room[bytes++] = i % 2 == 0 ? '}' : ']';
    room[bytes++] = '}';
    return (struct slice){room, bytes};
}

static void
test_nesting(void **state)
{
    char room[512];
    char *deep = memory_allocate(JSON_BYTES_MAX);

    (void)state;
    assert_int_equal(read_text(nested(31, room)), ERROR_NONE);
    assert_int_equal(read_text(nested(32, room)), ERROR_NONE);
    assert_int_equal(read_text(nested(33, room)), ERROR_NESTED_TOO_DEEP);
    memset(deep, '[', JSON_BYTES_MAX);
    memcpy(deep, "{\"a\":", 5);
    assert_int_equal(read_text((struct slice){deep, JSON_BYTES_MAX}), ERROR_NESTED_TOO_DEEP);
    memory_free(deep);
}

/* Exactly 262,144 bytes are taken (R13); a text of that size full of values or of keys too. */
static void
test_size(void **state)
{
    char *text = memory_allocate(JSON_BYTES_MAX + 1);
    size_t bytes = 0;

    (void)state;
    memset(text, ' ', JSON_BYTES_MAX + 1);
    memcpy(text, "{}", 2);
    assert_int_equal(read_text((struct slice){text, JSON_BYTES_MAX}), ERROR_NONE);
    assert_int_equal(read_text((struct slice){text, JSON_BYTES_MAX + 1}), ERROR_TOO_LARGE);

    memcpy(text, "{\"a\":[1", 7);
    for (bytes = 7; bytes + 4 <= JSON_BYTES_MAX; bytes += 2)
        memcpy(text + bytes, ",1", 2);
    memcpy(text + bytes, "]}", 2);
    assert_int_equal(read_text((struct slice){text, bytes + 2}), ERROR_NONE);

    bytes = 0;
    text[bytes++] = '{';
    for (unsigned i = 0; bytes + 20 < JSON_BYTES_MAX; i++)
        bytes += (size_t)sprintf(text + bytes, "%s\"%x\":0", i == 0 ? "" : ",", i);
    text[bytes] = '}';
    assert_int_equal(read_text((struct slice){text, bytes + 1}), ERROR_NONE);
    memcpy(text + bytes, ",\"7\":0}", 7); /* once more, at the far end */
    assert_int_equal(read_text((struct slice){text, bytes + 7}), ERROR_DUPLICATE_KEY);
    memory_free(text);
}

/* Every pair of keys of an object of 2 to 72 keys: equal ones are found, others are not. */
static void
test_duplicates_at_every_place(void **state)
{
    char text[1024];

    (void)state;
    for (int count = 2; count <= 72; count += 2) {
        for (int twice = 0; twice < count; twice++) {
            size_t bytes = (size_t)sprintf(text, "{");

            for (int i = 0; i < count; i++)
                bytes += (size_t)sprintf(text + bytes, "\"k%d\":%d,", i == count - 1 ? twice : i, i);
            text[bytes - 1] = '}';
            assert_int_equal(read_text((struct slice){text, bytes}),
                             twice == count - 1 ? ERROR_NONE : ERROR_DUPLICATE_KEY);
        }
    }
}

static const struct cJSON *
member_at(const struct cJSON *object, int place)
{
    const struct cJSON *member = object->child;

    while (place-- > 0)
        member = member->next;
    return member;
}

static void
test_integers_are_exact(void **state)
{
    static const char text[] =
        "{\"a\":9007199254740992,\"b\":-9007199254740992,\"c\":9007199254740993,"
        "\"d\":1.0,\"e\":1e3,\"f\":-0,\"g\":9007199254740991,\"h\":12345678901234567890123,\"i\":7}";
    static const int64_t values[] = {INT64_C(9007199254740992),
                                     INT64_C(-9007199254740992),
                                     -1,
                                     -1,
                                     -1,
                                     0,
                                     INT64_C(9007199254740991),
                                     -1,
                                     7};
    static const bool sound[] = {true, true, false, false, false, true, true, false, true};
    struct json *json = json_new();
    const struct cJSON *object;

    (void)state;
    assert_int_equal(read_with(json, slice_of(text), &object), ERROR_NONE);
    for (int i = 0; i < 9; i++) {
        int64_t value = 4711;

        assert_int_equal(json_integer(json, member_at(object, i), &value), sound[i] ? 0 : -1);
        assert_int_equal(value, sound[i] ? values[i] : 4711);
    }
    assert_true(slice_is(json_number(json, member_at(object, 3)), "1.0"));
    json_free(json);
}

static void
test_places_and_texts(void **state)
{
    static const char text[] = " {\"a\" : [ {\"b\":\"x\"}, 12 ],\"c\\u0000\":1}";
    static const char sound[] = " {\"a\" : [ {\"b\":\"x\\u0041\"}, 12 ], \"c\": \"\xc3\xa4\"}";
    char detail[JSON_DETAIL_BYTES];
    struct json *json = json_new();
    const struct cJSON *object, *list;

    (void)state;
    assert_int_equal(json_read(json, slice_of(text), &object, detail), ERROR_BAD_UTF8);
    assert_string_equal(detail, "\\u0000 at byte 28");
    assert_int_equal(json_read(json, slice_of(sound), &object, detail), ERROR_NONE);
    list = object->child;
    assert_int_equal(json_offset(json, object), 1);
    assert_int_equal(json_offset(json, list), 8);
    assert_int_equal(json_offset(json, list->child), 10);
    assert_int_equal(json_offset(json, list->child->child), 15);
    assert_int_equal(json_offset(json, list->child->next), strstr(sound, "12") - sound);
    assert_true(slice_is(json_text(list->child->child), "xA"));
    assert_true(slice_is(json_text(list->next), "\xc3\xa4"));
    assert_true(slice_is(json_key(list->next), "c"));
    assert_string_equal(json_kind_text(list), "list");
    assert_int_equal(json_read(json, slice_of("{\"k\x7f\":1,\"k\x7f\":1}"), &object, detail),
                     ERROR_DUPLICATE_KEY);
    assert_string_equal(detail, "k?: the key stands twice in one object");
    json_free(json);
}

/* A big text in between leaves nothing behind that grows. */
static void
test_memory_is_kept(void **state)
{
    struct json *json = json_new();
    const struct cJSON *object;
    size_t bytes;

    (void)state;
    assert_int_equal(read_with(json, slice_of("{\"a\":\"b\"}"), &object), ERROR_NONE);
    bytes = json_bytes(json);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(read_with(json, slice_of("{\"a\":[1,2,3,{\"b\":null}]}"), &object), ERROR_NONE);
    assert_int_equal(json_bytes(json), bytes);
    json_free(json);
}

/* ---- a text that cJSON has to parse, and one that is put together ---- */

static void
assert_same_tree(const struct json *json, const struct cJSON *a, const struct json *other,
                 const struct cJSON *b)
{
    for (a = a->child, b = b->child; a != NULL && b != NULL; a = a->next, b = b->next) {
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->string == NULL, b->string == NULL);
        if (a->string != NULL) {
            assert_string_equal(a->string, b->string);
            assert_true(slice_equal(json_key(a), json_key(b)));
        }
        if (json_is_text(a)) {
            assert_string_equal(a->valuestring, b->valuestring);
            assert_true(slice_equal(json_text(a), json_text(b)));
        }
        if (json_is_number(a)) {
            assert_true(slice_equal(json_number(json, a), json_number(other, b)));
            assert_memory_equal(&a->valuedouble, &b->valuedouble, sizeof a->valuedouble);
        }
        assert_int_equal(json_offset(json, a), json_offset(other, b));
        assert_same_tree(json, a, other, b);
    }
    assert_true(a == NULL && b == NULL);
}

/* The same texts with an escape at their end, which is cut off again: then the parser has read them. */
static void
test_both_ways_give_one_tree(void **state)
{
    static const char *const texts[] = {
        "{",
        "{\"a\":1",
        "{\"a\":[],\"b\":{},\"c\":[{}],\"d\":[[1,2,[3]],{\"a\":[{\"b\":null}]}],\"e\":-1.5e3",
        "{\"a\":-0,\"b\":99999999999999999,\"c\":-9007199254740993,\"d\":1234567890123456789,\"e\":[0,-1]",
        " { \"long key with spaces\" : [ true , false , null , \"\" , \"text\" ] , \"x\" : { \"x\" : { \"x\" "
        ": \"x\" } }",
        "{\"k0\":0,\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":9,\"l0\":0,"
        "\"l1\":1,\"l2\":2,"
        "\"l3\":3,\"l4\":4,\"l5\":5,\"l6\":6,\"l7\":7,\"l8\":8,\"l9\":9,\"m0\":0,\"m1\":1,\"m2\":2,\"m3\":3,"
        "\"m4\":4,\"m5\":5,"
        "\"m6\":6,\"m7\":7,\"m8\":8,\"m9\":9,\"n0\":0,\"n1\":1,\"n2\":2,\"n3\":{\"a\":[1]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json *json = json_new(), *other = json_new();
        const char *comma = texts[i][strlen(texts[i]) - 1] == '{' ? "" : ",";
        char plain[1024], special[1024];
        const struct cJSON *a, *b;

        (void)snprintf(plain, sizeof plain, "%s%s\"end\":\"x\"}", texts[i], comma);
        (void)snprintf(special, sizeof special, "%s%s\"end\":\"\\u0078\"}", texts[i], comma);
        assert_int_equal(read_with(json, (struct slice){plain, strlen(plain)}, &a), ERROR_NONE);
        assert_int_equal(read_with(other, (struct slice){special, strlen(special)}, &b), ERROR_NONE);
        assert_same_tree(json, a, other, b);
        json_free(json);
        json_free(other);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_duplicates_at_every_place),
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_places_and_texts),
        cmocka_unit_test(test_memory_is_kept),
        cmocka_unit_test(test_both_ways_give_one_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
