#ifndef SLAD_BASE_PANIC_H
#define SLAD_BASE_PANIC_H

/* Stopping on purpose. must() is for what only a bug can break, never for input; it stays on in release
 * builds. Both write one line to standard error and abort the process. */

/* "panic: WHAT" */
_Noreturn void panic(const char *what);
/* Behind must(): "panic: FILE:LINE: must(EXPRESSION)". */
_Noreturn void panic_broken_must(const char *file, int line, const char *expression);

#define must(condition)                                                                                      \
    (__builtin_expect(!!(condition), 1) ? (void)0 : panic_broken_must(__FILE__, __LINE__, #condition))

#endif
