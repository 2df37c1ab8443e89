#ifndef SLAD_BASE_SYMBOLS_H
#define SLAD_BASE_SYMBOLS_H

/*
 * Texts as small numbers: equal texts have equal numbers, so attributes compare in one instruction. Number 0
 * is "no text" (null). Counted references: a number is given back by symbols_release and may then name
 * another text. One table a process, owned by its main, used by one thread at a time.
 */
#include "base/slice.h"
#include <stdint.h>

struct symbols;
typedef uint32_t symbol; /* 0: none */

struct symbols *symbols_new(void);
void symbols_free(struct symbols *symbols);

/* The number of this text, with one reference more. text.at == NULL gives 0. The bytes are copied. */
symbol symbols_intern(struct symbols *symbols, struct slice text);
/* The number of this text, or 0 when nobody interned it. Takes no reference. */
symbol symbols_find(const struct symbols *symbols, struct slice text);
void symbols_retain(struct symbols *symbols, symbol number);  /* 0 is fine */
void symbols_release(struct symbols *symbols, symbol number); /* 0 is fine */
/* The text; at == NULL for 0. Lives until the last reference goes. NUL-terminated behind its last byte. */
struct slice symbols_text(const struct symbols *symbols, symbol number);
/* Of the text, the same in every process (hash_slice with a seed of its own); 0 for 0. */
uint64_t symbols_hash(const struct symbols *symbols, symbol number);
uint64_t symbols_hash_text(struct slice text); /* the same for a text; 0 for at == NULL */
/* Another one as soon as a number may name another text. */
uint64_t symbols_age(const struct symbols *symbols);
size_t symbols_count(const struct symbols *symbols);
size_t symbols_bytes(const struct symbols *symbols); /* memory held, for the metric */

#endif
