/*
 * slactl task: what is known of the tasks, and a person's word about a held one.
 *
 * What: list reads what a loader would read and says what it would say; adopt and fresh write the decision
 * into slad.state, beside what it is about, and wait until a process has acted on it.
 *
 * Why so: a decision of this weight should need the same rights as the state itself, reach whoever holds the
 * task wherever that is, survive whoever dies meanwhile, and be found afterwards by whoever asks what
 * happened. A record in the log does all of that; an HTTP door on every host would do none of it.
 *
 * Always true: a decision names the marker it was made of and the offsets to go on from, as numbers, and is
 * printed before it is written; a task that is not held never sees it.
 *
 * Not here: the judgement (shell/restore_plan.c), what a process does with the decision (shell/restore.c).
 */
#include "slactl/task.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/state_topic.h"
#include "shell/wallclock.h"
#include "slactl/reach.h"
#include "slactl/task_scores.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TASK_WAIT_S = 60, TASK_LOOKS_MAX = 5, TASK_LOOK_AGAIN_US = 200000 };

static int task_run(int argc, char **argv);

static const struct command_option task_options[] = {
    {"from", 'f', "marker|beginning|committed|end",
     "where to read on: marker, where the state ends (the standard of adopt; of the scores: committed); "
     "beginning of the partition "
     "(the standard of "
     "fresh); the group's committed offset; or end, only what comes from now on"},
    {"by", 'y', "NAME", "who decides, for the log (the user)"},
    {"wait", 'w', "SECONDS", "how long to wait for a process that acts on it (60); 0: not at all"},
    REACH_OPTIONS,
    REACH_TOPIC_OPTIONS,
    {0},
};

const struct command task_command = {
    .name = "task",
    .run = task_run,
    .help = "what is known of the tasks, and what becomes of a held one",
    .usage = "list [OPTION]...\nadopt PARTITION|scores [OPTION]...\nfresh PARTITION|scores [OPTION]...",
    .operands = "list|adopt|fresh",
    .text = "list: what each partition's state says, and whether slad would take it up.\n"
            "adopt: a held task goes on with the state that slad.state has.\n"
            "fresh: a held task begins with no state: its tickets are forgotten.\n"
            "Of the scores: adopt folds slad.outcomes as it is now and reads feedback on; fresh begins a new "
            "life with what slad.outcomes has and reads feedback again.",
    .options = task_options,
    .fails = "there is nothing to adopt, nobody has acted on it yet, or a broker fails",
    .asks = true,
};

static const char *const task_from_texts[] = {"", "marker", "beginning", "committed", "end"};

/* What is known of one partition. */
struct task_view {
    struct restore_found found;
    struct state_tail tail;
    enum restore_verdict verdict;
    const char *reason;
    int64_t low[2], high[2]; /* of tickets[p] and relay[p] */
};

struct task_tool {
    struct reach reach;
    struct state_topic state;
    char *group;
    int32_t partitions_count;
    bool open;
};

/* ---- looking ---- */

static void
task_view_done(struct task_view *view)
{
    state_tail_done(&view->tail);
}

static int
task_look_at_ends(struct task_tool *tool, int32_t partition, struct task_view *view,
                  char error[KAFKA_ERROR_BYTES])
{
    const enum topic topics[] = {TOPIC_TICKETS, TOPIC_RELAY};

    for (int i = 0; i < 2; i++) {
        const char *name = tool->reach.topics.names[topics[i]];
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            tool->state.consumer, name, partition, &view->low[i], &view->high[i], TASK_ANSWER_MS);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            snprintf(error, KAFKA_ERROR_BYTES, "%s[%d]: %s", name, (int)partition, rd_kafka_err2str(code));
            return -1;
        }
    }
    return 0;
}

