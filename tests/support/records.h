#ifndef SLAD_TESTS_RECORDS_H
#define SLAD_TESTS_RECORDS_H

/* One full sample of every record, for the tests of printing and reading. */
#include "slad/effect.h"

#define SLICE(text) ((struct slice){text, sizeof text - 1})
#define NOTHING ((struct slice){NULL, 0})
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
/* 2026-11-23T08:00:00Z, a Monday */
#define MONDAY_MS INT64_C(1795420800000)

static inline void
records_set_attributes(struct slice *attributes)
{
    attributes[ATTRIBUTE_CUSTOMER] = SLICE("acme");
    attributes[ATTRIBUTE_CONTRACT] = SLICE("acme-gold");
    attributes[ATTRIBUTE_SERVICE] = SLICE("network");
    attributes[ATTRIBUTE_CATEGORY] = SLICE("incident");
    attributes[ATTRIBUTE_PRIORITY] = SLICE("P1");
    attributes[ATTRIBUTE_GROUP] = SLICE("network-l2");
    attributes[ATTRIBUTE_USER_GROUP] = SLICE("stores");
    attributes[ATTRIBUTE_CHANNEL] = NOTHING;
    attributes[ATTRIBUTE_REQUESTER] = SLICE("u-77");
    attributes[ATTRIBUTE_ASSIGNEE] = SLICE("a \"3\"\n");
    attributes[ATTRIBUTE_STATUS] = SLICE("New");
}

static inline struct clock_name
records_name(void)
{
    return (struct clock_name){SLICE("INC001"), KIND_SLA, SLICE("acme-gold"), SLICE("resolution"), 1};
}

/* Started at 09:15 UTC, breached four counted hours later, 35 minutes for the customer. */
static inline struct clock_figures
records_figures(void)
{
    struct clock_figures figures = {.state = CLOCK_BREACHED,
                                    .started_at_ms = MONDAY_MS + 75 * MINUTE_MS,
                                    .due_at_ms = MONDAY_MS + 350 * MINUTE_MS,
                                    .breached_at_ms = MONDAY_MS + 350 * MINUTE_MS,
                                    .stopped_at_ms = INSTANT_NONE,
                                    .target_ms = 4 * HOUR_MS,
                                    .elapsed_ms = 4 * HOUR_MS,
                                    .paused_ms = 35 * MINUTE_MS,
                                    .paused_wall_ms = 36 * MINUTE_MS};

    figures.by_party[PARTY_PROVIDER] = (struct party_time){5 * HOUR_MS, 3 * HOUR_MS};
    figures.by_party[PARTY_SUPPLIER] = (struct party_time){HOUR_MS, HOUR_MS};
    figures.by_party[PARTY_CUSTOMER] = (struct party_time){36 * MINUTE_MS, 35 * MINUTE_MS};
    return figures;
}

static inline struct alert
records_alert(void)
{
    struct alert alert = {.name = records_name(),
                          .stage = SLICE("breach"),
                          .state = ALERT_FIRING,
                          .severity = SEVERITY_CRITICAL,
                          .effective_at_ms = MONDAY_MS + 350 * MINUTE_MS,
                          .figures = records_figures(),
                          .turn = PARTY_PROVIDER,
                          .risk_permille = 930,
                          .policy = SLICE("2026-11@1f3a9c"),
                          .calendar = SLICE("berlin"),
                          .arrival = {MONDAY_MS + 351 * MINUTE_MS, 1, false, false}};

    records_set_attributes(alert.attributes);
    return alert;
}

