#ifndef SLAD_SLACTL_SECRET_H
#define SLAD_SLACTL_SECRET_H

/* Secrets come from files: arguments and environments are seen by others. */
#include "base/buffer.h"

enum { SECRET_BYTES_MAX = 65536, SECRET_ERROR_BYTES = 512 };

/* The text of a file, into a buffer that secret_free takes. A name without "/" is looked for among the
 * credentials that systemd has given, where there are any (CREDENTIALS_DIRECTORY). 0, or -1 with the reason
 * and *ret_text is untouched; a file without a line is a reason too. */
int secret_read(const char *name, struct buffer *ret_text, char error[SECRET_ERROR_BYTES]);
/* The next line without the blanks around it; empty ones and those that begin with "#" are passed over. rest
 * begins as the whole text. false: no more. */
bool secret_next_line(struct slice *rest, struct slice *ret_line);
/* Overwrites it first. A buffer of zeroes is fine. */
void secret_free(struct buffer *text);

#endif
