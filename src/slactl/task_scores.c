/*
 * slactl task, of the scores.
 *
 * What: asks what the owner of the scores asks when it begins (the note and the offsets that are committed,
 * how far slad.outcomes goes), says what it would say, and writes a person's decision about it.
 *
 * Why so: as of the tasks (task.c): the decision lies in slad.state, reaches whoever owns the scores, and is
 * of what was seen. Where feedback goes on is resolved here and written as numbers, so that it means the same
 * to whoever reads it, and when.
 *
 * Always true: nothing is written about scores that are not held; what is written is printed before.
 *
 * Not here: the judgement (shell/score_plan.c), what an owner does with the decision (shell/score_task.c).
 */
#include "slactl/task_scores.h"
#include "base/memory.h"
#include "shell/policy_record.h"
#include "shell/score_plan.h"
#include "shell/wallclock.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What there is, as of one look. */
struct task_scores_view {
    struct score_found found;
    struct buffer policies;
    int32_t feedback_count;
    int64_t *committed, *low, *high; /* of feedback, by partition */
};

static void
task_scores_view_done(struct task_scores_view *view)
{
    buffer_free(&view->policies);
    memory_free(view->committed);
    memory_free(view->low);
    memory_free(view->high);
}

static int
task_scores_say(const char *what, const char *why)
{
    fprintf(stderr, "slactl task: %s: %s\n", what, why);
    return COMMAND_NO_ANSWER;
}

/* ---- looking ---- */

static int
task_scores_ask_ends(rd_kafka_t *consumer, const struct reach *reach, struct task_scores_view *view)
{
    const char *feedback = reach->topics.names[TOPIC_FEEDBACK],
               *outcomes = reach->topics.names[TOPIC_OUTCOMES];
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(consumer, outcomes, 0, &view->found.log_begin,
                                                                &view->found.log_end, TASK_ANSWER_MS);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return task_scores_say(outcomes, rd_kafka_err2str(code));
    for (int32_t p = 0; p < view->feedback_count; p++) {
        code = rd_kafka_query_watermark_offsets(consumer, feedback, p, &view->low[p], &view->high[p],
                                                TASK_ANSWER_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return task_scores_say(feedback, rd_kafka_err2str(code));
        score_found_take_ends(&view->found, view->committed[p], view->low[p], view->high[p]);
    }
    return 0;
}

static int
task_scores_ask_committed(rd_kafka_t *consumer, const struct reach *reach, struct task_scores_view *view)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(view->feedback_count + 1);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(list, reach->topics.names[TOPIC_OUTCOMES], 0);
    for (int32_t p = 0; p < view->feedback_count; p++)
        rd_kafka_topic_partition_list_add(list, reach->topics.names[TOPIC_FEEDBACK], p);
    code = rd_kafka_committed(consumer, list, TASK_ANSWER_MS);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];

        code = at->err;
        if (i == 0)
            score_found_take(&view->found, at->offset, (struct slice){at->metadata, at->metadata_size},
                             &view->policies);
        else
            view->committed[i - 1] = at->offset >= 0 ? at->offset : MARKER_NO_OFFSET;
        if (i > 0 && at->offset >= 0) {
            view->found.has_feedback = true;
            view->found.feedback_sum += at->offset;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0
                                              : task_scores_say("committed offsets", rd_kafka_err2str(code));
}

/* 0, or an exit status: it was said. */
static int
task_scores_look(struct reach *reach, struct task_scores_view *view)
{
    char *group = kafka_name(reach->config->prefix, "-scores"), error[KAFKA_ERROR_BYTES] = "";
    struct kafka_setting setting = {"group.id", group};
    struct kafka_client description = {
        .kafka = &reach->kafka, .name = "task", .settings = &setting, .settings_count = 1};
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    size_t count = 0;
    int status = COMMAND_NO_ANSWER;

    *view = (struct task_scores_view){.found = {.committed_offset = MARKER_NO_OFFSET}};
    if (consumer != NULL)
        view->feedback_count =
            kafka_partitions_count(consumer, reach->topics.names[TOPIC_FEEDBACK], TASK_ANSWER_MS, error);
    if (view->feedback_count <= 0)
        task_scores_say(reach->topics.names[TOPIC_FEEDBACK], error[0] != '\0' ? error : "no such topic");
    else {
        count = (size_t)view->feedback_count;
        view->committed = memory_allocate_zeroed(count, sizeof *view->committed);
        view->low = memory_allocate_zeroed(count, sizeof *view->low);
        view->high = memory_allocate_zeroed(count, sizeof *view->high);
        status = task_scores_ask_committed(consumer, reach, view);
        if (status == 0)
            status = task_scores_ask_ends(consumer, reach, view);
    }
    if (consumer != NULL)
        rd_kafka_destroy(consumer);
    memory_free(group);
    return status;
}

