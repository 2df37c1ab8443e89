#include "../support/unit.h"
#include "base/arena.h"

static void
test_pieces_are_aligned_and_apart(void **state)
{
    struct arena *arena = arena_new(256);
    char *pieces[200];

    (void)state;
    for (int i = 0; i < 200; i++) {
        pieces[i] = arena_allocate(arena, (size_t)i % 70);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], i, (size_t)i % 70);
    }
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < i % 70; j++)
            assert_int_equal((unsigned char)pieces[i][j], i);
    arena_free(arena);
}

static void
test_reset_keeps_ordinary_blocks_only(void **state)
{
    struct arena *arena = arena_new(1024);
    size_t warm_bytes;
    void *first;

    (void)state;
    first = arena_allocate(arena, 1000);
    (void)arena_allocate(arena, 1000);
    warm_bytes = arena_bytes(arena);
    memset(arena_allocate(arena, 100000), 1, 100000);
    assert_true(arena_bytes(arena) > warm_bytes + 100000);
    arena_reset(arena);
    assert_int_equal(arena_bytes(arena), warm_bytes);
    assert_ptr_equal(arena_allocate(arena, 1000), first);
    (void)arena_allocate(arena, 1000);
    assert_int_equal(arena_bytes(arena), warm_bytes);
    arena_free(arena);
    arena_free(NULL);
}

static void
test_a_large_piece_does_not_waste_the_block(void **state)
{
    struct arena *arena = arena_new(1024);
    char *first = arena_allocate(arena, 16);

    (void)state;
    (void)arena_allocate(arena, 5000);
    assert_ptr_equal(arena_allocate(arena, 16), first + 16);
    arena_free(arena);
}

static void
test_copied_slices(void **state)
{
    struct arena *arena = arena_new(0);
    char text[] = "hello";
    struct slice copy = arena_copy_slice(arena, (struct slice){text, 4});

    (void)state;
    text[0] = 'j';
    assert_true(slice_is(copy, "hell"));
    assert_int_equal(copy.at[4], '\0');
    assert_null(arena_copy_slice(arena, (struct slice){NULL, 0}).at);
    assert_non_null(arena_copy_slice(arena, slice_of("")).at);
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_reset_keeps_ordinary_blocks_only),
        cmocka_unit_test(test_a_large_piece_does_not_waste_the_block),
        cmocka_unit_test(test_copied_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
