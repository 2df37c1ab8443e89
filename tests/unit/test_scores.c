/* The score side: who counts, where, from when to when; joins; revisions; publication. */
#include "../support/unit.h"
#include "../support/scores.h"

#define OPEN_POLICY "{min_answers: 5, windows: [24h, 7d], scopes: [[], [customer], [touchpoint, user_group]]}"

static const struct scores_sink silent = {0};

static void
feed(struct house *house, const struct event *event)
{
    struct engine_answer answer = scores_feedback(house->scores, event, event->at_ms);

    assert_int_equal(answer.error, ERROR_NONE);
    assert_int_not_equal(answer.disposition, ENGINE_REFUSED);
}

static void
give(struct house *house, int64_t at_ms, const char *id, const char *scale, int32_t score)
{
    struct event event = house_answer(house, at_ms, id, scale, score);

    feed(house, &event);
}

static void
near(double value, double expected)
{
    if (value < expected - 0.00005 || value > expected + 0.00005)
        fail_msg("%.9f, expected %.9f", value, expected);
}

/* SC-62: 10 9 8 6 3 is 0; the 6 becomes a 9: +40; a late answer leaves exactly 24 h after its stamp. */
static void
test_sc_62(void **state)
{
    struct house house;
    struct score_record record;
    struct event event;
    const int64_t now_ms = T0_MS + 100;

    (void)state;
    house_open(&house, OPEN_POLICY, silent);
    give(&house, T0_MS - 4, "a", "nps", 10);
    give(&house, T0_MS - 3, "b", "nps", 9);
    give(&house, T0_MS - 2, "c", "nps", 8);
    give(&house, T0_MS - 1, "d", "nps", 6);
    record = house_read(&house, "24h", T0_MS);
    assert_true(record.insufficient);
    assert_false(record.nps.present);
    assert_int_equal(record.n, 4);
    give(&house, T0_MS, "e", "nps", 3);
    record = house_read(&house, "24h", T0_MS);
    assert_false(record.insufficient);
    near(record.nps.value, 0);
    assert_int_equal(record.nps.promoters, 2);
    assert_int_equal(record.nps.detractors, 2);
    give(&house, T0_MS + 1, "d", "nps", 9);
    record = house_read(&house, "24h", now_ms);
    near(record.nps.value, 40);
    assert_int_equal(record.nps.n, 5);

    event = house_answer(&house, now_ms - (DAY_MS - 60000), "late", "nps", 0);
    assert_int_equal(scores_feedback(house.scores, &event, now_ms).disposition, ENGINE_APPLIED);
    event = house_answer(&house, now_ms - DAY_MS, "gone", "nps", 0);
    assert_int_equal(scores_feedback(house.scores, &event, now_ms).disposition, ENGINE_APPLIED);
    assert_int_equal(house_read(&house, "24h", now_ms).n, 6);
    assert_int_equal(house_read(&house, "7d", now_ms).n, 7);
    assert_int_equal(house_read(&house, "24h", now_ms + 59999).n, 6);
    assert_int_equal(house_read(&house, "24h", now_ms + 60000).n, 5);
    scores_check(house.scores);
    house_close(&house);
}

