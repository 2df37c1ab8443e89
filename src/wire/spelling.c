/*
 * Which word somebody probably meant.
 *
 * Why this way: the distance of Damerau and Levenshtein counts what fingers do wrong. A third of the word may
 * be wrong, at least one letter: "sev" does not suggest "p1".
 *
 * Always true: words longer than 64 bytes are never suggested, so a comparison costs at most 4,096 small
 * steps.
 *
 * Not here: which words there are.
 */
#include "wire/spelling.h"
#include "wire/policy_error.h"
#include <stdbool.h>
#include <stdio.h>

enum { WORD_BYTES_MAX = 64 };

static char
lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool
same(char a, char b)
{
    return lower(a) == lower(b);
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t
spelling_distance(struct slice a, struct slice b, size_t limit)
{
    unsigned char rows[3][WORD_BYTES_MAX + 1];
    unsigned char *before = rows[0], *last = rows[1], *row = rows[2];

    if (a.bytes > WORD_BYTES_MAX || b.bytes > WORD_BYTES_MAX)
        return limit + 1;
    for (size_t j = 0; j <= b.bytes; j++)
        last[j] = (unsigned char)j;
    for (size_t i = 1; i <= a.bytes; i++) {
        unsigned char *spare = before;

        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= b.bytes; j++) {
            size_t cost = !same(a.at[i - 1], b.at[j - 1]);
            size_t best = least(least(last[j] + 1U, row[j - 1] + 1U), last[j - 1] + cost);

            if (i > 1 && j > 1 && same(a.at[i - 1], b.at[j - 2]) && same(a.at[i - 2], b.at[j - 1]))
                best = least(best, before[j - 2] + 1U);
            row[j] = (unsigned char)best;
        }
        before = last;
        last = row;
        row = spare;
    }
    return least(last[b.bytes], limit + 1);
}

struct spelling
spelling_of(struct slice wanted)
{
    size_t limit = wanted.bytes / 3;

    if (limit == 0)
        limit = wanted.bytes > 1;
    return (struct spelling){.wanted = wanted, .distance = limit + 1};
}

void
spelling_offer(struct spelling *spelling, struct slice word)
{
    size_t distance;

    if (spelling->distance == 0)
        return;
    distance = spelling_distance(spelling->wanted, word, spelling->distance - 1);
    if (distance < spelling->distance) {
        spelling->distance = distance;
        spelling->best = word;
    }
}

struct spelling_hint
spelling_hint(const struct spelling *spelling)
{
    struct spelling_hint hint = {""};

    if (spelling->best.at != NULL)
        (void)snprintf(hint.text, sizeof hint.text, "; did you mean %s?",
                       policy_error_quote(spelling->best).text);
    return hint;
}