/* 0, or -1: it was said on standard error. */
static int
task_look_once(struct task_tool *tool, int32_t partition, struct task_view *view)
{
    char error[KAFKA_ERROR_BYTES] = "";

    *view = (struct task_view){.found = {.partitions_count = tool->partitions_count, .group = tool->group},
                               .reason = "marker and committed offsets agree"};
    if (state_topic_find_marker(&tool->state, partition, &view->tail, &view->found.marker, error) != 0 ||
        state_topic_find_committed(&tool->state, partition, &view->found, error) != 0 ||
        task_look_at_ends(tool, partition, view, error) != 0) {
        fprintf(stderr, "slactl task: %s\n", error);
        task_view_done(view);
        return -1;
    }
    view->found.has_marker = view->tail.has_marker;
    view->verdict = restore_plan_judge(&view->found, &view->reason);
    if (view->verdict == RESTORE_IS_NEW)
        view->reason = "nothing was ever written for it";
    else if (view->verdict == RESTORE_IS_SOUND && view->found.marker.offsets[0] != MARKER_NO_OFFSET &&
             (view->found.marker.offsets[0] < view->low[0] ||
              view->found.marker.offsets[0] > view->high[0])) {
        view->verdict = RESTORE_IS_AMISS;
        view->reason = "tickets does not have the offset any more at which the state ends";
    }
    return 0;
}

static uint64_t
task_epoch(const struct task_view *view)
{
    return view->found.has_marker ? view->found.marker.epoch : 0;
}

/* Marker and offsets are asked for one after the other, and a task that is busy commits in between: what is
 * amiss stays so while the epoch stays. */
static int
task_look(struct task_tool *tool, int32_t partition, struct task_view *view)
{
    int status = task_look_once(tool, partition, view);

    for (int i = 0; i < TASK_LOOKS_MAX && status == 0 && view->verdict == RESTORE_IS_AMISS; i++) {
        uint64_t epoch = task_epoch(view);

        task_view_done(view);
        usleep(TASK_LOOK_AGAIN_US);
        status = task_look_once(tool, partition, view);
        if (status != 0 || task_epoch(view) == epoch)
            return status;
        if (view->verdict == RESTORE_IS_AMISS && i == TASK_LOOKS_MAX - 1) {
            view->verdict = RESTORE_IS_SOUND;
            view->reason = "its epochs go on while it is looked at";
        }
    }
    return status;
}

static void
task_print(int32_t partition, const struct task_view *view)
{
    static const char *const verdicts[] = {"new", "sound", "amiss"};
    const struct marker *marker = &view->found.marker;
    struct control control;
    char at[INSTANT_TEXT_BYTES] = "-";

    if (view->found.has_marker)
        instant_format(marker->t_ms, at);
    printf("%d %s: %s\n", (int)partition, verdicts[view->verdict], view->reason);
    if (view->found.has_marker)
        printf("    state: epoch %llu at %s by %.*s, tickets %lld, relay %lld, of %d partitions\n",
               (unsigned long long)marker->epoch, at, (int)marker->instance.bytes, marker->instance.at,
               (long long)marker->offsets[0], (long long)marker->offsets[1], (int)marker->partitions_count);
    printf("    committed: tickets %lld, relay %lld; tickets has %lld to %lld\n",
           (long long)view->found.committed[0], (long long)view->found.committed[1], (long long)view->low[0],
           (long long)view->high[0]);
    if (state_tail_decision(&view->tail, marker, &control)) {
        instant_format(control.at_ms, at);
        printf("    decided: %s, from tickets %lld, by %.*s at %s; nobody has acted on it yet\n",
               control.verb == CONTROL_ADOPT ? "adopt" : "fresh", (long long)control.offsets[0],
               (int)control.by.bytes, control.by.at, at);
    }
}

static int
task_list(struct task_tool *tool)
{
    for (int32_t p = 0; p < tool->partitions_count; p++) {
        struct task_view view;

        if (task_look(tool, p, &view) != 0)
            return 1;
        task_print(p, &view);
        task_view_done(&view);
    }
    return task_scores_list(&tool->reach);
}

/* ---- deciding ---- */

/* The offset of one input that the words mean; -1 when the partition does not have it. */
static int64_t
task_resolve(const struct task_view *view, enum task_from from, int i)
{
    int64_t offset = from == TASK_FROM_BEGINNING   ? view->low[i]
                     : from == TASK_FROM_END       ? view->high[i]
                     : from == TASK_FROM_COMMITTED ? view->found.committed[i]
                     : view->found.has_marker      ? view->found.marker.offsets[i]
                                                   : MARKER_NO_OFFSET;

    if (offset == MARKER_NO_OFFSET)
        offset = view->low[i];
    return offset >= view->low[i] && offset <= view->high[i] ? offset : -1;
}

