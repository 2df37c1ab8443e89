/*
 * The score side against a slow, obvious reference: random lives of answers, offers and tickets; every window
 * counted again from scratch at random instants; the same in another order of arrival; and rebuilt from the
 * outcomes it sent itself.
 */
#include "../support/unit.h"
#include "../support/scores.h"
#include <stdlib.h>

enum { PEOPLE = 6, TICKETS = 8, FEEDBACKS = 60, EVENTS_MAX = 150, OUTCOMES_MAX = 1024, TEXT_BYTES = 12 };

struct life {
    enum event_type type;
    int64_t at_ms;
    int feedback, ticket, person, service; /* -1: none */
    int32_t score;
    bool stars; /* else nps; a property of the feedback id */
};

/* An answer outcome with room for its texts. */
struct kept {
    bool is_ticket;
    struct answer_outcome answer;
    struct ticket_outcome ticket;
    char texts[8][40];
};

struct run {
    struct house house;
    struct kept *log;
    size_t log_count;
    bool follows; /* a rebuild sends nothing */
};

static const char *const policies[] = {
    "{min_answers: 1, windows: [1h, 6h, 24h], scopes: [[], [service], [customer, service]], one_answer_per: "
    "ticket}",
    "{min_answers: 1, windows: [1h, 6h, 24h], scopes: [[], [service], [customer, service]], one_answer_per: "
    "respondent}",
    "{min_answers: 1, windows: [1h, 6h, 24h], scopes: [[], [service], [customer, service]], one_answer_per: "
    "cycle}",
};
static const struct {
    const char *name;
    int64_t length_ms;
} windows[] = {{"1h", HOUR_MS}, {"6h", 6 * HOUR_MS}, {"24h", DAY_MS}};

static struct slice
keep_text(char *room, struct slice text)
{
    if (text.at == NULL)
        return text;
    assert_in_range(text.bytes, 0, 39);
    memcpy(room, text.at, text.bytes);
    return (struct slice){room, text.bytes};
}

static void
hear(void *context, const struct answer_outcome *outcome)
{
    struct run *run = context;
    struct kept *kept = &run->log[run->log_count++];

    assert_false(run->follows);
    assert_in_range(run->log_count, 1, OUTCOMES_MAX - 1);
    kept->is_ticket = false;
    kept->answer = *outcome;
    kept->answer.feedback.id = keep_text(kept->texts[0], outcome->feedback.id);
    kept->answer.feedback.survey = keep_text(kept->texts[1], outcome->feedback.survey);
    kept->answer.feedback.scale = keep_text(kept->texts[2], outcome->feedback.scale);
    kept->answer.feedback.respondent = keep_text(kept->texts[3], outcome->feedback.respondent);
    kept->answer.ticket = keep_text(kept->texts[4], outcome->ticket);
    kept->answer.source = keep_text(kept->texts[5], outcome->source);
    kept->answer.attributes[ATTRIBUTE_SERVICE] =
        keep_text(kept->texts[6], outcome->attributes[ATTRIBUTE_SERVICE]);
    kept->answer.attributes[ATTRIBUTE_CUSTOMER] =
        keep_text(kept->texts[7], outcome->attributes[ATTRIBUTE_CUSTOMER]);
    kept->answer.event = (struct slice){NULL, 0};
    kept->answer.event_source = (struct slice){NULL, 0};
}

static const char *
name_of(char letter, int number, char room[TEXT_BYTES])
{
    snprintf(room, TEXT_BYTES, "%c%d", letter, number);
    return room;
}

/* ---- a life ---- */

