/* A policy version as records of slad.state: in chunks and back, in any order, and only as what its hash
 * says. */
#include "../support/unit.h"
#include "base/memory.h"
#include "base/symbols.h"
#include "shell/policy_record.h"
#include "wire/policy_yaml.h"
#include <stdio.h>

static const char text[] =
    "version: \"1\"\n"
    "statuses: {New: {state: open}}\n"
    "agreements:\n"
    "  - {name: all, kind: sla, clocks: {resolution: {measure: resolution, target: 2h}}}\n";

static int
no_zone(void *context, struct slice name, struct buffer *out)
{
    (void)context;
    (void)name;
    (void)out;
    return -1;
}

/* The text above, longer by a comment of so many bytes. */
static struct policy *
policy_of(struct symbols *symbols, size_t comment_bytes)
{
    const struct policy_zone_reader reader = {NULL, no_zone};
    struct policy_error error;
    struct buffer bytes = {0};
    struct policy *policy;

    buffer_append_text(&bytes, text);
    for (size_t i = 0; i < comment_bytes; i++)
        buffer_append_text(&bytes, i % 64 == 0 ? "\n#" : "x");
    policy = policy_yaml_load(buffer_slice(&bytes), slice_of("p"), &reader, symbols, &error);
    assert_non_null(policy);
    buffer_free(&bytes);
    return policy;
}

static void
test_ids_are_in_order(void **state)
{
    struct buffer ids = {0};

    (void)state;
    policy_ids_add(&ids, slice_of("bbbbbbbbbbbbbbbb"));
    policy_ids_add(&ids, slice_of("cccccccccccccccc"));
    policy_ids_add(&ids, slice_of("aaaaaaaaaaaaaaaa"));
    policy_ids_add(&ids, slice_of("bbbbbbbbbbbbbbbb"));
    assert_int_equal(policy_ids_count(buffer_slice(&ids)), 3);
    assert_true(slice_is(buffer_slice(&ids), "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc"));
    assert_true(policy_ids_has(buffer_slice(&ids), slice_of("cccccccccccccccc")));
    assert_false(policy_ids_has(buffer_slice(&ids), slice_of("bbbbbbbbbbbbbbbc")));
    buffer_free(&ids);
}

static void
test_key(void **state)
{
    struct buffer key = {0};

    (void)state;
    policy_record_key(slice_of("2026-11"), slice_of("0123456789:;<=>?"), 7, &key);
    assert_true(slice_is(buffer_slice(&key), "~policy/2026-11@303132333435363738393a3b3c3d3e3f/7"));
    assert_true(policy_record_is(buffer_slice(&key)));
    assert_false(policy_record_is(slice_of("~epoch")));
    assert_false(policy_record_is(slice_of("~~policy/a ticket")));
    assert_false(policy_record_is_scores(buffer_slice(&key)));
    buffer_reset(&key);
    policy_record_scores_key(slice_of("2026-11"), slice_of("0123456789:;<=>?"), 7, &key);
    assert_true(slice_is(buffer_slice(&key), "~scores/policy/2026-11@303132333435363738393a3b3c3d3e3f/7"));
    assert_true(policy_record_is_scores(buffer_slice(&key)));
    assert_false(policy_record_is(buffer_slice(&key)));
    buffer_free(&key);
}

/* From the last chunk to the first one, each twice, with strangers between. */
static void
test_chunks_come_together(void **state)
{
    struct symbols *symbols = symbols_new();
    struct policy *policy = policy_of(symbols, 600000), *back;
    struct slice wanted = policy_record_id(policy), id, found;
    struct buffer source = {0}, chunk = {0};
    struct policy_gather gather;
    struct policy_error error;

    (void)state;
    policy_record_source(policy, &source);
    assert_int_equal(policy_record_chunks(buffer_slice(&source)), 3);
    policy_gather_init(&gather, wanted);
    for (size_t i = 3; i-- > 0;) {
        assert_false(policy_gather_get(&gather, 0, &id, &found));
        buffer_reset(&chunk);
        policy_record_chunk(wanted, buffer_slice(&source), i, &chunk);
        assert_true(chunk.bytes <= POLICY_RECORD_CHUNK_BYTES + 64);
        policy_gather_take(&gather, buffer_slice(&chunk));
        policy_gather_take(&gather, buffer_slice(&chunk));
        chunk.at[1]++; /* of another version */
        policy_gather_take(&gather, buffer_slice(&chunk));
        for (size_t cut = 0; cut < 40; cut++)
            policy_gather_take(&gather, (struct slice){chunk.at, cut});
    }
    assert_true(policy_gather_get(&gather, 0, &id, &found));
    assert_true(slice_equal(id, wanted) && slice_equal(found, buffer_slice(&source)));
    back = policy_record_load(found, id, symbols, &error);
    assert_non_null(back);
    assert_true(slice_equal(back->text, policy->text) && slice_equal(back->label, policy->label));
    assert_true(slice_equal(policy_record_text(found), policy->text));
    policy_free(back);
    policy_free(policy);
    policy_gather_done(&gather);
    buffer_free(&source);
    buffer_free(&chunk);
    symbols_free(symbols);
}

static void
test_only_what_the_hash_says(void **state)
{
    struct symbols *symbols = symbols_new();
    struct policy *policy = policy_of(symbols, 0);
    struct buffer source = {0};
    struct policy_error error;
    char *digit;

    (void)state;
    policy_record_source(policy, &source);
    digit = memmem(source.at, source.bytes, "2h", 2);
    *digit = '3'; /* as sound a policy as before */
    assert_null(policy_record_load(buffer_slice(&source), policy_record_id(policy), symbols, &error));
    *digit = '2';
    source.at[0]++;
    assert_null(policy_record_load(buffer_slice(&source), policy_record_id(policy), symbols, &error));
    policy_free(policy);
    buffer_free(&source);
    symbols_free(symbols);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_in_order),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_chunks_come_together),
        cmocka_unit_test(test_only_what_the_hash_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
