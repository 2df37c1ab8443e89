/* shell/facts: what a record says of itself. */
#include "../support/unit.h"
#include "shell/facts.h"

static void
check(const char *key, const char *text, enum fact fact, const char *expected)
{
    struct json *json = json_new();
    const struct cJSON *object;
    char detail[JSON_DETAIL_BYTES];
    struct buffer facts = {0};
    struct slice found;

    assert_int_equal(json_read(json, slice_of(text), &object, detail), ERROR_NONE);
    facts_read(json, object, slice_of(key), &facts);
    found = facts_get(buffer_slice(&facts), fact);
    if (expected == NULL ? found.at != NULL : found.at == NULL || !slice_is(found, expected))
        fail_msg("%s: found \"%.*s\"", text, (int)found.bytes, found.at != NULL ? found.at : "");
    buffer_free(&facts);
    json_free(json);
}

static void
a_record_says_what_it_is(void **state)
{
    (void)state;
    check("k", "{\"type\":\"verdict\",\"customer\":\"a\"}", FACT_TYPE, "verdict");
    check("k", "{\"customer\":\"a\\u00e4 b\"}", FACT_CUSTOMER, "a\xc3\xa4 b");
    check("k", "{\"customer\":null}", FACT_CUSTOMER, NULL);
    check("k", "{\"customer\":7}", FACT_CUSTOMER, NULL);
    check("k", "{\"customer\":\"\"}", FACT_CUSTOMER, "");
    check("k", "{\"inner\":{\"customer\":\"a\"}}", FACT_CUSTOMER, NULL);
    check("k", "{\"match\":{\"customer\":[\"a\"]}}", FACT_CUSTOMER, "a");
    check("k", "{\"match\":{\"customer\":[\"a\",\"b\"]}}", FACT_CUSTOMER, NULL);
    check("k", "{\"match\":{\"customer\":[]}}", FACT_CUSTOMER, NULL);
    check("k", "{\"match\":{\"customer\":\"a\"}}", FACT_CUSTOMER, NULL);
    check("k", "{\"scope\":{\"customer\":\"a\",\"contract\":\"c\"}}", FACT_CONTRACT, "c");
    check("score/30d/customer=a,group=b", "{}", FACT_SCOPE, "customer=a,group=b");
    check("score/30d/", "{}", FACT_SCOPE, "");
    check("score/30d", "{}", FACT_SCOPE, NULL);
    check("pxa/x/y", "{}", FACT_SCOPE, NULL);
    check("k", "{\"arrival\":{\"revision\":12}}", FACT_REVISION, "12");
}

static void
several_of_one_name_are_all_found(void **state)
{
    struct buffer facts = {0};
    size_t cursor = 0;

    (void)state;
    facts_add(&facts, FACT_FORMER, slice_of("a"));
    facts_add(&facts, FACT_TYPE, slice_of("t"));
    facts_add(&facts, FACT_FORMER, slice_of(""));
    assert_true(facts_has(buffer_slice(&facts), FACT_FORMER, slice_of("a")));
    assert_true(facts_has(buffer_slice(&facts), FACT_FORMER, slice_of("")));
    assert_false(facts_has(buffer_slice(&facts), FACT_FORMER, slice_of("t")));
    assert_true(slice_is(facts_next(buffer_slice(&facts), FACT_FORMER, &cursor), "a"));
    assert_int_equal(facts_next(buffer_slice(&facts), FACT_FORMER, &cursor).bytes, 0);
    assert_null(facts_next(buffer_slice(&facts), FACT_FORMER, &cursor).at);
    assert_null(facts_get((struct slice){NULL, 0}, FACT_TYPE).at);
    buffer_free(&facts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_says_what_it_is),
        cmocka_unit_test(several_of_one_name_are_all_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
