#ifndef SLAD_SLACTL_RELAY_WEBHOOK_H
#define SLAD_SLACTL_RELAY_WEBHOOK_H

/* An alert as a webhook by the Standard Webhooks specification 1.0.0 (standardwebhooks.com). */
#include "slactl/relay_alert.h"

enum { RELAY_WEBHOOK_ID_BYTES = 4 + 40 + 1, RELAY_WEBHOOK_SIGNATURE_BYTES = 48 };

/* {"type":"slad.alert.firing","timestamp":...,"data":RECORD}; a tombstone's is slad.alert.removed with the
 * key alone. */
void relay_webhook_print(const struct relay_alert *alert, struct buffer *out);
/* "msg_" and hexadecimal digits: the same for the same record however often it is read and sent, another for
 * any other record. A tombstone is told from another of its key by where it stands. */
void relay_webhook_id(const struct relay_alert *alert, int32_t partition, int64_t offset,
                      char ret_id[RELAY_WEBHOOK_ID_BYTES]);
/* "v1,BASE64" of id.timestamp.body. secret: "whsec_" and base64 (also without whsec_), 24 to 64 bytes
 * decoded. 0, or -1: it is no such secret. */
int relay_webhook_sign(struct slice secret, const char *id, int64_t timestamp_s, struct slice body,
                       char ret_signature[RELAY_WEBHOOK_SIGNATURE_BYTES]);

#endif
