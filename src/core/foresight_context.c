/*
 * Contexts: which tickets are like one another, as lists of fields; and the keys of their cells.
 *
 * Why by name: a context is written once, in the configuration of who learns, and travels with the table;
 * nobody else has to be told. Its cells are found by a hash over what it is made of and the ticket's values,
 * so two processes that never spoke agree. Always true: a list that was read prints as one text and reads the
 * same again; keys never depend on a process, on the order of contexts, or on numbers of symbols. Not here:
 * where the values come from (risk).
 */
#include "core/foresight_parts.h"
#include "base/panic.h"
#include "base/symbols.h"
#include "slad/policy.h"

enum field_kind { KIND_PLAIN, KIND_CAP, KIND_STEP, KIND_LOG };

static const struct {
    const char *text;
    uint8_t kind;
    uint16_t of;
} numbers[] = {
#define NUMBER(NAME, text, KIND, default_, help) {text, KIND_##KIND, default_},
#include "slad/foresight.def"
#undef NUMBER
};

static const int64_t landmarks_permille[] = FORESIGHT_LANDMARKS_PERMILLE;

int64_t
foresight_landmark_ms(int landmark, int64_t target_ms)
{
    int64_t permille = landmarks_permille[landmark];

    return target_ms / 1000 * permille + (target_ms % 1000 * permille + 999) / 1000;
}

int
foresight_landmark(int64_t elapsed_ms, int64_t target_ms)
{
    int landmark = FORESIGHT_LANDMARKS_COUNT - 1;

    while (landmark >= 0 && elapsed_ms < foresight_landmark_ms(landmark, target_ms))
        landmark--;
    return landmark;
}

uint64_t
foresight_text_hash(struct slice text)
{
    return symbols_hash_text(text);
}

/* ---- reading ---- */

static int
refuse(char *detail, const char *what, struct slice found)
{
    size_t used = 0, bytes = found.bytes < 60 ? found.bytes : 60;

    for (; *what != '\0' && used < FORESIGHT_DETAIL_BYTES - 64; what++)
        detail[used++] = *what;
    for (size_t i = 0; i < bytes; i++)
        detail[used++] = found.at[i];
    detail[used] = '\0';
    return -1;
}

static struct slice
trimmed(struct slice text)
{
    while (text.bytes > 0 && (*text.at == ' ' || *text.at == '\n' || *text.at == '\t')) {
        text.at++;
        text.bytes--;
    }
    while (text.bytes > 0 && (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\n' ||
                              text.at[text.bytes - 1] == '\t'))
        text.bytes--;
    return text;
}

/* Takes what stands before the next such byte off the front. */
static struct slice
before(struct slice *rest, char byte)
{
    const char *at = rest->bytes > 0 ? memchr(rest->at, byte, rest->bytes) : NULL;
    struct slice taken = {rest->at, at != NULL ? (size_t)(at - rest->at) : rest->bytes};
    size_t skipped = taken.bytes + (at != NULL);

    *rest = (struct slice){rest->at + skipped, rest->bytes - skipped};
    return trimmed(taken);
}

/* N of 1 .. 9999; -1: it is none. */
static int
read_of(struct slice text)
{
    int of = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || i == 4)
            return -1;
        of = of * 10 + (text.at[i] - '0');
    }
    return of > 0 ? of : -1;
}

static int
read_field(struct slice text, struct foresight_field *field, char *detail)
{
    bool has_of = text.bytes > 0 && memchr(text.at, ':', text.bytes) != NULL;
    struct slice rest = text, name = before(&rest, ':');
    int of = has_of ? read_of(rest) : 0;

    *field = (struct foresight_field){.attribute = ATTRIBUTES_COUNT};
    for (unsigned i = 0; i < ATTRIBUTES_COUNT && !has_of; i++) {
        if (slice_is(name, attribute_text((enum attribute)i))) {
            field->attribute = (uint8_t)i;
            return 0;
        }
    }
    for (unsigned i = 0; i < FORESIGHT_NUMBERS_COUNT; i++) {
        if (!slice_is(name, numbers[i].text))
            continue;
        if (of < 0 || (has_of && numbers[i].kind == KIND_PLAIN))
            return refuse(detail, "expected a field, a colon and a number of 1 to 9999, found ", text);
        field->number = (uint8_t)i;
        field->of = has_of ? (uint16_t)of : numbers[i].of;
        return 0;
    }
    return refuse(detail, "expected an attribute or a number of foresight, found ", text);
}

static int
read_context(struct slice text, struct foresight_context *context, char *detail)
{
    struct slice rest = text;

    memset(context, 0, sizeof *context);
    if (text.bytes == 0 || text.at[text.bytes - 1] == '+')
        return refuse(detail, "expected fields joined by +, found ", text);
    while (rest.bytes > 0) {
        if (context->fields_count == FORESIGHT_FIELDS_MAX)
            return refuse(detail, "expected at most four fields, found ", text);
        if (read_field(before(&rest, '+'), &context->fields[context->fields_count], detail) != 0)
            return -1;
        context->fields_count++;
    }
    return 0;
}