/* SC-63: both are kept, the latest counts; one person on two tickets counts once under respondent. */
static void
test_sc_63(void **state)
{
    static const struct {
        const char *policy;
        int64_t n, positive;
    } rows[] = {
        {"{min_answers: 1, windows: [7d], one_answer_per: ticket}", 2, 2},
        {"{min_answers: 1, windows: [7d], one_answer_per: respondent}", 1, 1},
        {"{min_answers: 1, windows: [7d], one_answer_per: cycle}", 3, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct house house;
        struct score_record record;
        struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_SOLVED, T0_MS);
        struct event event;

        house_open(&house, rows[i].policy, silent);
        scores_ticket(house.scores, &ticket, T0_MS);
        event = house_answer(&house, T0_MS + HOUR_MS, "f-1", "nps", 3);
        event.ticket = slice_of("T1");
        event.feedback.respondent = slice_of("u-77");
        feed(&house, &event);
        ticket = house_ticket("T1", 2, TICKET_OPEN, T0_MS + 2 * HOUR_MS);
        scores_ticket(house.scores, &ticket, T0_MS + 2 * HOUR_MS);
        ticket = house_ticket("T1", 3, TICKET_SOLVED, T0_MS + 3 * HOUR_MS);
        ticket.reopens = 1;
        scores_ticket(house.scores, &ticket, T0_MS + 3 * HOUR_MS);
        event = house_answer(&house, T0_MS + 24 * HOUR_MS, "f-2", "nps", 9);
        event.ticket = slice_of("T1");
        event.feedback.respondent = slice_of("u-77");
        feed(&house, &event);
        event = house_answer(&house, T0_MS + 25 * HOUR_MS, "f-3", "nps", 10);
        event.ticket = slice_of("T2");
        event.feedback.respondent = slice_of("u-77");
        feed(&house, &event);
        record = house_read(&house, "7d", T0_MS + 26 * HOUR_MS);
        assert_int_equal(record.n, rows[i].n);
        assert_int_equal(record.people, 1);
        assert_int_equal(record.px.positive, rows[i].positive);
        scores_check(house.scores);
        house_close(&house);
    }
}

/* The later answer withdrawn: the one before it counts again. An older event than the last of its id does
 * nothing. */
static void
test_withdrawn(void **state)
{
    struct house house;
    struct event event;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h]}", silent);
    for (int i = 0; i < 2; i++) {
        event = house_answer(&house, T0_MS + i, i == 0 ? "f-1" : "f-2", "stars5", i == 0 ? 2 : 5);
        event.ticket = slice_of("T1");
        feed(&house, &event);
    }
    assert_int_equal(house_read(&house, "24h", T0_MS + 1).csat.sum, 5);
    event = house_event(&house, EVENT_FEEDBACK_WITHDRAWN, T0_MS + 10, "f-2");
    event.ticket = slice_of("T1");
    feed(&house, &event);
    assert_int_equal(house_read(&house, "24h", T0_MS + 10).csat.sum, 2);
    event = house_answer(&house, T0_MS + 9, "f-2", "stars5", 4);
    event.ticket = slice_of("T1");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS + 11).disposition, ENGINE_NO_EFFECT);
    assert_int_equal(house_read(&house, "24h", T0_MS + 11).csat.sum, 2);
    event = house_answer(&house, T0_MS + 12, "f-2", "stars5", 4); /* given again */
    event.ticket = slice_of("T1");
    feed(&house, &event);
    assert_int_equal(house_read(&house, "24h", T0_MS + 12).csat.sum, 4);
    assert_int_equal(house_read(&house, "24h", T0_MS + 12).csat.n, 1);
    scores_check(house.scores);
    house_close(&house);
}

static void
test_refused(void **state)
{
    struct house house;
    struct event event;
    const struct feedback_aspect aspects[] = {{{"speed", 5}, 6}};

    (void)state;
    house_open(&house, "{scales: {delight4: {positive: [4], neutral: [3], negative: [1, 2]}}}", silent);
    event = house_answer(&house, T0_MS, "a", "stars6", 3);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).error, ERROR_UNKNOWN_SCALE);
    event = house_answer(&house, T0_MS, "a", "stars5", 0);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).error, ERROR_NUMBER_OUT_OF_RANGE);
    event = house_answer(&house, T0_MS, "a", "delight4", 5);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).error, ERROR_NUMBER_OUT_OF_RANGE);
    event = house_answer(&house, T0_MS, "a", "stars5", 5);
    event.feedback.aspects = aspects;
    event.feedback.aspects_count = 1;
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).error, ERROR_NUMBER_OUT_OF_RANGE);
    event = house_event(&house, EVENT_FEEDBACK_SUBMITTED, T0_MS, "a");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).error, ERROR_MISSING_FIELD);
    event = house_answer(&house, T0_MS, "a", "delight4", 4);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_APPLIED);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_DUPLICATE);
    event.feedback.id = slice_of("another"); /* the same (source, id) */
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_DUPLICATE);
    assert_int_equal(house_read(&house, "24h", T0_MS).px.positive, 1);
    house_close(&house);
}

