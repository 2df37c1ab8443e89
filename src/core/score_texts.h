#ifndef SLAD_CORE_SCORE_TEXTS_H
#define SLAD_CORE_SCORE_TEXTS_H

/*
 * Names that nobody compares by number: feedback ids, people, tickets. Each costs its bytes and one or two
 * more, and is known by its place. Text 0 is "none" (at == NULL).
 */
#include "base/slice.h"
#include <stdint.h>

struct score_texts {
    char *bytes;
    size_t used, room, garbage; /* used <= 4 GiB */
};

void score_texts_init(struct score_texts *texts);
void score_texts_done(struct score_texts *texts);
uint32_t score_texts_add(struct score_texts *texts,
                         struct slice text);                     /* at == NULL: 0. No look for an equal one */
void score_texts_drop(struct score_texts *texts, uint32_t text); /* counts it as garbage */
/* Lives until the next add. */
struct slice score_texts_get(const struct score_texts *texts, uint32_t text);

#endif
