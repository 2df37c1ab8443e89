#ifndef SLAD_SLACTL_DOCS_COMMAND_H
#define SLAD_SLACTL_DOCS_COMMAND_H

/* What is generated from the commands' tables. */
#include "base/buffer.h"

/* man/slactl.1.scd, for scdoc. */
void docs_command_print_manual(struct buffer *out);
/* completion/slactl, for bash. */
void docs_command_print_completion(struct buffer *out);

/* A text in scdoc, what means something there escaped. */
void docs_command_append_scdoc(struct buffer *out, const char *text);

#endif