/* ---- the join ---- */

struct told {
    struct answer_outcome last;
    char customer[32];
    int count;
    int alerts[5];
};

static void
hear_answer(void *context, const struct answer_outcome *outcome)
{
    struct told *told = context;
    struct slice customer = outcome->attributes[ATTRIBUTE_CUSTOMER];

    told->last = *outcome;
    snprintf(told->customer, sizeof told->customer, "%.*s", (int)customer.bytes,
             customer.at == NULL ? "" : customer.at);
    told->count++;
}

static void
hear_detractor(void *context, const struct score_detractor *alert)
{
    ((struct told *)context)->alerts[alert->state]++;
}

/* An answer before its ticket counts where it can, and is revised when the ticket turns up. What it says
 * itself stays. */
static void
test_join(void **state)
{
    struct told told = {0};
    struct house house;
    struct event event;
    struct ticket_outcome ticket;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h], scopes: [[], [customer], [user_group], [source]]}",
               (struct scores_sink){.context = &told, .answer = hear_answer});
    event = house_answer(&house, T0_MS, "f-1", "nps", 10);
    event.ticket = slice_of("T1");
    house_attribute(&event, ATTRIBUTE_USER_GROUP, "stores");
    feed(&house, &event);
    assert_int_equal(house_read(&house, "24h", T0_MS).n, 1);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "acme", "24h", T0_MS).n, 0);
    ticket = house_ticket("T1", 1, TICKET_OPEN, T0_MS - HOUR_MS);
    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    ticket.attributes[ATTRIBUTE_USER_GROUP] = slice_of("warehouse");
    scores_ticket(house.scores, &ticket, T0_MS + 1);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.last.arrival.revision, 2);
    assert_string_equal(told.customer, "acme");
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "acme", "24h", T0_MS + 1).n, 1);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_USER_GROUP, "stores", "24h", T0_MS + 1).n, 1);
    assert_int_equal(house_read_one(&house, ATTRIBUTES_COUNT, "desk", "24h", T0_MS + 1).n, 1);
    /* The ticket moves on: the answer stays with what was true when it was given ... */
    ticket = house_ticket("T1", 2, TICKET_OPEN, T0_MS + 5);
    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("globex");
    scores_ticket(house.scores, &ticket, T0_MS + 5);
    assert_int_equal(told.count, 2);
    /* ... and moves when late proof says that it was otherwise. */
    ticket = house_ticket("T1", 3, TICKET_OPEN, T0_MS - 5);
    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("initech");
    scores_ticket(house.scores, &ticket, T0_MS + 6);
    assert_int_equal(told.count, 3);
    assert_string_equal(told.customer, "initech");
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "acme", "24h", T0_MS + 6).n, 0);
    scores_check(house.scores);
    house_close(&house);
}

static void
test_erased(void **state)
{
    struct told told = {0};
    struct house house;
    struct event event;
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_SOLVED, T0_MS);

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h]}",
               (struct scores_sink){.context = &told, .answer = hear_answer});
    scores_ticket(house.scores, &ticket, T0_MS);
    event = house_answer(&house, T0_MS + 1, "f-1", "nps", 10);
    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-77");
    feed(&house, &event);
    assert_non_null(told.last.feedback.respondent.at);
    ticket.arrival.revision = 2;
    ticket.erased = true;
    scores_ticket(house.scores, &ticket, T0_MS + 2);
    assert_int_equal(told.count, 2);
    assert_null(told.last.feedback.respondent.at);
    assert_int_equal(house_read(&house, "24h", T0_MS + 2).n, 1);
    scores_check(house.scores);
    house_close(&house);
}

/* An answer stamped ahead is a fact at once and counts from its own time on; a nearer one in between does not
 * hide it. */