static void
task_scores_print(const struct task_scores_view *view)
{
    const struct score_found *found = &view->found;
    const char *amiss = score_plan_amiss(found);

    if (amiss != NULL)
        printf("scores held: %s\n", amiss);
    else if (!found->has_note)
        printf("scores new: nothing was ever committed for them\n");
    else
        printf("scores whole: epoch %llu, %zu policy versions\n", (unsigned long long)found->note.epoch,
               found->note.policies.bytes / POLICY_ID_BYTES);
    printf("    committed: outcomes %lld; outcomes has %lld to %lld\n", (long long)found->committed_offset,
           (long long)found->log_begin, (long long)found->log_end);
    for (int32_t p = 0; p < view->feedback_count; p++)
        printf("    committed: feedback[%d] %lld of %lld to %lld\n", (int)p, (long long)view->committed[p],
               (long long)view->low[p], (long long)view->high[p]);
}

int
task_scores_list(struct reach *reach)
{
    struct task_scores_view view;
    int status = task_scores_look(reach, &view);

    if (status == 0)
        task_scores_print(&view);
    task_scores_view_done(&view);
    return status;
}

/* ---- deciding ---- */

/* Where feedback goes on; a committed offset that the partition does not have any more is its beginning. */
static int64_t
task_scores_resolve(const struct task_scores_view *view, enum task_from from, int32_t p)
{
    if (from == TASK_FROM_END)
        return view->high[p];
    return from == TASK_FROM_COMMITTED && view->committed[p] >= view->low[p] &&
                   view->committed[p] <= view->high[p]
               ? view->committed[p]
               : view->low[p];
}

/* 0, or an exit status: it was said. */
static int
task_scores_write(struct reach *reach, const struct task_scores_view *view,
                  const struct task_request *request)
{
    const struct score_found *found = &view->found;
    bool adopt = strcmp(request->verb, "adopt") == 0;
    enum task_from from = request->from != TASK_FROM_STANDARD ? request->from
                          : adopt                             ? TASK_FROM_COMMITTED
                                                              : TASK_FROM_BEGINNING;
    struct buffer feedback = {0}, bytes = {0};
    struct control_scores control = {.verb = adopt ? CONTROL_ADOPT : CONTROL_FRESH,
                                     .committed_offset = found->committed_offset,
                                     .feedback_sum = found->feedback_sum,
                                     .at_ms = wallclock_wall_ms(),
                                     .by = slice_of(request->by)};
    int status;

    if (found->has_note) {
        control.lineage = found->note.lineage;
        control.epoch = found->note.epoch;
    }
    printf("%s: the scores %s, from feedback", request->verb,
           adopt ? "go on with the outcomes that are there"
                 : "begin a new life with the outcomes that are there");
    for (int32_t p = 0; p < view->feedback_count; p++) {
        int64_t offset = task_scores_resolve(view, from, p);

        control_offset_add(&feedback, offset);
        printf("%s %lld", p > 0 ? "," : "", (long long)offset);
    }
    printf("\n");
    fflush(stdout);
    control.feedback = buffer_slice(&feedback);
    control_scores_write(&control, &bytes);
    status = task_write_record(reach, 0, CONTROL_SCORES_KEY, buffer_slice(&bytes)) != 0 ? COMMAND_FAILED : 0;
    buffer_free(&feedback);
    buffer_free(&bytes);
    return status;
}

/* Until an epoch was committed by it. */
static int
task_scores_wait(struct reach *reach, const struct task_request *request)
{
    int64_t until_mono_ms = wallclock_mono_ms() + request->wait_s * 1000;

    while (wallclock_mono_ms() < until_mono_ms) {
        struct task_scores_view view;
        int status = task_scores_look(reach, &view);
        bool used = status == 0 && view.found.has_note && score_plan_amiss(&view.found) == NULL;

        if (used)
            printf("done: the scores go on with epoch %llu\n", (unsigned long long)view.found.note.epoch);
        task_scores_view_done(&view);
        if (used || status != 0)
            return status;
        usleep(TASK_AGAIN_US);
    }
    printf(
        "written, but nobody has acted on it within %ld s: it counts as soon as a process owns the scores\n",
        request->wait_s);
    return request->wait_s == 0 ? 0 : COMMAND_FAILED;
}

int
task_scores_settle(struct reach *reach, const struct task_request *request)
{
    struct task_scores_view view;
    int status = task_scores_look(reach, &view);

    if (status == 0) {
        task_scores_print(&view);
        fflush(stdout);
    }
    if (status == 0 && score_plan_amiss(&view.found) == NULL) {
        fprintf(stderr, "slactl task: the scores are not held: there is nothing to decide\n");
        status = COMMAND_FAILED;
    }
    if (status == 0)
        status = task_scores_write(reach, &view, request);
    task_scores_view_done(&view);
    return status != 0 || request->wait_s == 0 ? status : task_scores_wait(reach, request);
}
