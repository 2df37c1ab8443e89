#ifndef SLAD_SHELL_ENVELOPE_H
#define SLAD_SHELL_ENVELOPE_H

/* The CloudEvents 1.0 headers (binary mode, Kafka protocol binding) of what slad publishes. */
#include "shell/batch.h"
#include "shell/world.h"

/* Adds them to the open record of the batch. type: "slad.alert". id: the same on a resend. */
void envelope_add(struct batch *batch, const struct world *world, const char *type, struct slice id,
                  int64_t at_ms);

#endif
