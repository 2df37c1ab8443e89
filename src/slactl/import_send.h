#ifndef SLAD_SLACTL_IMPORT_SEND_H
#define SLAD_SLACTL_IMPORT_SEND_H

/*
 * Samples of foresight on their way to slad.outcomes, each once, whoever dies where.
 */
#include "shell/topics.h"
#include "slad/foresight.h"
#include "slactl/reach.h"

enum { IMPORT_NAME_BYTES_MAX = 64 };

struct import_send;

/* How far an import has come. */
struct import_mark {
    int64_t
        through_ms;  /* samples up to and including this instant are on slad.outcomes; INSTANT_NONE: none */
    int64_t samples; /* sent under this name, ever */
};

/* Shuts out every other import of this name and reads how far it has come. name (1 to IMPORT_NAME_BYTES_MAX
 * bytes) and policy (the version's text, for the mark) are borrowed. NULL: the reason is in error. */
struct import_send *import_send_open(const struct reach *reach, const char *name, struct slice policy,
                                     int64_t rate, struct import_mark *ret_mark,
                                     char error[KAFKA_ERROR_BYTES]);
/* The next sample, in the order of arrival.detected_at_ms. Those up to the mark are passed by. 0, or -1 with
 * the reason: nothing more can be sent. */
int import_send_take(struct import_send *send, const struct risk_sample *sample,
                     char error[KAFKA_ERROR_BYTES]);
/* The rest. 0, or -1 with the reason. */
int import_send_finish(struct import_send *send, char error[KAFKA_ERROR_BYTES]);
/* What is committed by now; passed: left out because they lay before the mark. */
struct import_mark import_send_mark(const struct import_send *send);
int64_t import_send_sent(const struct import_send *send);
int64_t import_send_passed(const struct import_send *send);
void import_send_close(struct import_send *send); /* NULL is fine; what is not committed is not sent */

#endif
