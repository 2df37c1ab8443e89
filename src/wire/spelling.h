#ifndef SLAD_WIRE_SPELLING_H
#define SLAD_WIRE_SPELLING_H

/* "Did you mean": the nearest of some words to one that was mistyped. */
#include "base/slice.h"

struct spelling {
    struct slice wanted; /* what was found; borrowed */
    struct slice best;   /* the nearest so far, at NULL when none is near enough; borrowed */
    size_t distance;
};

struct spelling spelling_of(struct slice wanted);
/* Offers one word. The first of the nearest stays. */
void spelling_offer(struct spelling *spelling, struct slice word);
/* Typing errors between two texts: letters too many, too few, wrong, or two swapped (Damerau and Levenshtein,
 * optimal string alignment); the case of ASCII letters is no error; limit + 1 when there are more than limit.
 */
size_t spelling_distance(struct slice a, struct slice b, size_t limit);

/* `; did you mean "berlin"?`, or an empty text when nothing is near. */
struct spelling_hint {
    char text[256];
};
struct spelling_hint spelling_hint(const struct spelling *spelling);

#endif