/* 0, or the exit status: it was said. */
static int
task_decide(const struct task_request *request, const struct task_view *view, struct control *ret_control)
{
    bool adopt = strcmp(request->verb, "adopt") == 0;
    enum task_from from = request->from != TASK_FROM_STANDARD ? request->from
                          : adopt                             ? TASK_FROM_MARKER
                                                              : TASK_FROM_BEGINNING;
    struct control control = {
        .verb = adopt ? CONTROL_ADOPT : CONTROL_FRESH,
        .lineage = view->found.marker.lineage,
        .epoch = view->found.marker.epoch,
        .offsets = {task_resolve(view, from, 0), task_resolve(view, from, 1)},
        .at_ms = wallclock_wall_ms(),
        .by = slice_of(request->by),
    };

    if (adopt && !view->found.has_marker) {
        fprintf(
            stderr,
            "slactl task: there is no state to adopt (slad.state has no marker): only fresh is possible\n");
        return 1;
    }
    if (control.offsets[0] < 0) {
        fprintf(stderr,
                "slactl task: --from %s is where tickets has no record any more (it has %lld to %lld): say "
                "--from beginning or --from end\n",
                task_from_texts[from], (long long)view->low[0], (long long)view->high[0]);
        return 1;
    }
    if (control.offsets[1] < 0) /* what other tickets told is kept for them for a week */
        control.offsets[1] = view->low[1];
    *ret_control = control;
    return 0;
}

static void
task_on_delivered(void *context, const rd_kafka_message_t *message)
{
    rd_kafka_resp_err_t *result = context;

    *result = message->err;
}

int
task_write_record(struct reach *reach, int32_t partition, const char *key, struct slice value)
{
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR__TIMED_OUT;
    struct kafka_client description = {
        .kafka = &reach->kafka, .name = "task", .context = &result, .delivered = task_on_delivered};
    char error[KAFKA_ERROR_BYTES] = "";
    rd_kafka_t *producer = kafka_producer_new(&description, error);

    if (producer != NULL) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, reach->topics.names[TOPIC_STATE], NULL);
        int produced = topic == NULL ? -1
                                     : rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY,
                                                        (void *)(uintptr_t)value.at, value.bytes, key,
                                                        strlen(key), NULL);

        if (produced != 0)
            result = rd_kafka_last_error();
        rd_kafka_flush(producer, TASK_ANSWER_MS);
        if (result != RD_KAFKA_RESP_ERR_NO_ERROR)
            snprintf(error, sizeof error, "%s", rd_kafka_err2str(result));
        if (topic != NULL)
            rd_kafka_topic_destroy(topic);
        rd_kafka_destroy(producer);
    }
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR)
        fprintf(stderr, "slactl task: the decision could not be written: %s\n", error);
    return result == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

/* Until an epoch lies behind the decision. */
static int
task_wait(struct task_tool *tool, const struct task_request *request)
{
    int64_t until_mono_ms = wallclock_mono_ms() + request->wait_s * 1000;

    while (wallclock_mono_ms() < until_mono_ms) {
        struct task_view view;
        bool used;

        if (task_look(tool, request->partition, &view) != 0)
            return 1;
        used = view.found.has_marker && view.tail.marker_offset > view.tail.control_offset;
        if (used)
            printf("done: partition %d goes on with epoch %llu, by %.*s\n", (int)request->partition,
                   (unsigned long long)view.found.marker.epoch, (int)view.found.marker.instance.bytes,
                   view.found.marker.instance.at);
        task_view_done(&view);
        if (used)
            return 0;
        usleep(TASK_AGAIN_US);
    }
    printf(
        "written, but nobody has acted on it within %ld s: it counts as soon as a process holds the task\n",
        request->wait_s);
    return request->wait_s == 0 ? 0 : 1;
}

