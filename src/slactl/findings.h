#ifndef SLAD_SLACTL_FINDINGS_H
#define SLAD_SLACTL_FINDINGS_H

/* What lint has found: collected, put in order, printed once. */
#include "base/buffer.h"
#include <stdbool.h>
#include <stdio.h>

enum lint_code {
#define LINT(NAME, code, weight, help) LINT_##NAME,
#include "slad/lint.def"
#undef LINT
    LINT_CODES_COUNT
};

enum lint_weight { LINT_FAILS, LINT_WARNS, LINT_SAYS, LINT_WEIGHTS_COUNT };

/* One finding. subject: what it is about, in a few words ("sla/resolution of acme-gold"); text: one
 * paragraph; fields: further JSON members, each with print_key, without braces. All may be appended to until
 * the next finding is begun. */
struct finding {
    enum lint_code code;
    struct buffer subject, text, fields;
};

struct findings {
    struct finding *list;
    size_t count, room;
};

/* The pointer lives until the next call. */
struct finding *findings_begin(struct findings *findings, enum lint_code code);
void findings_done(struct findings *findings);
enum lint_weight lint_weight(enum lint_code code);
const char *lint_code_text(enum lint_code code);
const char *lint_help(enum lint_code code);

/* What fails first, then warnings, then the rest; in each by subject and code. What was found twice is kept
 * once. */
void findings_sort(struct findings *findings);
size_t findings_count(const struct findings *findings, enum lint_weight weight);
/* For people: a heading and a paragraph each. */
void findings_print(const struct findings *findings, FILE *out);
/* {"record":"finding","code":...,"weight":...,"subject":...,FIELDS,"text":...} a line. */
void findings_print_json(const struct findings *findings, FILE *out);

#endif
