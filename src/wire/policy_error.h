#ifndef SLAD_WIRE_POLICY_ERROR_H
#define SLAD_WIRE_POLICY_ERROR_H

/*
 * What is wrong with a file that a person wrote, and where (ruling R15). Sticky: the first error set stays,
 * so a reader may read on with harmless values and ask once at the end. A value of zeroes is "no error".
 */
#include "base/buffer.h"
#include "base/slice.h"
#include <stdint.h>

enum policy_error_code {
    POLICY_ERROR_NONE = 0,
#define POLICY_ERROR(NAME, code, help) POLICY_ERROR_##NAME,
#include "slad/policy_errors.def"
#undef POLICY_ERROR
    POLICY_ERROR_CODES_COUNT
};

enum { POLICY_ERROR_MESSAGE_BYTES = 301 }; /* with the NUL */

struct policy_error {
    enum policy_error_code code;
    uint32_t line, column; /* from 1; columns count characters */
    struct slice file;     /* as the reader was given it; borrowed */
    char message[POLICY_ERROR_MESSAGE_BYTES];
};

/* Does nothing when an error stands already. The message is cut at 300 bytes, between characters. What comes
 * from the file goes through policy_error_quote first. */
void policy_error_set(struct policy_error *error, enum policy_error_code code, uint32_t line, uint32_t column,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

const char *policy_error_code_text(enum policy_error_code code); /* "unknown_key" */
const char *policy_error_help(enum policy_error_code code);
/* Appends "FILE:LINE:COLUMN: MESSAGE", without a newline; control characters of the file's name are escaped.
 */
void policy_error_format(const struct policy_error *error, struct buffer *out);

/* A text of the file in double quotes for a message: control characters escaped, cut after 48 bytes with
 * "...". To be used inside one call: policy_error_quote(text).text. */
struct policy_error_quoted {
    char text[224];
};
struct policy_error_quoted policy_error_quote(struct slice text);

#endif