static void
test_stamped_ahead(void **state)
{
    struct told told = {0};
    struct house house;
    struct event event;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h]}",
               (struct scores_sink){.context = &told, .answer = hear_answer});
    event = house_answer(&house, T0_MS + HOUR_MS, "f-1", "stars5", 1);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_WAITS);
    assert_int_equal(told.count, 1);
    assert_int_equal(house_read(&house, "24h", T0_MS).n, 0);
    event = house_answer(&house, T0_MS + 1, "f-1", "stars5", 4);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS + 1).disposition, ENGINE_APPLIED);
    assert_int_equal(told.count, 3); /* what waits is said again, with a revision after this one */
    assert_int_equal(house_read(&house, "24h", T0_MS + HOUR_MS - 1).csat.sum, 4);
    assert_int_equal(house_read(&house, "24h", T0_MS + HOUR_MS).csat.sum, 1);
    assert_int_equal(house_read(&house, "24h", T0_MS + HOUR_MS).csat.n, 1);
    house_close(&house);
}

/* Its ticket moves on while it waits: that is said at once, as of any answer, and when its time comes it
 * carries what holds then. Were it said then, a log read back at another T would look for it in vain. */
static void
test_ticket_changes_meanwhile(void **state)
{
    struct told told = {0};
    struct house house;
    struct event event;
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_OPEN, T0_MS);

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h], scopes: [[customer]]}",
               (struct scores_sink){.context = &told, .answer = hear_answer});
    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    scores_ticket(house.scores, &ticket, T0_MS);
    event = house_answer(&house, T0_MS + HOUR_MS, "f-1", "stars5", 4);
    event.ticket = slice_of("T1");
    (void)scores_feedback(house.scores, &event, T0_MS);
    assert_string_equal(told.customer, "acme");
    ticket = house_ticket("T1", 2, TICKET_OPEN, T0_MS + 5);
    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("globex");
    scores_ticket(house.scores, &ticket, T0_MS + 5);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.last.arrival.revision, 2);
    assert_string_equal(told.customer, "globex");
    scores_advance(house.scores, T0_MS + HOUR_MS, SCORES_THROUGH);
    assert_int_equal(told.count, 2);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "globex", "24h", T0_MS + HOUR_MS).n, 1);
    scores_check(house.scores);
    house_close(&house);
}

/* The log holds the ticket's change but not the answer's revision: it stopped between them. */
static void
test_lost_revision(void **state)
{
    struct told told = {0};
    struct house house;
    struct answer_outcome answer = {.feedback = {.id = slice_of("f-1"),
                                                 .survey = slice_of("post-ticket"),
                                                 .scale = slice_of("stars5"),
                                                 .has_score = true,
                                                 .score = 4},
                                    .ticket = slice_of("T1"),
                                    .source = slice_of("desk"),
                                    .answer_class = ANSWER_POSITIVE,
                                    .answered_at_ms = T0_MS,
                                    .arrival = {.detected_at_ms = T0_MS, .revision = 1}};
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_OPEN, T0_MS - 1);

    (void)state;
    for (int order = 0; order < 2; order++) {
        told = (struct told){0};
        house_open(&house, "{min_answers: 1, windows: [24h], scopes: [[customer]]}",
                   (struct scores_sink){.context = &told, .answer = hear_answer});
        scores_set_rebuilding(house.scores, true, 0);
        answer.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
        ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("globex");
        if (order == 0)
            scores_answer(house.scores, &answer, T0_MS);
        scores_ticket(house.scores, &ticket, T0_MS);
        if (order == 1)
            scores_answer(house.scores, &answer, T0_MS);
        assert_int_equal(told.count, 0);
        scores_set_rebuilding(house.scores, false, T0_MS + 1);
        assert_int_equal(told.count, 1);
        assert_int_equal(told.last.arrival.revision, 2);
        assert_int_equal(told.last.arrival.detected_at_ms, T0_MS + 1);
        assert_string_equal(told.customer, "globex");
        scores_set_rebuilding(house.scores, true, T0_MS + 2); /* once is enough */
        scores_set_rebuilding(house.scores, false, T0_MS + 2);
        assert_int_equal(told.count, 1);
        scores_check(house.scores);
        house_close(&house);
    }
}

