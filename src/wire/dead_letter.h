#ifndef SLAD_WIRE_DEAD_LETTER_H
#define SLAD_WIRE_DEAD_LETTER_H

/*
 * Dead letters (semantics.md section 2): a bad event goes on as it came, key, value and headers, and these
 * headers say why.
 */
#include "base/buffer.h"
#include "slad/event.h"

enum { DEAD_LETTER_HEADERS_COUNT = 5, DEAD_LETTER_DETAIL_BYTES_MAX = 255 };

struct dead_letter_header {
    const char *name; /* static: "slad-error", "slad-detail", "slad-topic", "slad-partition", "slad-offset" */
    struct slice value;
};

/* The five headers, in that order. Values lie in `room` or are the caller's topic: it must not be moved or
 * copied. */
struct dead_letter {
    struct dead_letter_header headers[DEAD_LETTER_HEADERS_COUNT];
    char room[DEAD_LETTER_DETAIL_BYTES_MAX + 1 + 12 + 21];
};

/* detail: English, may be NULL; longer than DEAD_LETTER_DETAIL_BYTES_MAX it is cut at a character. topic is
 * borrowed. */
void dead_letter_set(struct dead_letter *letter, enum error_code error, const char *detail, const char *topic,
                     int32_t partition, int64_t offset);

/* True for the name of one of the five: such a header is not carried along when a letter is sent again. */
bool dead_letter_is_header(struct slice name);

/* One line of `slactl replay` on stderr, with its end:
 * {"error":"bad_time","detail":"...","line":3,"file":"a.ndjson"}. file NULL: left out (R14). Bytes of the
 * detail or the file that are no UTF-8 become '?'. */
void dead_letter_print_line(struct buffer *out, enum error_code error, const char *detail, uint64_t line,
                            const char *file);

#endif