static size_t
invent(uint64_t *seed, struct life *lives)
{
    size_t count = 60 + unit_random(seed) % (EVENTS_MAX - 60);
    int64_t at_ms = T0_MS;

    for (size_t i = 0; i < count; i++) {
        struct life *life = &lives[i];
        uint64_t kind = unit_random(seed) % 10;

        /* Distinct instants, often on a whole hour from another one: edges of windows are hit exactly. */
        at_ms +=
            1 + (int64_t)(unit_random(seed) % 3 == 0 ? unit_random(seed) % 1800000 : unit_random(seed) % 3);
        life->at_ms = at_ms;
        life->feedback = (int)(unit_random(seed) % FEEDBACKS);
        life->type = kind < 7   ? EVENT_FEEDBACK_SUBMITTED
                     : kind < 8 ? EVENT_FEEDBACK_WITHDRAWN
                                : EVENT_FEEDBACK_OFFERED;
        life->stars = life->feedback % 2 == 0;
        life->ticket = life->feedback % 4 == 3 ? -1 : life->feedback % TICKETS;
        life->person = unit_random(seed) % 5 == 0 ? -1 : (int)(unit_random(seed) % PEOPLE);
        life->service = unit_random(seed) % 2 == 0 ? -1 : (int)(unit_random(seed) % 3);
        life->score = life->stars ? 1 + (int32_t)(unit_random(seed) % 5) : (int32_t)(unit_random(seed) % 11);
    }
    return count;
}

static void
feed(struct run *run, const struct life *life, size_t number, int64_t t_ms)
{
    char id[TEXT_BYTES], ticket[TEXT_BYTES], person[TEXT_BYTES], service[TEXT_BYTES], event_id[TEXT_BYTES];
    struct event event = {.type = life->type, .at_ms = life->at_ms};

    event.id = slice_of(name_of('e', (int)number, event_id));
    event.source = slice_of("prop");
    event.feedback.id = slice_of(name_of('f', life->feedback, id));
    event.feedback.survey = slice_of(life->feedback % 5 == 0 ? "first" : "second");
    if (life->type == EVENT_FEEDBACK_SUBMITTED) {
        event.feedback.scale = slice_of(life->stars ? "stars5" : "nps");
        event.feedback.has_score = true;
        event.feedback.score = life->score;
    }
    if (life->ticket >= 0)
        event.ticket = slice_of(name_of('T', life->ticket, ticket));
    if (life->person >= 0)
        event.feedback.respondent = slice_of(name_of('u', life->person, person));
    if (life->service >= 0)
        house_attribute(&event, ATTRIBUTE_SERVICE, name_of('s', life->service, service));
    (void)scores_feedback(run->house.scores, &event, t_ms);
}

static void
give_ticket(struct run *run, int number, uint32_t revision, enum ticket_state state, int64_t at_ms,
            int customer, int64_t t_ms)
{
    char name[TEXT_BYTES], text[TEXT_BYTES];
    struct ticket_outcome outcome = house_ticket(name_of('T', number, name), revision, state, at_ms);
    struct kept *kept = &run->log[run->log_count++];

    outcome.reopens = revision / 2;
    outcome.attributes[ATTRIBUTE_CUSTOMER] = slice_of(name_of('c', customer, text));
    outcome.attributes[ATTRIBUTE_SERVICE] = slice_of("of-ticket");
    kept->is_ticket = true;
    kept->ticket = outcome;
    kept->ticket.ticket = keep_text(kept->texts[0], outcome.ticket);
    kept->ticket.attributes[ATTRIBUTE_CUSTOMER] =
        keep_text(kept->texts[1], outcome.attributes[ATTRIBUTE_CUSTOMER]);
    scores_ticket(run->house.scores, &outcome, t_ms);
}

/* ---- the reference ---- */

/* What each feedback id says at t: the event with the latest stamp. */
static const struct life *
latest(const struct life *lives, size_t count, int feedback, bool offer)
{
    const struct life *found = NULL;

    for (size_t i = 0; i < count; i++)
        if (lives[i].feedback == feedback && (lives[i].type == EVENT_FEEDBACK_OFFERED) == offer)
            found = &lives[i];
    return found;
}

