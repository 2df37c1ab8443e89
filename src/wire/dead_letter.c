/*
 * What: how a refusal is written beside the event that was refused.
 *
 * Why this way: a letter is sent from where there is no time to allocate, so its texts lie in the struct
 * itself. The code is for programs, the detail for people.
 *
 * Always true: five headers, in one order, each with a value.
 *
 * Not here: the event itself, counting, sending it again.
 */
#include "wire/dead_letter.h"
#include "wire/json.h"
#include "wire/print.h"
#include <stdio.h>

static const char *const names[DEAD_LETTER_HEADERS_COUNT] = {"slad-error", "slad-detail", "slad-topic",
                                                             "slad-partition", "slad-offset"};

/* At most count bytes of text, and no half of a character. */
static size_t
cut(const char *text, size_t count)
{
    size_t bytes = strlen(text);

    if (bytes <= count)
        return bytes;
    while (count > 0 && ((unsigned char)text[count] & 0xc0) == 0x80)
        count--;
    return count;
}

void
dead_letter_set(struct dead_letter *letter, enum error_code error, const char *detail, const char *topic,
                int32_t partition, int64_t offset)
{
    /* cppcheck-suppress ctuuninitvar ; only its place is taken here */
    char *at = letter->room;
    size_t detail_bytes = detail != NULL ? cut(detail, DEAD_LETTER_DETAIL_BYTES_MAX) : 0;

    for (int i = 0; i < DEAD_LETTER_HEADERS_COUNT; i++)
        letter->headers[i].name = names[i];
    letter->headers[0].value = slice_of(error_code_text(error));
    if (detail_bytes > 0)
        memcpy(at, detail, detail_bytes);
    at[detail_bytes] = '\0';
    letter->headers[1].value = (struct slice){at, detail_bytes};
    at += DEAD_LETTER_DETAIL_BYTES_MAX + 1;
    letter->headers[2].value = slice_of(topic);
    (void)snprintf(at, 12, "%d", (int)partition);
    letter->headers[3].value = slice_of(at);
    at += 12;
    (void)snprintf(at, 21, "%lld", (long long)offset);
    letter->headers[4].value = slice_of(at);
}

bool
dead_letter_is_header(struct slice name)
{
    for (int i = 0; i < DEAD_LETTER_HEADERS_COUNT; i++) {
        if (slice_is(name, names[i]))
            return true;
    }
    return false;
}

static void
print_foreign(struct buffer *out, const char *text)
{
    struct buffer clean = {0};

    if (json_is_utf8(slice_of(text))) {
        print_text(out, slice_of(text));
        return;
    }
    for (; *text != '\0'; text++)
        buffer_append_byte(&clean, (unsigned char)*text < 0x80 ? *text : '?');
    print_text(out, buffer_slice(&clean));
    buffer_free(&clean);
}

void
dead_letter_print_line(struct buffer *out, enum error_code error, const char *detail, uint64_t line,
                       const char *file)
{
    buffer_append_byte(out, '{');
    print_key(out, "error");
    print_text(out, slice_of(error_code_text(error)));
    print_key(out, "detail");
    print_foreign(out, detail != NULL ? detail : "");
    print_key(out, "line");
    buffer_append_int64(out, (int64_t)line);
    if (file != NULL) {
        print_key(out, "file");
        print_foreign(out, file);
    }
    buffer_append_text(out, "}\n");
}