/* The same for an answer stamped ahead, whether or not its time has come where the log is read back: a reader
 * whose clock is late expects the very revisions that one whose clock is right does. */
static void
test_lost_revision_ahead(void **state)
{
    struct told told = {0};
    struct house house;
    struct answer_outcome answer = {.feedback = {.id = slice_of("f-1"),
                                                 .survey = slice_of("post-ticket"),
                                                 .scale = slice_of("stars5"),
                                                 .has_score = true,
                                                 .score = 4},
                                    .ticket = slice_of("T1"),
                                    .source = slice_of("desk"),
                                    .answer_class = ANSWER_POSITIVE,
                                    .answered_at_ms = T0_MS + HOUR_MS};
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_OPEN, T0_MS - 1);

    (void)state;
    for (unsigned turn = 0; turn < 8; turn++) {
        int64_t t_ms = (turn & 1) != 0 ? T0_MS : T0_MS + 2 * HOUR_MS; /* when it is read back */
        bool ticket_first = (turn & 2) != 0, lost = (turn & 4) != 0;

        told = (struct told){0};
        house_open(&house, "{min_answers: 1, windows: [24h], scopes: [[customer]]}",
                   (struct scores_sink){.context = &told, .answer = hear_answer});
        scores_set_rebuilding(house.scores, true, 0);
        answer.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
        answer.arrival.revision = 1;
        ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("globex");
        if (ticket_first)
            scores_ticket(house.scores, &ticket, t_ms);
        scores_answer(house.scores, &answer, t_ms);
        if (!ticket_first)
            scores_ticket(house.scores, &ticket, t_ms);
        answer.attributes[ATTRIBUTE_CUSTOMER] = slice_of("globex");
        answer.arrival.revision = 2;
        if (!lost)
            scores_answer(house.scores, &answer, t_ms);
        scores_set_rebuilding(house.scores, false, t_ms + 1);
        assert_int_equal(told.count, lost);
        scores_advance(house.scores, T0_MS + 3 * HOUR_MS, SCORES_THROUGH);
        assert_int_equal(told.count, lost);
        assert_true(!lost || told.last.arrival.revision == 2);
        assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "globex", "24h", T0_MS + 3 * HOUR_MS).n,
                         1);
        scores_check(house.scores);
        house_close(&house);
    }
}

/* ---- offers, coverage, attainment ---- */

static void
offer(struct house *house, int64_t at_ms, const char *id, const char *ticket, const char *respondent)
{
    struct event event = house_event(house, EVENT_FEEDBACK_OFFERED, at_ms, id);

    event.ticket = slice_of(ticket);
    event.feedback.respondent = slice_of(respondent);
    feed(house, &event);
}

