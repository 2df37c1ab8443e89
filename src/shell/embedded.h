#ifndef SLAD_SHELL_EMBEDDED_H
#define SLAD_SHELL_EMBEDDED_H

/*
 * The broker in this process (slad --embedded): librdkafka's mock cluster, for trying out. Nothing to
 * install, nothing survives the process; it fakes transactions, so nothing here is evidence for exactly-once.
 */
#include "shell/kafka.h"
#include "shell/topics.h"

struct embedded;

enum { EMBEDDED_PARTITIONS_COUNT = 4 };

/* kafka: config and log are used. Every topic is created. NULL with the reason in error. */
struct embedded *embedded_new(const struct kafka *kafka, const struct topics *topics,
                              char error[KAFKA_ERROR_BYTES]);
/* "127.0.0.1:PORT"; lives as long as the broker. */
const char *embedded_address(const struct embedded *embedded);
/* After every client is gone. NULL is fine. */
void embedded_free(struct embedded *embedded);

#endif
