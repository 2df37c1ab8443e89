#ifndef SLAD_WIRE_REASON_H
#define SLAD_WIRE_REASON_H

/* The sentence of an alert: why, in words that can be read aloud on the phone.
 *
 *     counted 4h of 4h on berlin since 10:15; paused 35m for customer
 *
 * Local times of the calendar's zone (UTC is named), with the date when it is not that of effective_at. Plain
 * text in UTF-8, not yet JSON. It depends on nothing that the order of arrival changes but the alert's own
 * state, n and figures. */
#include "base/buffer.h"
#include "slad/effect.h"

void reason_print(struct buffer *out, const struct alert *alert);

#endif