static void
test_rates(void **state)
{
    struct house house;
    struct event event;
    struct score_record record;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h]}", silent);
    for (int i = 0; i < 4; i++) {
        char name[] = {'T', (char)('1' + i), '\0'};
        struct ticket_outcome ticket = house_ticket(name, 1, TICKET_SOLVED, T0_MS + i);
        struct verdict_outcome verdict =
            house_verdict(name, "resolution", 1, i < 3 ? VERDICT_MET : VERDICT_BREACHED,
                          i < 2 ? VERDICT_MET : VERDICT_BREACHED, T0_MS + i);

        scores_verdict(house.scores, &verdict, T0_MS + i);
        scores_ticket(house.scores, &ticket, T0_MS + i);
    }
    offer(&house, T0_MS + 10, "o-1", "T1", "u-1");
    offer(&house, T0_MS + 11, "o-2", "T2", "u-2");
    offer(&house, T0_MS + 12, "o-1b", "T1", "u-1"); /* a reminder is the same offer */
    event = house_answer(&house, T0_MS + 20, "o-1", "stars5", 5);
    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-1");
    event.feedback.has_lost_minutes = true;
    event.feedback.lost_minutes = 45;
    feed(&house, &event);
    record = house_read(&house, "24h", T0_MS + 20);
    assert_int_equal(record.response_rate.hits, 1);
    assert_int_equal(record.response_rate.n, 2);
    assert_int_equal(record.coverage.hits, 2);
    assert_int_equal(record.coverage.n, 4);
    assert_int_equal(record.coverage_met.n, 3);
    assert_int_equal(record.coverage_breached.hits, 0);
    assert_int_equal(record.coverage_breached.n, 1);
    assert_int_equal(record.lost_minutes.sum, 45);
    assert_int_equal(record.clocks_count, 1);
    near(record.attainment_contract.value, 0.75);
    near(record.attainment_honest.value, 0.5);
    near(record.attainment_gap, 0.25);
    event = house_event(&house, EVENT_FEEDBACK_WITHDRAWN, T0_MS + 30, "o-1");
    event.ticket = slice_of("T1");
    feed(&house, &event);
    assert_int_equal(house_read(&house, "24h", T0_MS + 30).response_rate.hits, 0);
    {
        struct ticket_outcome reopened = house_ticket("T4", 2, TICKET_OPEN, T0_MS + 40);
        struct verdict_outcome open =
            house_verdict("T4", "resolution", 2, VERDICT_OPEN, VERDICT_OPEN, T0_MS + 40);

        scores_ticket(house.scores, &reopened, T0_MS + 40);
        scores_verdict(house.scores, &open, T0_MS + 40);
    }
    record = house_read(&house, "24h", T0_MS + 40);
    assert_int_equal(record.coverage.n, 3);
    near(record.attainment_contract.value, 1);
    record = house_read(&house, "24h", T0_MS + 2 + DAY_MS); /* exactly: T3 leaves with its millisecond */
    assert_int_equal(record.coverage.n, 0);
    assert_int_equal(house_read(&house, "24h", T0_MS + 1 + DAY_MS).clocks_count,
                     0); /* time does not go back */
    scores_check(house.scores);
    house_close(&house);
}

static void
test_aspects_and_impact(void **state)
{
    struct house house;
    struct score_record record;
    const struct feedback_aspect aspects[] = {{{"speed", 5}, 5}, {{"clarity", 7}, 2}};

    (void)state;
    house_open(&house,
               "{min_answers: 2, windows: [24h], neutral: excluded, scopes: [[], [touchpoint, user_group]], "
               "targets: {px: 90%, nps: 30}}",
               silent);
    for (int i = 0; i < 3; i++) {
        char id[] = {'f', (char)('0' + i), '\0'};
        struct event event = house_answer(&house, T0_MS + i, id, "stars5", 3 + i);

        event.feedback.aspects = aspects;
        event.feedback.aspects_count = i == 0 ? 1 : 2;
        event.feedback.touchpoint = slice_of("resolution");
        house_attribute(&event, ATTRIBUTE_USER_GROUP, "stores");
        feed(&house, &event);
    }
    record = house_read(&house, "24h", T0_MS + 2);
    assert_int_equal(record.n, 3);
    assert_int_equal(record.people, 3);
    assert_int_equal(record.px.n, 2); /* the 3 is neutral */
    near(record.px.value, 1);
    near(record.impact_px, 0.2);
    near(record.csat.value, 4);
    assert_false(record.has_impact_nps);
    assert_int_equal(record.aspects_count, 2);
    assert_true(slice_is(record.aspects[0].name, "clarity"));
    near(record.aspects[0].px.value, 0);
    near(record.aspects[0].impact, -1.8);
    near(record.aspects[1].mean.value, 5);
    assert_int_equal(record.aspects[1].px.n, 3);
    house_close(&house);
}

