/* Lines as `slactl replay` reads them, through the decoder into the engine and the score task under one rich
 * policy, timers between: nothing breaks, no light step differs from the history, and when all is freed every
 * symbol is given back. */
#include "base/instant.h"
#include "fuzz_policy_rich.h"
#include "slad/engine.h"
#include "slad/scores.h"
#include "wire/effect.h"
#include "wire/event_read.h"
#include "wire/score_json.h"

struct stage {
    struct engine *engine;
    struct scores *scores;
    struct event_reader *reader;
    struct buffer out;
    int64_t t_ms;
};

static void
on_alert(void *context, const struct alert *alert)
{
    struct stage *stage = context;

    must(alert->effective_at_ms <= alert->arrival.detected_at_ms);
    buffer_reset(&stage->out);
    effect_print_alert(&stage->out, alert);
}

static void
on_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct stage *stage = context;

    buffer_reset(&stage->out);
    effect_print_verdict(&stage->out, outcome);
    scores_verdict(stage->scores, outcome, outcome->arrival.detected_at_ms);
}

static void
on_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct stage *stage = context;

    buffer_reset(&stage->out);
    effect_print_ticket(&stage->out, outcome);
    scores_ticket(stage->scores, outcome, outcome->arrival.detected_at_ms);
}

static void
on_answer(void *context, const struct answer_outcome *outcome)
{
    struct stage *stage = context;

    buffer_reset(&stage->out);
    effect_print_answer(&stage->out, outcome);
}

static void
on_score(void *context, const struct score_record *record)
{
    struct stage *stage = context;

    buffer_reset(&stage->out);
    score_json_print(&stage->out, record);
}

static void
open_stage(struct stage *stage, const struct fuzz_policy *policies)
{
    struct engine_options engine = engine_options_of_history(policies->symbols);
    struct scores_options scores = {.symbols = policies->symbols,
                                    .sink = {.context = stage, .answer = on_answer, .score = on_score},
                                    .publish_every_ms = 3600000,
                                    .allowed_skew_ms = -1,
                                    .accept_age_ms = -1};

    engine.sink =
        (struct engine_sink){.context = stage, .alert = on_alert, .verdict = on_verdict, .ticket = on_ticket};
    engine.hot_tickets_max = 2;
    engine.self_check = engine.keep_retired = engine.stepwise = true;
    *stage = (struct stage){.t_ms = INSTANT_MIN_MS};
    stage->engine = engine_new(&engine, policies->set);
    stage->scores = scores_new(&scores, policies->set);
    stage->reader = event_reader_new();
}

static void
close_stage(struct stage *stage)
{
    struct engine_figures figures;

    engine_figures(stage->engine, &figures);
    must(figures.self_check_differences == 0);
    engine_free(stage->engine);
    scores_free(stage->scores);
    event_reader_free(stage->reader);
    buffer_free(&stage->out);
}

static void
take_line(struct stage *stage, struct slice line)
{
    char detail[EVENT_DETAIL_BYTES];
    struct event event;
    int64_t arrived_ms;

    if (event_read(stage->reader, line, NULL, EVENT_TOPIC_BOTH, &event, detail) != ERROR_NONE)
        return;
    if (!event_reader_arrived_at(stage->reader, &arrived_ms))
        arrived_ms = event.at_ms;
    stage->t_ms = arrived_ms > stage->t_ms ? arrived_ms : stage->t_ms;
    (void)engine_advance(stage->engine, stage->t_ms, ENGINE_BEFORE, SIZE_MAX);
    if (event_read_topic(&event) == EVENT_TOPIC_TICKETS)
        (void)engine_event(stage->engine, &event, stage->t_ms);
    else
        (void)scores_feedback(stage->scores, &event, stage->t_ms);
}

static void
on_clock(void *context, const struct clock_line *line)
{
    struct stage *stage = context;
    int64_t sum_ms = 0;

    buffer_reset(&stage->out);
    effect_print_clock(&stage->out, line);
    for (unsigned i = 0; i < PARTIES_COUNT; i++)
        sum_ms += line->figures.by_party[i].wall_ms;
    if (line->figures.started_at_ms != INSTANT_NONE)
        must(sum_ms ==
             (line->figures.stopped_at_ms != INSTANT_NONE ? line->figures.stopped_at_ms : stage->t_ms) -
                 line->figures.started_at_ms);
}

static void
finish(struct stage *stage)
{
    struct ticket *ticket;
    size_t cursor = 0;

    (void)engine_advance(stage->engine, stage->t_ms, ENGINE_THROUGH, SIZE_MAX);
    while ((ticket = engine_each(stage->engine, &cursor)) != NULL)
        engine_clock_lines(stage->engine, ticket, stage->t_ms, on_clock, stage);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct fuzz_policy policies;
    struct slice rest = {(const char *)bytes, count};
    static size_t symbols;
    struct stage stage;

    if (policies.set == NULL) {
        fuzz_policy_rich_load(&policies);
        symbols = symbols_count(policies.symbols);
    }
    open_stage(&stage, &policies);
    while (rest.bytes > 0) {
        const char *end = memchr(rest.at, '\n', rest.bytes);
        size_t length = end != NULL ? (size_t)(end - rest.at) : rest.bytes;

        take_line(&stage, (struct slice){rest.at, length});
        rest.at += length + (end != NULL);
        rest.bytes -= length + (end != NULL);
    }
    if (stage.t_ms > INSTANT_MIN_MS)
        finish(&stage);
    close_stage(&stage);
    must(symbols_count(policies.symbols) == symbols);
    return 0;
}