static int
task_settle(struct task_tool *tool, const struct task_request *request)
{
    struct task_view view;
    struct control control;
    struct buffer bytes = {0};
    int status;

    if (request->partition < 0 || request->partition >= tool->partitions_count) {
        fprintf(stderr, "slactl task: tickets has partitions 0 to %d\n", (int)tool->partitions_count - 1);
        return 2;
    }
    if (task_look(tool, request->partition, &view) != 0)
        return 1;
    task_print(request->partition, &view);
    status = task_decide(request, &view, &control);
    if (status == 0) {
        printf("%s: partition %d %s, from tickets %lld and relay %lld\n", request->verb,
               (int)request->partition,
               control.verb == CONTROL_ADOPT ? "goes on with this state"
                                             : "begins anew, its tickets are forgotten",
               (long long)control.offsets[0], (long long)control.offsets[1]);
        control_write(&control, &bytes);
        status = task_write_record(&tool->reach, request->partition, CONTROL_KEY, buffer_slice(&bytes)) != 0;
        buffer_free(&bytes);
    }
    task_view_done(&view);
    fflush(stdout);
    return status != 0 || request->wait_s == 0 ? status : task_wait(tool, request);
}

/* ---- the command line ---- */

/* 0, or the exit status: it was said. */
static int
task_open(struct task_tool *tool)
{
    char error[KAFKA_ERROR_BYTES] = "";

    if (reach_open(&tool->reach) != 0)
        return 2;
    tool->group = kafka_name(tool->reach.config->prefix, "-tickets");
    state_topic_init(&tool->state, &tool->reach.kafka, &tool->reach.topics, tool->group, NULL);
    tool->open = true;
    if (state_topic_open(&tool->state, error) == 0)
        tool->partitions_count = kafka_partitions_count(
            tool->state.consumer, tool->reach.topics.names[TOPIC_TICKETS], TASK_ANSWER_MS, error);
    if (tool->partitions_count > 0)
        return 0;
    fprintf(stderr, "slactl task: %s at %s: %s\n", tool->reach.topics.names[TOPIC_TICKETS],
            tool->reach.kafka.brokers, error[0] != '\0' ? error : "no such topic");
    return error[0] != '\0' ? COMMAND_NO_ANSWER : COMMAND_FAILED;
}

static bool
task_read_from(const char *text, enum task_from *ret_from)
{
    for (int i = TASK_FROM_MARKER; i <= TASK_FROM_END; i++)
        if (strcmp(text, task_from_texts[i]) == 0) {
            *ret_from = (enum task_from)i;
            return true;
        }
    return false;
}

/* What follows the options: the verb, and the partition it is about. */
static bool
task_read_words(int count, char **words, struct task_request *request)
{
    char *end = NULL;

    if (count < 1)
        return false;
    request->verb = words[0];
    if (strcmp(request->verb, "list") == 0)
        return count == 1;
    if ((strcmp(request->verb, "adopt") != 0 && strcmp(request->verb, "fresh") != 0) || count != 2)
        return false;
    request->scores = strcmp(words[1], "scores") == 0;
    if (request->scores)
        return request->from != TASK_FROM_MARKER;
    request->partition = (int32_t)strtol(words[1], &end, 10);
    return end != words[1] && *end == '\0';
}

/* -1: go on; else the exit status. */
static int
task_read_options(int argc, char **argv, struct reach *reach, struct task_request *request)
{
    int option;
    bool good = true;

    while ((option = command_next(&task_command, argc, argv)) != COMMAND_END)
        switch (option) {
        case 'f':
            good &= task_read_from(optarg, &request->from);
            break;
        case 'y':
            request->by = optarg;
            break;
        case 'w':
            request->wait_s = strtol(optarg, NULL, 10);
            break;
        case COMMAND_HELP:
            return COMMAND_DONE;
        default:
            if (!reach_take_option(reach, option, optarg))
                return COMMAND_REFUSED;
        }
    if (good && task_read_words(argc - optind, argv + optind, request) && request->wait_s >= 0)
        return -1;
    return command_refuse(&task_command, "expected list, or adopt or fresh and a partition, or scores");
}

static int
task_run(int argc, char **argv)
{
    const char *user = getenv("USER");
    struct task_request request = {.by = user != NULL ? user : "slactl", .wait_s = TASK_WAIT_S};
    struct task_tool tool = {0};
    int status = task_read_options(argc, argv, &tool.reach, &request);

    if (status < 0) {
        status = task_open(&tool);
        if (status == 0)
            status = strcmp(request.verb, "list") == 0 ? task_list(&tool)
                     : request.scores                  ? task_scores_settle(&tool.reach, &request)
                                                       : task_settle(&tool, &request);
    }
    if (tool.open)
        state_topic_done(&tool.state);
    memory_free(tool.group);
    reach_close(&tool.reach);
    return status;
}