/* The last answer with an aspect says it no more: its series is empty, and is read all the same. */
static void
test_aspect_goes(void **state)
{
    static const struct feedback_aspect aspects[] = {{{"speed", 5}, 5}};
    struct house house;
    struct event event;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h]}", silent);
    event = house_answer(&house, T0_MS, "f-1", "stars5", 5);
    event.feedback.aspects = aspects;
    event.feedback.aspects_count = 1;
    feed(&house, &event);
    assert_int_equal(house_read(&house, "24h", T0_MS).aspects_count, 1);
    give(&house, T0_MS + 1, "f-1", "stars5", 4);
    assert_int_equal(house_read(&house, "24h", T0_MS + 1).aspects_count, 0);
    assert_int_equal(house_read(&house, "24h", T0_MS + 1).n, 1);
    house_close(&house);
}

/* Months begin with their first local midnight, that instant included (R65). Berlin, 2026-12-01T00:00+01:00.
 */
static void
test_month(void **state)
{
    struct house house;
    const int64_t midnight_ms = INT64_C(1796079600000);

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [month, quarter], time_zone: Europe/Berlin}", silent);
    give(&house, midnight_ms - 1, "a", "nps", 10);
    give(&house, midnight_ms, "b", "nps", 0);
    assert_int_equal(house_read(&house, "month", midnight_ms).n, 1);
    assert_int_equal(house_read(&house, "month", midnight_ms).nps.detractors, 1);
    assert_int_equal(house_read(&house, "quarter", midnight_ms).n, 2);
    assert_true(house_read(&house, "month", midnight_ms).change_nps.present);
    near(house_read(&house, "month", midnight_ms).change_nps.previous, 100);
    assert_int_equal(house_read(&house, "quarter", midnight_ms + 31 * DAY_MS).n, 0);
    house_close(&house);
}

/* ---- publication ---- */

struct published {
    int count;
    int64_t at_ms[64], n[64];
};

static void
hear_score(void *context, const struct score_record *record)
{
    struct published *published = context;

    assert_in_range(published->count, 0, 63);
    published->at_ms[published->count] = record->at_ms;
    published->n[published->count++] = record->n;
}

/* On change, at most once a second, and to the millisecond when something leaves. */
static void
test_publication(void **state)
{
    struct published published = {0};
    struct house house;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h]}",
               (struct scores_sink){.context = &published, .score = hear_score});
    give(&house, T0_MS, "a", "nps", 10);
    scores_advance(house.scores, T0_MS, SCORES_THROUGH);
    assert_int_equal(published.count, 1);
    give(&house, T0_MS + 100, "b", "nps", 10);
    give(&house, T0_MS + 200, "c", "nps", 10);
    scores_advance(house.scores, T0_MS + 999, SCORES_THROUGH);
    assert_int_equal(published.count, 1);
    assert_int_equal(scores_next_ms(house.scores), T0_MS + 1000);
    scores_advance(house.scores, T0_MS + 1000, SCORES_BEFORE);
    assert_int_equal(published.count, 1);
    scores_advance(house.scores, T0_MS + 1000, SCORES_THROUGH);
    assert_int_equal(published.count, 2);
    assert_int_equal(published.n[1], 3);
    scores_advance(house.scores, T0_MS + 3 * DAY_MS, SCORES_THROUGH);
    /* a leaves; b and c leave within the same second; then they fade from the window before. */
    assert_int_equal(published.at_ms[2], T0_MS + DAY_MS);
    assert_int_equal(published.n[2], 2);
    assert_int_equal(published.at_ms[3], T0_MS + DAY_MS + 1000);
    assert_int_equal(published.n[3], 0);
    assert_int_equal(published.count, 6);
    assert_int_equal(scores_next_ms(house.scores), INT64_MAX);
    scores_publish_all(house.scores, T0_MS + 3 * DAY_MS); /* nothing is left of the scope */
    assert_int_equal(published.count, 6);
    give(&house, T0_MS + 3 * DAY_MS, "d", "nps", 10);
    scores_publish_all(house.scores, T0_MS + 3 * DAY_MS);
    assert_int_equal(published.count, 7);
    assert_int_equal(published.n[6], 1);
    house_close(&house);
}

