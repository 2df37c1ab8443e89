/*
 * What: the findings of lint, in order.
 *
 * Why apart from the checks: they go through a policy as is handy; readers want what fails first, and the
 * same order every time.
 *
 * Always true: the order depends on the findings alone; codes come from lint.def.
 *
 * Not here: what is wrong with a policy.
 */
#include "slactl/findings.h"
#include "base/memory.h"
#include "slactl/words.h"
#include "wire/print.h"
#include <stdlib.h>

static const struct {
    const char *code;
    enum lint_weight weight;
    const char *help;
} codes[] = {
#define LINT(NAME, code, weight, help) {code, LINT_##weight, help},
#include "slad/lint.def"
#undef LINT
};

enum lint_weight
lint_weight(enum lint_code code)
{
    return codes[code].weight;
}

const char *
lint_code_text(enum lint_code code)
{
    return codes[code].code;
}

const char *
lint_help(enum lint_code code)
{
    return codes[code].help;
}

struct finding *
findings_begin(struct findings *findings, enum lint_code code)
{
    if (findings->count == findings->room) {
        findings->room = findings->room > 0 ? findings->room * 2 : 64;
        findings->list = memory_resize(findings->list, findings->room * sizeof *findings->list);
    }
    findings->list[findings->count] = (struct finding){.code = code};
    buffer_append_byte(&findings->list[findings->count].fields, '{');
    return &findings->list[findings->count++];
}

static void
finding_done(struct finding *finding)
{
    buffer_free(&finding->subject);
    buffer_free(&finding->text);
    buffer_free(&finding->fields);
}

void
findings_done(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        finding_done(&findings->list[i]);
    memory_free(findings->list);
    *findings = (struct findings){0};
}

static int
compare(const void *a, const void *b)
{
    const struct finding *left = a, *right = b;
    int order = (int)lint_weight(left->code) - (int)lint_weight(right->code);

    if (order == 0)
        order = slice_compare(buffer_slice(&left->subject), buffer_slice(&right->subject));
    if (order == 0)
        order = (int)left->code - (int)right->code;
    return order != 0 ? order : slice_compare(buffer_slice(&left->text), buffer_slice(&right->text));
}

void
findings_sort(struct findings *findings)
{
    size_t kept = 0;

    if (findings->count > 0)
        qsort(findings->list, findings->count, sizeof *findings->list, compare);
    for (size_t i = 0; i < findings->count; i++) {
        if (kept > 0 && compare(&findings->list[kept - 1], &findings->list[i]) == 0)
            finding_done(&findings->list[i]);
        else
            findings->list[kept++] = findings->list[i];
    }
    findings->count = kept;
}

size_t
findings_count(const struct findings *findings, enum lint_weight weight)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += lint_weight(findings->list[i].code) == weight;
    return count;
}

void
findings_print(const struct findings *findings, FILE *out)
{
    static const char *const headings[LINT_WEIGHTS_COUNT] = {"does not fit", "warning", "fits"};

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];

        (void)fprintf(out, "%s: %.*s [%s]\n", headings[lint_weight(finding->code)],
                      (int)finding->subject.bytes, buffer_slice(&finding->subject).at,
                      codes[finding->code].code);
        words_print_wrapped(out, buffer_slice(&finding->text), 2, 2);
        (void)fputc('\n', out);
    }
}

void
findings_print_json(const struct findings *findings, FILE *out)
{
    static const char *const weights[LINT_WEIGHTS_COUNT] = {"fails", "warns", "says"};
    struct buffer line = {0};

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];

        buffer_reset(&line);
        buffer_append_text(&line, "{\"record\":\"finding\"");
        print_key(&line, "code"), print_text(&line, slice_of(codes[finding->code].code));
        print_key(&line, "weight"), print_text(&line, slice_of(weights[lint_weight(finding->code)]));
        print_key(&line, "subject"), print_text(&line, buffer_slice(&finding->subject));
        if (finding->fields.bytes > 1)
            buffer_append_byte(&line, ',');
        buffer_append(&line, finding->fields.at + 1, finding->fields.bytes - 1);
        print_key(&line, "text"), print_text(&line, buffer_slice(&finding->text));
        buffer_append_text(&line, "}\n");
        (void)fwrite(line.at, 1, line.bytes, out);
    }
    buffer_free(&line);
}