int
foresight_contexts_read(struct slice text, struct foresight_contexts *contexts,
                        char detail[FORESIGHT_DETAIL_BYTES])
{
    struct foresight_contexts read = {.count = 0};
    struct slice rest = trimmed(text);

    if (rest.bytes > 0 && rest.at[rest.bytes - 1] == ',')
        return refuse(detail, "expected a context behind the last comma of ", rest);
    while (rest.bytes > 0) {
        struct slice one = before(&rest, ',');

        if (read.count == FORESIGHT_CONTEXTS_MAX)
            return refuse(detail, "expected at most 14 contexts, found one more: ", one);
        if (read_context(one, &read.at[read.count], detail) != 0)
            return -1;
        for (size_t i = 0; i < read.count; i++) {
            if (memcmp(&read.at[i], &read.at[read.count], sizeof read.at[i]) == 0)
                return refuse(detail, "expected every context once, found again ", one);
        }
        read.count++;
    }
    *contexts = read;
    return 0;
}

/* ---- printing ---- */

void
foresight_context_print(struct buffer *out, const struct foresight_context *context)
{
    for (size_t i = 0; i < context->fields_count; i++) {
        const struct foresight_field *field = &context->fields[i];

        if (i > 0)
            buffer_append_byte(out, '+');
        if (field->attribute < ATTRIBUTES_COUNT) {
            buffer_append_text(out, attribute_text((enum attribute)field->attribute));
            continue;
        }
        buffer_append_text(out, numbers[field->number].text);
        if (numbers[field->number].kind != KIND_PLAIN) {
            buffer_append_byte(out, ':');
            buffer_append_int64(out, field->of);
        }
    }
}

void
foresight_contexts_print(struct buffer *out, const struct foresight_contexts *contexts)
{
    for (size_t i = 0; i < contexts->count; i++) {
        if (i > 0)
            buffer_append_text(out, ", ");
        foresight_context_print(out, &contexts->at[i]);
    }
}

static bool
names_people(const struct foresight_context *context)
{
    for (size_t i = 0; i < context->fields_count; i++) {
        if (context->fields[i].attribute == ATTRIBUTE_ASSIGNEE ||
            context->fields[i].attribute == ATTRIBUTE_REQUESTER)
            return true;
    }
    return false;
}

void
foresight_contexts_without_people(struct foresight_contexts *contexts)
{
    size_t kept = 0;

    for (size_t i = 0; i < contexts->count; i++) {
        if (!names_people(&contexts->at[i]))
            contexts->at[kept++] = contexts->at[i];
    }
    contexts->count = kept;
}

void
foresight_contexts_of(const struct policy_foresight *policy, struct foresight_contexts *contexts)
{
    char detail[FORESIGHT_DETAIL_BYTES];
    struct slice text = policy->contexts.at != NULL ? policy->contexts : slice_of(FORESIGHT_CONTEXTS_DEFAULT);

    must(foresight_contexts_read(text, contexts, detail) == 0); /* the loader has asked */
    if (!policy->people)
        foresight_contexts_without_people(contexts);
}

/* ---- keys ---- */

/* One word more: multiply and fold, whatever the machine's byte order. */
static inline uint64_t
fold_in(uint64_t hash, uint64_t word)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(hash ^ word ^ UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd1b54a32d192ed03);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t
foresight_context_hash(const struct foresight_context *context)
{
    uint64_t hash = context->fields_count;

    for (size_t i = 0; i < context->fields_count; i++) {
        const struct foresight_field *field = &context->fields[i];
        const char *text = field->attribute < ATTRIBUTES_COUNT
                               ? attribute_text((enum attribute)field->attribute)
                               : numbers[field->number].text;

        hash = fold_in(hash, symbols_hash_text(slice_of(text)));
        hash = fold_in(hash, field->of);
    }
    return hash;
}

uint64_t
foresight_clock_key(enum clock_kind kind, uint64_t clock_hash)
{
    return fold_in(clock_hash, (uint64_t)kind + 1);
}

uint64_t
foresight_leaf_key(uint64_t clock_key, const struct foresight_view *view)
{
    return fold_in(fold_in(clock_key, view->texts[ATTRIBUTE_PRIORITY]),
                   (uint64_t)view->numbers[FORESIGHT_TIER] + 3);
}

uint64_t
foresight_before_key(uint64_t leaf_key)
{
    return fold_in(leaf_key, 1);
}

static uint64_t
number_value(const struct foresight_field *field, uint32_t number)
{
    uint32_t of = field->of > 0 ? field->of : 1, value = 0;

    switch (numbers[field->number].kind) {
    case KIND_CAP:
        return number < of ? number : of;
    case KIND_STEP:
        return number / of;
    case KIND_LOG:
        for (number /= of; number > 0; number /= 2)
            value++;
        return value;
    default:
        return number;
    }
}

uint64_t
foresight_value_hash(uint64_t context_hash, const struct foresight_context *context,
                     const struct foresight_view *view)
{
    uint64_t hash = context_hash;

    for (size_t i = 0; i < context->fields_count; i++) {
        const struct foresight_field *field = &context->fields[i];

        hash = fold_in(hash, field->attribute < ATTRIBUTES_COUNT
                                 ? view->texts[field->attribute]
                                 : number_value(field, view->numbers[field->number]));
    }
    return hash;
}

uint64_t
foresight_value_key(uint64_t class_or_clock_key, uint64_t value_hash)
{
    return fold_in(class_or_clock_key, value_hash);
}