static void
test_detractor(void **state)
{
    struct told told = {0};
    struct house house;
    struct event event;

    (void)state;
    house_open(&house, "{detractor_alert: true}",
               (struct scores_sink){.context = &told, .detractor = hear_detractor});
    give(&house, T0_MS, "f-1", "nps", 2);
    give(&house, T0_MS, "f/2", "stars5", 5);
    assert_int_equal(told.alerts[ALERT_FIRING], 1);
    event = house_event(&house, EVENT_ALERT_ACKNOWLEDGED, T0_MS + 1, "");
    event.alert = slice_of("acme/experience/post-ticket/f-1/detractor");
    event.by = slice_of("a-3");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS + 1).disposition, ENGINE_APPLIED);
    assert_int_equal(told.alerts[ALERT_ACKNOWLEDGED], 1);
    event.id = slice_of("second");
    event.alert = slice_of("acme/experience/post-ticket/f%2F2/detractor");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS + 1).disposition, ENGINE_NO_EFFECT);
    event.id = slice_of("third");
    event.alert = slice_of("acme/experience/post-ticket/f-3/detractor");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS + 1).error, ERROR_UNKNOWN_ALERT);
    give(&house, T0_MS + 2, "f-1", "nps", 9);
    assert_int_equal(told.alerts[ALERT_RESOLVED], 1);
    give(&house, T0_MS + 3, "f/2", "stars5", 1);
    event = house_event(&house, EVENT_FEEDBACK_WITHDRAWN, T0_MS + 4, "f/2");
    feed(&house, &event);
    assert_int_equal(told.alerts[ALERT_FIRING], 2);
    assert_int_equal(told.alerts[ALERT_WITHDRAWN], 1);
    house_close(&house);
}

/* What no window can see any more is gone, and its names with it. */
static void
test_retired(void **state)
{
    struct house house;
    struct scores_figures figures;

    (void)state;
    house_open(&house, "{min_answers: 1, windows: [24h], scopes: [[], [customer]]}", silent);
    for (int i = 0; i < 200; i++) {
        char id[16];
        struct event event;
        struct ticket_outcome ticket;

        snprintf(id, sizeof id, "x-%d", i);
        ticket = house_ticket(id, 1, TICKET_CLOSED, T0_MS + i * HOUR_MS);
        ticket.final = true;
        scores_ticket(house.scores, &ticket, T0_MS + i * HOUR_MS);
        event = house_answer(&house, T0_MS + i * HOUR_MS, id, "nps", i % 11);
        event.ticket = slice_of(id);
        event.feedback.respondent = slice_of(i % 2 == 0 ? "even" : "odd");
        house_attribute(&event, ATTRIBUTE_CUSTOMER, id);
        feed(&house, &event);
    }
    scores_check(house.scores);
    scores_figures(house.scores, &figures);
    assert_in_range(figures.answers, 48, 60);
    assert_in_range(figures.tickets, 48, 60);
    assert_in_range(figures.scopes, 48, 62);
    scores_advance(house.scores, T0_MS + 400 * HOUR_MS, SCORES_THROUGH);
    scores_figures(house.scores, &figures);
    assert_int_equal(figures.answers + figures.tickets + figures.entries + figures.people + figures.contexts,
                     0);
    house_close(&house);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sc_62),
        cmocka_unit_test(test_sc_63),
        cmocka_unit_test(test_withdrawn),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_erased),
        cmocka_unit_test(test_stamped_ahead),
        cmocka_unit_test(test_ticket_changes_meanwhile),
        cmocka_unit_test(test_lost_revision),
        cmocka_unit_test(test_lost_revision_ahead),
        cmocka_unit_test(test_aspect_goes),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_aspects_and_impact),
        cmocka_unit_test(test_month),
        cmocka_unit_test(test_publication),
        cmocka_unit_test(test_detractor),
        cmocka_unit_test(test_retired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
