#ifndef SLAD_SHELL_RELAY_RECORD_H
#define SLAD_SHELL_RELAY_RECORD_H

/* What one task tells the others, as bytes on slad.relay. */
#include "base/buffer.h"
#include "slad/engine.h"

enum { RELAY_RECORD_FORMAT = 1 };

void relay_record_write(const struct relay *relay, struct buffer *out);
/* 0, or -1 when the bytes are no sound record of a format this version reads. Texts borrow from bytes. */
int relay_record_read(struct slice bytes, struct relay *ret_relay);

#endif
