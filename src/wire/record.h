#ifndef SLAD_WIRE_RECORD_H
#define SLAD_WIRE_RECORD_H

/*
 * Records by table: one row a field, in the order in which it is printed. The same rows print a struct as a
 * JSON object and read it back, so the two cannot drift apart.
 */
#include "base/buffer.h"
#include "slad/effect.h"
#include "wire/json.h"
#include "wire/print.h"

enum record_kind {
    RECORD_TYPE,           /* the constant text of `constant`; only checked when read */
    RECORD_TEXT,           /* struct slice */
    RECORD_TEXT_OR_NULL,   /* struct slice, at NULL is null */
    RECORD_TEXT_IF_THERE,  /* struct slice, at NULL is left out */
    RECORD_INSTANT,        /* int64_t, INSTANT_NONE is null */
    RECORD_LENGTH,         /* int64_t milliseconds */
    RECORD_LENGTH_OR_NULL, /* int64_t milliseconds, INSTANT_NONE is null */
    RECORD_COUNT,          /* uint32_t */
    RECORD_COUNT_IF_ANY,   /* uint32_t, 0 is left out */
    RECORD_SCORE,          /* int32_t */
    RECORD_BOOL,           /* bool */
    RECORD_BOOL_IF_TRUE,   /* bool, false is left out */
    RECORD_WORD,           /* an enum, as one of `words` */
    RECORD_FLAGS,          /* uint16_t of enum clock_flag, as a list of words */
    RECORD_ATTRIBUTES,     /* uint16_t of ATTRIBUTE_BITs, as a list of names */
    RECORD_TIERS,          /* uint32_t, bit n is tier n, as a list of numbers */
    RECORD_BY_PARTY,       /* struct party_time[PARTIES_COUNT], R26 */
    RECORD_BY_PARTY_WALL,  /* int64_t[PARTIES_COUNT], R58 */
    RECORD_ASPECTS,        /* struct feedback: aspects and aspects_count; none is left out */
    RECORD_OBJECT,         /* the fields of `table` */
    RECORD_PRINTED         /* by `print`, of the whole record; never read */
};

/* The words of the enums. */
enum record_words {
    RECORD_WORDS_KIND,
    RECORD_WORDS_MEASURE,
    RECORD_WORDS_CLOCK_STATE,
    RECORD_WORDS_ALERT_STATE,
    RECORD_WORDS_VERDICT,
    RECORD_WORDS_TICKET_STATE,
    RECORD_WORDS_SEVERITY,
    RECORD_WORDS_PARTY,
    RECORD_WORDS_CLASS, /* ANSWER_CLASSES_COUNT is null */
    RECORD_WORDS_CONTRACT_SUBJECT,
    RECORD_WORDS_CONTRACT_STATE,
    RECORD_WORDS_RISK_LABEL
};

#define RECORD_ALWAYS 0 /* no struct here begins with the bool of a condition */

struct record_table;

/* The first two members of a row, of a literal. */
#define RECORD_KEY(key) key, PRINT_FIXED_KEY(key)

struct record_field {
    const char *key;
    struct print_fixed_key name;
    enum record_kind kind;
    uint16_t offset; /* in the struct */
    uint16_t when;   /* offset of a bool: the field stands only while it is true. RECORD_ALWAYS: always */
    enum record_words words;
    const struct record_table *table;
    const char *constant;
    void (*print)(struct buffer *out, const void *record);
};

struct record_table {
    const struct record_field *fields;
    size_t fields_count; /* <= 64 */
};

void record_print(struct buffer *out, const struct record_table *table, const void *record);

/* Reads an object back into a struct that is all zeroes. Every field must stand there in its type, but for
 * those that are left out at times; keys that nobody knows are passed over (a later version may write them).
 * Texts live as long as the tree. aspects: room for EVENT_ASPECTS_MAX. Refused: wrong_type,
 * number_out_of_range, missing_field, bad_time with a detail as event_read's; the struct is undefined then.
 */
enum error_code record_read(const struct json *json, const struct record_table *table,
                            const struct cJSON *object, void *record, struct feedback_aspect *aspects,
                            char detail[JSON_DETAIL_BYTES]);

/* "positive", "neutral", "negative" */
const char *record_class_text(enum answer_class answer_class);

#endif
