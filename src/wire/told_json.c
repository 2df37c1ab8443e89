/*
 * What: why a probability is what it is, for programs and for people.
 *
 * Why this way: a number nobody can question is worth little at three in the morning; so the model, how far
 * it may be trusted, and the cells that weighed most stand beside it, with what they were counted from.
 * Always true: the same forecast gives the same bytes; texts of people stand there only where a context names
 * them. Not here: what is forecast (core/foresight), when it is told (core/risk).
 */
#include "wire/told_json.h"
#include "wire/print.h"

static const char *const number_texts[FORESIGHT_NUMBERS_COUNT] = {
#define NUMBER(NAME, text, KIND, default_, help) text,
#include "slad/foresight.def"
#undef NUMBER
};

void
told_json_permille(struct buffer *out, int64_t permille)
{
    char digits[3] = {(char)('0' + permille / 100 % 10), (char)('0' + permille / 10 % 10),
                      (char)('0' + permille % 10)};
    size_t count = 3;

    buffer_append_int64(out, permille / 1000);
    while (count > 0 && digits[count - 1] == '0')
        count--;
    if (count > 0)
        buffer_append_byte(out, '.');
    buffer_append(out, digits, count);
}

static void
print_value(struct buffer *out, const struct foresight_told *told, const struct foresight_field *field)
{
    print_comma(out);
    if (field->attribute < ATTRIBUTES_COUNT) {
        print_text(out, slice_of(attribute_text((enum attribute)field->attribute)));
        buffer_append_byte(out, ':');
        print_text_or_null(out, told->texts[field->attribute]);
    } else {
        print_text(out, slice_of(number_texts[field->number]));
        buffer_append_byte(out, ':');
        buffer_append_int64(out, told->numbers[field->number]);
    }
}

static void
print_reason(struct buffer *out, const struct foresight_told *told, const struct foresight_evidence *evidence)
{
    const struct foresight_context *context = &told->contexts->at[evidence->context];
    struct buffer name = {0};

    foresight_context_print(&name, context);
    print_comma(out);
    buffer_append_text(out, "{\"context\":");
    print_text(out, buffer_slice(&name));
    buffer_append_text(out, ",\"values\":{");
    for (size_t i = 0; i < context->fields_count; i++)
        print_value(out, told, &context->fields[i]);
    buffer_append_text(out, "},\"like\":");
    buffer_append_int64(out, evidence->like);
    buffer_append_text(out, ",\"late\":");
    buffer_append_int64(out, evidence->late);
    buffer_append_text(out, ",\"odds\":");
    told_json_permille(out, foresight_odds_permille(evidence->logit_q16));
    buffer_append_byte(out, '}');
    buffer_free(&name);
}

void
told_json_print(struct buffer *out, const struct foresight_told *told)
{
    const struct foresight_forecast *forecast = &told->forecast;
    size_t count =
        forecast->evidence_count < TOLD_JSON_REASONS_MAX ? forecast->evidence_count : TOLD_JSON_REASONS_MAX;

    buffer_append_text(out, "{\"model\":");
    buffer_append_int64(out, (int64_t)forecast->model);
    buffer_append_text(out, ",\"confidence\":");
    print_text(out, slice_of(foresight_confidence_text(forecast->confidence)));
    buffer_append_text(out, ",\"finish_p50\":");
    print_instant(out, told->finish_p50_at_ms);
    buffer_append_text(out, ",\"finish_p90\":");
    print_instant(out, told->finish_p90_at_ms);
    buffer_append_text(out, ",\"because\":[");
    for (size_t i = 0; i < count; i++)
        print_reason(out, told, &forecast->evidence[i]);
    buffer_append_text(out, "]}");
}

void
told_json_sentence(struct buffer *out, const struct foresight_told *told)
{
    const struct foresight_evidence *evidence = told->forecast.evidence;
    const struct foresight_context *context;

    if (told->forecast.evidence_count == 0)
        return;
    context = &told->contexts->at[evidence->context];
    buffer_append_text(out, "of ");
    buffer_append_int64(out, evidence->like);
    buffer_append_text(out, " like it (");
    for (size_t i = 0; i < context->fields_count; i++) {
        const struct foresight_field *field = &context->fields[i];
        bool named = field->attribute < ATTRIBUTES_COUNT;

        if (i > 0)
            buffer_append_text(out, ", ");
        buffer_append_text(out, named ? attribute_text((enum attribute)field->attribute)
                                      : number_texts[field->number]);
        buffer_append_byte(out, ' ');
        if (named && told->texts[field->attribute].at != NULL)
            buffer_append_slice(out, told->texts[field->attribute]);
        else if (named)
            buffer_append_text(out, "none");
        else
            buffer_append_int64(out, told->numbers[field->number]);
    }
    buffer_append_text(out, ") ");
    buffer_append_int64(out, evidence->late);
    buffer_append_text(out, evidence->late == 1 ? " was late" : " were late");
}