static bool
same_unit(const struct life *a, const struct life *b, size_t policy)
{
    if (a->stars != b->stars || (a->feedback % 5 == 0) != (b->feedback % 5 == 0))
        return false;
    if (policy == 1)
        return a->person >= 0 && a->person == b->person;
    return a->ticket >= 0 && a->ticket == b->ticket; /* cycles: the reference has tickets without any */
}

/* An answer counts when no other of its unit is later. */
static bool
is_elected(const struct life *lives, size_t count, const struct life *answer, size_t policy)
{
    for (int f = 0; f < FEEDBACKS; f++) {
        const struct life *other = latest(lives, count, f, false);

        if (other != NULL && other != answer && other->type == EVENT_FEEDBACK_SUBMITTED &&
            same_unit(other, answer, policy) && other->at_ms > answer->at_ms)
            return false;
    }
    return true;
}

struct count {
    int64_t n, people, positive, csat_sum, promoters, before;
};

static struct count
count_window(const struct life *lives, size_t count, size_t policy, int service, int64_t length_ms,
             int64_t t_ms)
{
    struct count result = {0};
    bool seen[PEOPLE] = {false};

    for (int f = 0; f < FEEDBACKS; f++) {
        const struct life *answer = latest(lives, count, f, false);

        if (answer == NULL || answer->type != EVENT_FEEDBACK_SUBMITTED ||
            !is_elected(lives, count, answer, policy) || (service >= 0 && answer->service != service))
            continue;
        if (answer->at_ms <= t_ms - length_ms) {
            result.before += answer->at_ms > t_ms - 2 * length_ms;
            continue;
        }
        result.n++;
        result.people += answer->person < 0 || !seen[answer->person];
        if (answer->person >= 0)
            seen[answer->person] = true;
        result.positive += answer->stars ? answer->score >= 4 : answer->score >= 9;
        result.csat_sum += answer->stars ? answer->score : 0;
        result.promoters += !answer->stars && answer->score >= 9;
    }
    return result;
}

static void
compare(struct run *run, const struct life *lives, size_t count, size_t policy, int64_t t_ms)
{
    char service[TEXT_BYTES];

    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++)
        for (int s = -1; s < 3; s++) {
            struct count expected = count_window(lives, count, policy, s, windows[w].length_ms, t_ms);
            struct score_record record =
                s < 0 ? house_read(&run->house, windows[w].name, t_ms)
                      : house_read_one(&run->house, ATTRIBUTE_SERVICE, name_of('s', s, service),
                                       windows[w].name, t_ms);

            assert_int_equal(record.n, expected.n);
            assert_int_equal(record.people, expected.people);
            assert_int_equal(record.px.positive, expected.positive);
            assert_int_equal(record.csat.sum, expected.csat_sum);
            assert_int_equal(record.nps.promoters, expected.promoters);
            if (record.change_px.present)
                assert_int_equal(record.change_px.previous_n, expected.before);
        }
}

/* At the very millisecond at which an answer leaves a window, and the one before; if there is one before
 * until_ms. */
static void
compare_at_edge(struct run *run, const struct life *lives, size_t count, size_t policy, int64_t from_ms,
                int64_t until_ms, uint64_t any)
{
    for (size_t i = 0; i < count; i++) {
        const struct life *life = &lives[(i + any) % count];
        int64_t leaves_ms = life->at_ms + windows[any % 3].length_ms;

        if (leaves_ms - 1 < from_ms || leaves_ms >= until_ms)
            continue;
        compare(run, lives, count, policy, leaves_ms - 1);
        compare(run, lives, count, policy, leaves_ms);
        return;
    }
}

/* ---- the laws ---- */

static void
open_run(struct run *run, size_t policy)
{
    *run = (struct run){.log = calloc(OUTCOMES_MAX, sizeof *run->log)};
    house_open(&run->house, policies[policy], (struct scores_sink){.context = run, .answer = hear});
}

static void
close_run(struct run *run)
{
    house_close(&run->house);
    free(run->log);
}

