#ifndef SLAD_SHELL_PUBLISH_H
#define SLAD_SHELL_PUBLISH_H

/* Where a task's effects become records of its epoch's batch. */
#include "shell/task.h"

/* The sink for the task's engine; the task is borrowed and outlives it. */
struct engine_sink publish_sink(struct task *task);

/* A dead letter: the record as it came, with slad-error, -detail, -topic, -partition, -offset beside its own
 * headers. What is too large for a record of slad.deadletters is cut: the key and the value at their ends,
 * headers are left out. */
struct publish_letter {
    enum error_code error;
    const char *detail;
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct slice key, value;     /* at NULL: none */
    rd_kafka_headers_t *headers; /* as they came; NULL: none; borrowed */
};
void publish_letter(struct batch *batch, const struct publish_letter *letter);

#endif
