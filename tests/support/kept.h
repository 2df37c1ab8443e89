#ifndef SLAD_TESTS_KEPT_H
#define SLAD_TESTS_KEPT_H

/*
 * Bytes that were written long ago, in tests/data/state: NAME.FORMAT. With SLAD_KEEP=1 a test writes those of
 * the format at hand anew; look at what changes before you keep it.
 */
#include "base/buffer.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

static inline bool
kept_is_wanted(void)
{
    return getenv("SLAD_KEEP") != NULL;
}

static inline void
kept_write(const char *name, int format, struct slice bytes)
{
    char path[512];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/data/state/%s.%d", TESTS_DIR, name, format);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.bytes, file), bytes.bytes);
    assert_int_equal(fclose(file), 0);
}

static inline void
kept_read(const char *name, int format, struct buffer *out)
{
    char path[512], bytes[4096];
    size_t count;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/data/state/%s.%d", TESTS_DIR, name, format);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(out, bytes, count);
    fclose(file);
}

/* Every format there has been, the present one at last. */
static inline void
kept_check(const char *name, const int *formats, size_t count, int present, const struct buffer *now,
           void (*check)(int format, struct slice bytes))
{
    struct buffer bytes = {0};

    if (kept_is_wanted())
        kept_write(name, present, buffer_slice(now));
    assert_int_equal(formats[count - 1], present); /* else: keep its file, and add its row */
    for (size_t i = 0; i < count; i++) {
        buffer_reset(&bytes);
        kept_read(name, formats[i], &bytes);
        check(formats[i], buffer_slice(&bytes));
    }
    buffer_free(&bytes);
}
#define KEPT_CHECK(name, formats, present, now, check)                                                       \
    kept_check(name, formats, sizeof(formats) / sizeof *(formats), present, now, check)

#endif