/* Every window equals a naive count at every step and on random instants between. */
static void
test_windows(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        uint64_t seed = round * UINT64_C(0x9e3779b97f4a7c15);
        size_t policy = round % 3;
        struct life lives[EVENTS_MAX];
        size_t count = invent(&seed, lives);
        struct run run;

        print_message("windows: seed %llu\n", (unsigned long long)round);
        open_run(&run, policy);
        for (size_t i = 0; i < count; i++) {
            int64_t until_ms = i + 1 < count ? lives[i + 1].at_ms : lives[i].at_ms + 30 * HOUR_MS;

            feed(&run, &lives[i], i, lives[i].at_ms);
            if (unit_random(&seed) % 4 != 0)
                continue;
            compare(&run, lives, i + 1, policy, lives[i].at_ms);
            compare_at_edge(&run, lives, i + 1, policy, lives[i].at_ms, until_ms, unit_random(&seed));
            if (unit_random(&seed) % 4 == 0)
                compare(&run, lives, i + 1, policy, until_ms - 1);
        }
        scores_check(run.house.scores);
        close_run(&run);
    }
}

/* One life with tickets that turn up and change, in the order of `order`, at one late instant. Revisions of
 * tickets ascend. */
static void
live(struct run *run, const struct life *lives, const size_t *order, size_t count, uint64_t *seed)
{
    const int64_t t_ms = T0_MS + 20 * DAY_MS;
    uint32_t revisions[TICKETS] = {0};

    for (size_t i = 0; i < count; i++) {
        feed(run, &lives[order[i]], order[i], t_ms);
        if (unit_random(seed) % 6 == 0) {
            int ticket = (int)(unit_random(seed) % TICKETS);
            uint32_t revision = ++revisions[ticket];

            give_ticket(run, ticket, revision, revision % 2 == 0 ? TICKET_SOLVED : TICKET_OPEN,
                        T0_MS + (int64_t)revision * HOUR_MS, ticket % 3, t_ms);
        }
    }
    for (int ticket = 0; ticket < TICKETS; ticket++) /* in the end all say the same */
        while (revisions[ticket] < 40) {
            uint32_t revision = ++revisions[ticket];

            give_ticket(run, ticket, revision, revision % 2 == 0 ? TICKET_SOLVED : TICKET_OPEN,
                        T0_MS + (int64_t)revision * HOUR_MS, ticket % 3, t_ms);
        }
}

