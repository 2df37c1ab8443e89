#ifndef SLAD_BASE_MEMORY_H
#define SLAD_BASE_MEMORY_H

/* Memory that is there or the process stops: one line and abort (architecture.md, Bounds). Nothing here
 * returns NULL, so nobody checks. Sizes of 0 are fine and give a pointer that memory_free takes. */
#include <stddef.h>

void *memory_allocate(size_t bytes);
void *memory_allocate_zeroed(size_t count, size_t size); /* count * size must not overflow: checked */
void *memory_resize(void *pointer, size_t bytes);   /* NULL is fine; the old pointer is dead afterwards */
void *memory_copy(const void *bytes, size_t count); /* a new copy */
void memory_free(void *pointer);                    /* NULL is fine */

/* For tests only: where memory comes from, in the manner of realloc (pointer NULL: new; result NULL: there is
 * none). It must hand out what free(3) takes. NULL restores the machine's. Not to be changed while other
 * threads run. */
void memory_replace_source(void *(*source)(void *pointer, size_t bytes));

#endif