static inline struct verdict_outcome
records_verdict(void)
{
    struct verdict_outcome outcome = {.name = records_name(),
                                      .measure = MEASURE_RESOLUTION,
                                      .verdict = VERDICT_MET,
                                      .ended = true,
                                      .decided_at_ms = MONDAY_MS + 350 * MINUTE_MS,
                                      .figures = records_figures(),
                                      .attainment = true,
                                      .default_counts = true,
                                      .source = SLICE("snow"),
                                      .policy = SLICE("2026-11@1f3a9c"),
                                      .excused_by = SLICE("m-1"),
                                      .excused_reason = SLICE("storm \xc3\xa4\x01"),
                                      .honest = VERDICT_BREACHED,
                                      .honest_excluded = true,
                                      .arrival = {MONDAY_MS, 3, true, true}};

    outcome.figures.state = CLOCK_MET;
    outcome.figures.stopped_at_ms = MONDAY_MS + 400 * MINUTE_MS;
    outcome.figures.overrun_ms = 50 * MINUTE_MS;
    outcome.figures.overrun_wall_ms = 51 * MINUTE_MS;
    outcome.figures.flags = FLAG_EXCUSED | FLAG_AT_RETARGET;
    records_set_attributes(outcome.attributes);
    outcome.attributes[ATTRIBUTE_STATUS] = NOTHING;
    return outcome;
}

static inline struct ticket_outcome
records_ticket(void)
{
    struct ticket_outcome outcome = {.ticket = SLICE("INC001"),
                                     .state = TICKET_SOLVED,
                                     .started_at_ms = MONDAY_MS,
                                     .solved_at_ms = MONDAY_MS + HOUR_MS,
                                     .closed_at_ms = INSTANT_NONE,
                                     .counted = true,
                                     .reopens = 2,
                                     .group_bounces = 1,
                                     .tiers_touched = 1U << 1 | 1U << 2,
                                     .first_contact_resolution = false,
                                     .by_party_wall_ms = {1, 2, 3, 4, 5},
                                     .source = NOTHING,
                                     .policy = SLICE("2026-11@1f3a9c"),
                                     .changed_at_ms = MONDAY_MS + MINUTE_MS,
                                     .arrival = {MONDAY_MS + HOUR_MS, 2, false, true}};

    records_set_attributes(outcome.attributes);
    outcome.attributes[ATTRIBUTE_STATUS] = NOTHING;
    return outcome;
}

static inline struct due_changed_outcome
records_due_changed(void)
{
    return (struct due_changed_outcome){.name = records_name(),
                                        .was_due_at_ms = MONDAY_MS,
                                        .due_at_ms = INSTANT_NONE,
                                        .from = SLICE("2026-11@1f3a9c"),
                                        .to = SLICE("2026/12@aaaaaa"),
                                        .effective_at_ms = MONDAY_MS - HOUR_MS,
                                        .arrival = {MONDAY_MS, 1, false, false}};
}

static inline struct answer_outcome
records_answer(const struct feedback_aspect *aspects, size_t aspects_count)
{
    struct answer_outcome outcome = {.feedback = {.id = SLICE("f-1"),
                                                  .survey = SLICE("post-ticket"),
                                                  .touchpoint = SLICE("resolution"),
                                                  .scale = SLICE("stars5"),
                                                  .respondent = SLICE("u-77"),
                                                  .has_score = true,
                                                  .score = 4,
                                                  .has_lost_minutes = true,
                                                  .lost_minutes = 45,
                                                  .aspects = aspects,
                                                  .aspects_count = aspects_count},
                                     .source = SLICE("survey"),
                                     .ticket = SLICE("INC001"),
                                     .answer_class = ANSWER_POSITIVE,
                                     .answered_at_ms = MONDAY_MS,
                                     .attributes_own = ATTRIBUTE_BIT(ATTRIBUTE_USER_GROUP) |
                                                       ATTRIBUTE_BIT(ATTRIBUTE_REQUESTER),
                                     .event = SLICE("e-1"),
                                     .event_source = SLICE("survey"),
                                     .arrival = {MONDAY_MS, 1, false, false}};

    records_set_attributes(outcome.attributes);
    outcome.attributes[ATTRIBUTE_STATUS] = NOTHING;
    return outcome;
}

#endif