static void
shuffle(uint64_t *seed, size_t *order, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = unit_random(seed) % i;
        size_t kept = order[i - 1];

        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* The last word of each feedback id, but for arrival. */
static const struct answer_outcome *
last_word(const struct run *run, const struct answer_outcome *like)
{
    const struct answer_outcome *found = NULL;

    for (size_t i = 0; i < run->log_count; i++) {
        const struct answer_outcome *other = &run->log[i].answer;

        if (!run->log[i].is_ticket && other->offered_only == like->offered_only &&
            slice_equal(other->feedback.id, like->feedback.id) &&
            slice_equal(other->feedback.survey, like->feedback.survey) &&
            (found == NULL || other->arrival.revision > found->arrival.revision))
            found = other;
    }
    return found;
}

static void
same_words(const struct run *a, const struct run *b)
{
    for (size_t i = 0; i < a->log_count; i++) {
        const struct answer_outcome *mine, *theirs;

        if (a->log[i].is_ticket)
            continue;
        mine = last_word(a, &a->log[i].answer);
        theirs = last_word(b, mine);
        assert_non_null(theirs);
        assert_int_equal(mine->answered_at_ms, theirs->answered_at_ms);
        assert_int_equal(mine->feedback.score, theirs->feedback.score);
        assert_int_equal(mine->withdrawn, theirs->withdrawn);
        assert_int_equal(mine->attributes_own, theirs->attributes_own);
        if (mine->withdrawn)
            continue;
        assert_true(slice_equal(mine->attributes[ATTRIBUTE_SERVICE], theirs->attributes[ATTRIBUTE_SERVICE]));
        assert_true(
            slice_equal(mine->attributes[ATTRIBUTE_CUSTOMER], theirs->attributes[ATTRIBUTE_CUSTOMER]));
    }
}

static void
same_figures(struct run *a, struct run *b)
{
    const int64_t t_ms = T0_MS + 20 * DAY_MS;
    char customer[TEXT_BYTES], service[TEXT_BYTES];

    for (int c = 0; c < 3; c++)
        for (int s = 0; s < 4; s++) {
            struct score_scope scope = {.dimensions = 1U << ATTRIBUTE_CUSTOMER | 1U << ATTRIBUTE_SERVICE};
            struct score_record mine = {0}, theirs = {0};

            scope.values[ATTRIBUTE_CUSTOMER] = slice_of(name_of('c', c, customer));
            scope.values[ATTRIBUTE_SERVICE] = slice_of(s == 3 ? "of-ticket" : name_of('s', s, service));
            (void)scores_read(a->house.scores, &scope, slice_of("24h"), t_ms, &mine);
            (void)scores_read(b->house.scores, &scope, slice_of("24h"), t_ms, &theirs);
            assert_int_equal(mine.n, theirs.n);
            assert_int_equal(mine.people, theirs.people);
            assert_int_equal(mine.px.positive, theirs.px.positive);
            assert_int_equal(mine.response_rate.hits, theirs.response_rate.hits);
            assert_int_equal(mine.response_rate.n, theirs.response_rate.n);
            assert_int_equal(mine.coverage.hits, theirs.coverage.hits);
        }
}

/* Another order of arrival: the same last words and figures. */
static void
test_shuffle(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        uint64_t seed = round * UINT64_C(0xd1342543de82ef95);
        struct life lives[EVENTS_MAX];
        size_t order[EVENTS_MAX];
        size_t count = invent(&seed, lives);
        struct run one, other;

        print_message("shuffle: seed %llu\n", (unsigned long long)round);
        for (size_t i = 0; i < count; i++)
            order[i] = i;
        open_run(&one, round % 3);
        open_run(&other, round % 3);
        live(&one, lives, order, count, &seed);
        shuffle(&seed, order, count);
        live(&other, lives, order, count, &seed);
        scores_check(one.house.scores);
        scores_check(other.house.scores);
        same_words(&one, &other);
        same_figures(&one, &other);
        close_run(&one);
        close_run(&other);
    }
}

/* What it sent, folded in order, is what it is; folded twice too. */
static void
test_rebuild(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        uint64_t seed = round * UINT64_C(0x2545f4914f6cdd1d);
        const int64_t t_ms = T0_MS + 20 * DAY_MS;
        struct life lives[EVENTS_MAX];
        size_t order[EVENTS_MAX];
        size_t count = invent(&seed, lives);
        struct run one, other;

        print_message("rebuild: seed %llu\n", (unsigned long long)round);
        for (size_t i = 0; i < count; i++)
            order[i] = i;
        shuffle(&seed, order, count);
        open_run(&one, round % 3);
        open_run(&other, round % 3);
        live(&one, lives, order, count, &seed);
        other.follows = true;
        scores_set_rebuilding(other.house.scores, true, t_ms);
        for (size_t twice = 0; twice < 2; twice++)
            for (size_t i = 0; i < one.log_count; i++)
                if (one.log[i].is_ticket)
                    scores_ticket(other.house.scores, &one.log[i].ticket, t_ms);
                else
                    scores_answer(other.house.scores, &one.log[i].answer, t_ms);
        scores_set_rebuilding(other.house.scores, false, t_ms);
        scores_check(other.house.scores);
        assert_int_equal(scores_digest(one.house.scores), scores_digest(other.house.scores));
        close_run(&one);
        close_run(&other);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_rebuild),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
