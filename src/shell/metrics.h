#ifndef SLAD_SHELL_METRICS_H
#define SLAD_SHELL_METRICS_H

/*
 * Numbers about the process, one row of slad/metrics.def each, printed as Prometheus text 0.0.4.
 *
 * Values are integers in the row's unit (ms, us, bytes, one); they are plain: only the loop thread may touch
 * them. What another thread counts it hands over with its results. label is the index the row's LABELS ask
 * for: enum error_code (ERROR), enum config_key (BOUND), enum alert_state (ALERT), a partition (TASK), the
 * place of the word in METRIC_LABELS else; 0 with NONE.
 */
#include "base/buffer.h"
#include "base/slice.h"
#include "shell/config.h"
#include <stddef.h>
#include <stdint.h>

struct metrics;

enum metric {
#define METRIC(NAME, name, KIND, unit, LABELS, help) METRIC_##NAME,
#include "slad/metrics.def"
#undef METRIC
    METRICS_COUNT
};

enum { METRICS_TASKS_MAX = 4096 };

/* Words of the fixed labels, in the order of METRIC_LABELS. */
enum metric_topic {
    METRIC_TOPIC_TICKETS,
    METRIC_TOPIC_FEEDBACK,
    METRIC_TOPIC_RELAY,
    METRIC_TOPIC_STATE,
    METRIC_TOPIC_OUTCOMES,
    METRIC_TOPIC_SCORES,
    METRIC_TOPIC_ALERTS
};
enum metric_outcome {
    METRIC_OUTCOME_VERDICT,
    METRIC_OUTCOME_TICKET,
    METRIC_OUTCOME_ANSWER,
    METRIC_OUTCOME_CONTRACT,
    METRIC_OUTCOME_DUE_CHANGED,
    METRIC_OUTCOME_RISK_SAMPLE
};
enum metric_role { METRIC_ROLE_TICKETS, METRIC_ROLE_SCORES };
enum metric_source {
    METRIC_SOURCE_SNAPSHOT,
    METRIC_SOURCE_PREVIOUS,
    METRIC_SOURCE_STATE,
    METRIC_SOURCE_NOTHING
};
enum metric_snapshot { METRIC_SNAPSHOT_MOVED, METRIC_SNAPSHOT_REFUSED, METRIC_SNAPSHOT_FAILED };
enum metric_ack { METRIC_ACK_WRITTEN, METRIC_ACK_FAILED };
enum metric_ended { METRIC_ENDED_COMMITTED, METRIC_ENDED_ABORTED, METRIC_ENDED_FATAL };

/* Never NULL. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

void metrics_add(struct metrics *metrics, enum metric metric, size_t label, uint64_t more); /* counters */
void metrics_set(struct metrics *metrics, enum metric metric, size_t label,
                 int64_t value); /* gauges; counters kept elsewhere */
void metrics_observe(struct metrics *metrics, enum metric metric, size_t label,
                     int64_t value); /* histograms; below 0 is 0 */
int64_t metrics_value(const struct metrics *metrics, enum metric metric,
                      size_t label); /* histogram: how many */
/* A bound of the configuration was hit. */
void metrics_bound_hit(struct metrics *metrics, enum config_key key);
/* A task left this process: its lines go. */
void metrics_forget_task(struct metrics *metrics, size_t task);

/* Appends the whole page. TASK lines of tasks never set are left out; other labels at 0 are printed, but for
 * BOUND's. */
void metrics_print(const struct metrics *metrics, struct buffer *out);

/* ---- the table, for docs ---- */

struct metric_row {
    const char *name, *kind, *unit; /* "counter", "seconds" */
    const char *label;              /* "" when there is none */
    const char *help;
};
struct metric_row metrics_row(enum metric metric);

#endif
