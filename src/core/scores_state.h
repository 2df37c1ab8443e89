#ifndef SLAD_CORE_SCORES_STATE_H
#define SLAD_CORE_SCORES_STATE_H

/*
 * What the score side holds, shared by the files scores.c and score_*.c. Records refer to one another by
 * number (0: none). Who writes what: answers and people: score_answers.c; tickets and verdicts:
 * score_tickets.c; what scopes hold: score_count.c; when a scope is due: score_publish.c.
 */
#include "core/score_scopes.h"
#include "core/score_texts.h"

enum answer_flag {
    ANSWER_OFFER = 1 << 0,     /* an offer, not an answer */
    ANSWER_WITHDRAWN = 1 << 1, /* stays as a mark against what is older; in no chain */
    ANSWER_COUNTED = 1 << 2,   /* stands in the scopes */
    ANSWER_ANSWERED = 1 << 3,  /* an offer that was, as counted */
    ANSWER_ALERTED = 1 << 4,   /* its detractor alert is not over */
    ANSWER_BEHIND = 1 << 5,    /* rebuilding: its ticket says otherwise than its last revision read so far */
    ANSWER_CLASS_SHIFT = 6     /* two bits: enum answer_class */
};

/* One answer, or one offer. Chains run from the latest to the earliest. */
struct score_answer {
    int64_t at_ms;
    uint32_t id; /* text */
    uint32_t person, ticket, context;
    uint32_t next_of_ticket, next_of_person;
    uint32_t aspects; /* in the store of aspects */
    uint32_t revision : 24;
    uint32_t flags : 8;
    uint32_t score : 21;        /* over SCORE_ANSWER_LOWEST: score_of_answer() */
    uint32_t own : 11;          /* ATTRIBUTE_BITs that came with it */
    uint32_t lost_minutes : 24; /* + 1; 0: not said */
    uint32_t scale : 8;         /* number in scores.scales; 0: none */
};
enum {
    SCORE_ANSWER_REVISION_MAX = (1 << 24) - 1,
    SCORE_ANSWER_LOST_MAX = (1 << 24) - 1,
    SCORE_ANSWER_LOWEST = -(1 << 20)
}; /* scales end at a million */

static inline int32_t
score_of_answer(const struct score_answer *answer)
{
    return (int32_t)answer->score + SCORE_ANSWER_LOWEST;
}

/* A detractor alert that was said at least once. */
enum score_alert_state { SCORE_ALERT_NEW, SCORE_ALERT_STANDS, SCORE_ALERT_RESOLVED, SCORE_ALERT_WITHDRAWN };
enum { SCORE_ALERT_KEY_BYTES_MAX = 8192 };
struct score_alert {
    struct heap_item page; /* first: a heap item is its alert. The next one */
    uint32_t answer;
    uint32_t acknowledged_by; /* text; 0: nobody, or erased */
    int64_t effective_at_ms;  /* of the answer that fired it */
    int64_t fired_at_ms, acknowledged_at_ms;
    uint32_t told;    /* records but for pages */
    uint32_t settled; /* pages before the acknowledgement, or before it last fired */
    uint32_t pages;   /* and as of the last record */
    uint8_t state;    /* enum score_alert_state */
    bool is_acknowledged;
};

struct score_answer_aspect {
    symbol name;
    int32_t score;
    int8_t answer_class; /* by the answer's scale when it was taken up; -1: its table had no such score */
};
struct score_answer_aspects {
    struct score_answer_aspect *items;
    uint32_t count;
};

struct score_person {
    uint32_t name;    /* text */
    uint32_t answers; /* head of the chain */
    uint32_t references;
    uint32_t offers; /* in the chain */
};

enum ticket_flag {
    TICKET_KNOWN = 1 << 0, /* an outcome of it was read; else only answers or verdicts named it */
    TICKET_FINAL = 1 << 1,
    TICKET_REOPENED = 1 << 2,
    TICKET_FIRST_CONTACT = 1 << 3,
    TICKET_COUNTED = 1 << 4, /* stands in the scopes as solved, with `weight` */
    TICKET_ERASED = 1 << 5,
    TICKET_REPEATED = 1 << 6, /* its requester had another one in that service shortly before */
    TICKET_CREATED = 1 << 7   /* stands in the scopes as created */
};
enum solved_weight {
    SOLVED_WAS_OFFERED = 1 << 0,
    SOLVED_WAS_MET = 1 << 1,
    SOLVED_WAS_BREACHED = 1 << 2,
    SOLVED_WAS_REOPENED = 1 << 3,
    SOLVED_WAS_FIRST_CONTACT = 1 << 4
};

struct score_ticket {
    uint32_t name;                        /* text */
    uint32_t versions, answers, verdicts; /* heads */
    int64_t started_at_ms;
    int64_t solved_at_ms; /* INSTANT_NONE */
    int64_t counted_at_ms;
    int64_t created_at_ms;          /* where it stands as created */
    int64_t wall_ms[PARTIES_COUNT]; /* as of the last solve */
    uint32_t counted_context, created_context;
    uint32_t contact, next_contact; /* the chain of its requester and service; 0: none */
    uint32_t bounces;
    uint32_t revision;
    uint32_t offers;        /* in the chain of answers */
    uint32_t references;    /* of answers and verdicts, and one when it is known */
    uint16_t met, breached; /* attainment clocks */
    uint16_t cycle;         /* present one, from 1 */
    uint8_t flags, weight;
    uint8_t state; /* enum ticket_state */
    uint8_t tier;  /* the highest it touched; 0: none */
};

/* Whoever has a question about a service: tickets by their start. */
struct score_contact {
    symbol requester, service;
    uint32_t first; /* the earliest ticket */
};

/* The ticket's attributes from an instant on. Chains run from the latest to the earliest. */
struct score_version {
    int64_t from_ms;
    uint32_t context; /* touchpoint and survey 0 */
    uint32_t next;
    symbol requester, assignee;
    uint16_t cycle;
};

enum verdict_flag {
    VERDICT_CONTRACT = 1 << 0, /* counts in the contract view */
    VERDICT_CONTRACT_MET = 1 << 1,
    VERDICT_HONEST = 1 << 2,
    VERDICT_HONEST_MET = 1 << 3,
    VERDICT_ATTAINMENT = 1 << 4 /* of an SLA clock that counts in attainment */
};
struct score_verdict {
    int64_t decided_at_ms;
    uint32_t ticket, next;
    symbol clock, requester, assignee; /* people: of the decision, whether a scope asks for them or not */
    uint32_t cycle, context, revision; /* context 0: in no scope */
    uint8_t flags;
    uint8_t kind; /* enum clock_kind */
};

/* An answer stamped ahead: it counts from its time on. */
struct score_waiting {
    struct answer_outcome outcome; /* slices into bytes, aspects too */
    char *bytes;
    bool is_behind; /* rebuilding: as ANSWER_BEHIND */
};

/* Who is named on a ticket (R63). */
#define ATTRIBUTE_PEOPLE (ATTRIBUTE_BIT(ATTRIBUTE_REQUESTER) | ATTRIBUTE_BIT(ATTRIBUTE_ASSIGNEE))

/* What is known of a contract by name, whatever the policy says of it now. */
struct score_contract {
    symbol name;
    enum pxa_state state;
    int64_t since_ms, plan_until_ms; /* INSTANT_NONE */
    int64_t pxa_decided_ms;          /* the last midnight that was decided; INSTANT_NONE */
    int64_t credits_stated_ms;       /* the month that begins here has its predecessor stated; INSTANT_NONE */
    uint32_t pxa_revision;
    int64_t pxa_next_ms, credits_next_ms; /* INT64_MAX: nothing to decide */
};

/* A watermelon that was ripe at least once. */
struct score_melon {
    symbol contract;
    uint32_t dimensions;
    struct score_values values;
    bool ripe;
    int64_t since_ms;
    uint32_t revision;
    int64_t check_at_ms; /* ripe: when the figures will have been at target for a day; INT64_MIN: not known */
};

enum { SCORE_CONTEXT_CACHE_BITS = 12 };

struct scores {
    struct scores_options options;
    struct scores_watch watch;
    const struct policy_set *set;
    size_t version; /* in force at t_ms */
    const struct policy *policy;
    const struct policy_experience *experience;
    const struct zone *zone; /* NULL: UTC */
    int64_t next_version_ms;
    int64_t t_ms;
    int64_t reach_ms; /* how far back anything can be seen */
    int64_t swept_at_ms, seen_turned_at_ms;
    bool rebuilding;
    bool behind; /* nothing is decided of contracts */
    bool begun;  /* T is real: KEIs and contracts have their timers */
    uint32_t
        context_cache[1 << SCORE_CONTEXT_CACHE_BITS]; /* contexts by a hash of their texts; may be stale */
    bool counts_requester, counts_assignee;           /* some scope has it as a dimension */
    uint16_t wanted;                                  /* SCORE_KIND_BITs that some definition counts */
    struct score_scopes scopes;
    struct score_texts texts;
    struct score_store answers, aspects, people, tickets, versions, verdicts, alerts, contacts;
    struct heap *pages; /* alerts by their next page */
    struct score_index answer_index, person_index, ticket_index, contact_index, alert_index;
    symbol scales[256];            /* known scales by number, from 1 */
    struct score_waiting *waiting; /* in order of time */
    size_t waiting_count, waiting_room;
    struct score_seen {
        uint64_t *hashes; /* in order of their coming */
        uint32_t *slots;  /* a hash's place there and 1; 0: empty */
        size_t room, count;
    } seen[2]; /* (source, id) of feedback events: this generation and the last */
    struct score_contract *contracts;
    size_t contracts_count;
    int64_t decide_next_ms; /* the earliest of theirs */
    struct score_melon *melons;
    size_t melons_count;
    int64_t resumed_at_ms; /* nothing is published as of an instant before */
    uint64_t events, duplicates, refused, no_effect, answers_decided, folded, stale, published, joined_later;
    uint64_t answers_refused, facts_refused; /* by options.bounds */
    uint32_t *others;                        /* work room of score_count: one a definition */
    struct score_tally
        *read_sums; /* work room of score_figures; what records point to lives until the next reading */
    struct score_aspect *read_aspects;
    uint64_t aspects_refused; /* by records that have as many as they may */
    struct score_attainment_clock *read_clocks;
    size_t read_room;        /* series */
    size_t behind_count;     /* answers marked as behind, or more */
    struct score_load *load; /* NULL: none is under way */
};

static inline struct score_answer *
scores_answer_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->answers, number);
}

static inline struct score_ticket *
scores_ticket_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->tickets, number);
}

static inline struct score_person *
scores_person_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->people, number);
}

static inline enum answer_class
score_class(const struct score_answer *answer)
{
    return (enum answer_class)(answer->flags >> ANSWER_CLASS_SHIFT);
}

/* ---- score_context.c ---- */
/* The context these attributes describe, one reference more. feedback NULL: no touchpoint, no survey. People
 * are in it only where a scope asks for them or own says that the answer brought them itself. */
uint32_t score_context_of(struct scores *scores, const struct slice *attributes, struct slice source,
                          const struct feedback *feedback, uint16_t own);
/* The same context with these people in it where a scope asks for them; what `own` names stays. Takes the
 * reference on the old one and gives one on the new. */
uint32_t score_context_with_people(struct scores *scores, uint32_t context, symbol requester, symbol assignee,
                                   uint16_t own);

/* ---- score_answers.c: answers, offers, people ---- */
void score_answers_init(struct scores *scores);
void score_answers_done(struct scores *scores);
uint32_t score_answers_find(const struct scores *scores, symbol survey, struct slice id, bool offer);
void score_answers_fold(struct scores *scores, const struct answer_outcome *outcome); /* at most t_ms */
/* Withdraws every answer of the ticket from the scopes and counts anew who counts (one_answer_per: cycle). */
void score_answers_elect_ticket(struct scores *scores, uint32_t ticket);
void score_answers_elect_all(struct scores *scores);   /* marks as counted who is to be; nothing is counted */
void score_answers_uncount_all(struct scores *scores); /* before it */
void score_answers_retire(struct scores *scores, uint32_t number);
/* Another policy asks for people as dimensions, or none does any more: contexts of what is not counted now
 * get them from the tickets, or lose them. Tickets first. */
void score_answers_place_people(struct scores *scores);
/* The scale of this name under the policy in force at at_ms; NULL: nobody declared it. */
const struct policy_scale *score_answers_scale(const struct scores *scores, symbol name, int64_t at_ms);
int score_answers_class(const struct policy_scale *scale, int32_t score); /* enum answer_class, or -1 */
bool score_answers_later(const struct scores *scores, const struct score_answer *a,
                         const struct score_answer *b);
/* Whoever is latest among those that share a's place in one_answer_per. */
uint32_t score_answers_elected(const struct scores *scores, uint32_t number);

/* ---- score_tickets.c: tickets, their attributes over time, verdicts ---- */
uint32_t score_tickets_find(const struct scores *scores, struct slice name);
uint32_t score_tickets_take(struct scores *scores, struct slice name); /* found or new, one reference more */
void score_tickets_release(struct scores *scores, uint32_t ticket);
void score_tickets_init(struct scores *scores);
void score_tickets_done(struct scores *scores);
/* The version of its attributes that is new (0: none): answers that fall into it are to be joined again.
 * *ret_erased: its people's data go now. */
uint32_t score_tickets_fold(struct scores *scores, const struct ticket_outcome *outcome, bool *ret_erased);
void score_tickets_fold_verdict(struct scores *scores, const struct verdict_outcome *outcome);
uint32_t score_tickets_verdicts_count(const struct scores *scores, uint32_t ticket);
/* What held at this instant (the first ones before them); 0 when nothing is known of the ticket. */
uint32_t score_tickets_version_at(const struct scores *scores, uint32_t ticket, int64_t at_ms);
void score_tickets_refresh(struct scores *scores, uint32_t ticket); /* what it counts as, as solved */
void score_tickets_uncount_all(struct scores *scores);
void score_tickets_retire(struct scores *scores, int64_t before_ms);
void score_tickets_place_people(struct scores *scores); /* see score_answers_place_people */

/* ---- score_contacts.c: tickets by requester and service, as created. Empty unless some KEI asks ---- */
void score_contacts_init(struct scores *scores);
void score_contacts_done(struct scores *scores);
void score_contacts_refresh(struct scores *scores,
                            uint32_t ticket); /* its start or its first version changed */
void score_contacts_drop(struct scores *scores, uint32_t ticket);
void score_contacts_uncount_all(struct scores *scores);
void score_contacts_count_all(struct scores *scores);

/* ---- score_count.c: putting things into the scopes and taking them out ---- */
void score_count_answer(struct scores *scores, uint32_t number, bool in);
/* Into the scopes, bearing its person's mark where the bits say (by place in its context); nobody is touched
 * for publication. */
void score_count_marked(struct scores *scores, uint32_t number, uint64_t marks);
void score_count_solved(struct scores *scores, uint32_t ticket, bool in);
void score_count_created(struct scores *scores, uint32_t ticket, bool in);
void score_count_verdict(struct scores *scores, uint32_t verdict, bool in);
struct score_weigher score_count_weigher(const struct scores *scores, uint64_t kind);

/* ---- score_join.c: from events and tickets to answer outcomes ---- */
struct engine_answer score_join_feedback(struct scores *scores, const struct event *event);
/* The ticket has a new version of its attributes (or was erased: version 0): revises the answers it is about;
 * while rebuilding, marks them as behind. */
void score_join_again(struct scores *scores, uint32_t ticket, uint32_t version);
/* The outcome was read back and taken: when its ticket says otherwise by now, as above. */
void score_join_check(struct scores *scores, const struct answer_outcome *outcome);
/* Its ticket says otherwise: the record or what waits, of this very revision, as above. */
void score_join_mark(struct scores *scores, const struct answer_outcome *outcome);
/* Somebody has its alert in hand: a revision that says so. */
void score_join_acknowledge(struct scores *scores, uint32_t answer, const struct event *event);
/* The log is read: revises the answers that are still behind. */
void score_join_catch_up(struct scores *scores);

/* ---- score_state.c: which part of a snapshot a record is in ---- */
enum score_part_kind { SCORE_PART_REST, SCORE_PART_TICKETS, SCORE_PART_ANSWERS, SCORE_PART_SEEN };
/* It changed: this ticket (or a verdict of it), this answer, this place among the events seen. */
void score_parts_touch(struct scores *scores, enum score_part_kind kind, uint32_t number);
/* Everything may be elsewhere. */
void score_parts_touch_all(struct scores *scores);

/* ---- what scores_load_part puts back, record by record (score_state.c) ---- */
uint8_t score_answers_scale_number(struct scores *scores, symbol scale);
/* The record is filled but for its person. false: a later one of its key is there; it is gone again. */
bool score_answers_adopt(struct scores *scores, uint32_t answer, struct slice person);
/* The record is filled and not adopted: it is empty again. */
void score_answers_disown(struct scores *scores, uint32_t answer);
void score_answers_settle(struct scores *scores); /* all are there: which offers were answered */
/* A new ticket under this number, with one reference until all is there; false, and nothing: there is one of
 * this name. */
bool score_tickets_adopt(struct scores *scores, uint32_t number, struct slice name);
uint32_t score_tickets_name_check(struct slice name); /* tells a ticket from another under its number */
/* The verdict is filled and in the chain of its ticket. */
void score_tickets_adopt_verdict(struct scores *scores, uint32_t verdict);
/* All is there: what counts as solved. Tickets that nobody knows go. */
void score_tickets_settle(struct scores *scores);
void score_detractors_adopt(struct scores *scores, const struct score_alert *alert);
void score_contracts_adopt(struct scores *scores, const struct score_contract *contract);
void score_watermelons_adopt(struct scores *scores, const struct score_melon *melon);
void score_waiting_adopt(struct scores *scores, const struct answer_outcome *outcome); /* due or not */
void score_seen_adopt(struct scores *scores, size_t generation, uint64_t hash);
size_t score_seen_count(const struct scores *scores);
size_t score_seen_bytes(const struct scores *scores);
void scores_take_version(struct scores *scores); /* the policy in force at t_ms */

/* ---- score_bulk.c ---- */
/* All records are there and none is counted: all that counts is, in order of time. */
void score_bulk_count(struct scores *scores);

/* ---- score_waiting.c: outcomes stamped ahead ---- */
void score_waiting_take(struct scores *scores,
                        const struct answer_outcome *outcome); /* folds it, or keeps it for its time */
void score_waiting_fold_due(struct scores *scores);            /* whose time has come */
/* The next one that waits for this feedback, from *cursor (0) on; NULL when none is left. */
const struct answer_outcome *score_waiting_next(const struct scores *scores,
                                                const struct answer_outcome *like, size_t *cursor);
/* What waits at this place is another revision now, of the same feedback and instant. */
void score_waiting_renew(struct scores *scores, size_t i, const struct answer_outcome *outcome);
void score_waiting_done(struct scores *scores);

/* ---- score_seen.c: (source, id) of feedback events ---- */
bool score_seen_has(const struct scores *scores, struct slice source, struct slice id);
void score_seen_add(struct scores *scores, struct slice source, struct slice id);
void
score_seen_turn(struct scores *scores); /* another generation: what is older than the last one is forgotten */
void score_seen_done(struct scores *scores);

/* ---- score_detractors.c ---- */
void score_detractors_init(struct scores *scores);
uint32_t score_detractors_of(const struct scores *scores, uint32_t answer); /* 0: it never had an alert */
void score_detractors_done(struct scores *scores);
/* After every fold of it. */
void score_detractors_follow(struct scores *scores, uint32_t answer, const struct answer_outcome *outcome);
void score_detractors_forget(struct scores *scores, uint32_t answer); /* before it retires */
/* Adds to an outcome of this answer who has its alert in hand. */
void score_detractors_describe(const struct scores *scores, uint32_t answer, struct answer_outcome *outcome);
int64_t score_detractors_next_ms(const struct scores *scores);
void score_detractors_page(struct scores *scores);   /* the first one is due */
void score_detractors_resume(struct scores *scores); /* the log is read: pages from now on */
struct engine_answer score_detractors_acknowledge(struct scores *scores, const struct event *event);

/* ---- score_figures.c: from sums to a record ---- */
struct score_reading {
    struct score_record record; /* revision 0 */
    uint64_t digest;            /* of what the record says; 0: nothing counts in it */
    int64_t expires_at_ms;      /* when it changes by time alone; INT64_MAX: never */
};
/* Reads the scope's windows (all of the policy's, in order) at an instant not before the last thing counted.
 */
void score_figures_read(struct scores *scores, const struct score_scope_state *scope, int64_t at_ms,
                        void (*take)(void *context, size_t window, struct score_reading *reading),
                        void *context);

/* A stretch of time and what is asked of it: (after, through], compared with (before, after]. */
struct score_frame {
    int64_t before_ms, after_ms, through_ms;
    int min_answers;
    enum neutral_rule neutral;
};
/* One frame of one scope; the window of the record stays empty. Its arrays live until the next reading. */
void score_figures_frame(struct scores *scores, const struct score_scope_state *scope,
                         const struct score_frame *frame, struct score_reading *ret_reading);
struct score_series *score_figures_series(const struct score_scope_state *scope,
                                          uint64_t kind); /* NULL: nothing */
struct score_tally score_figures_tally(const struct scores *scores, const struct score_scope_state *scope,
                                       uint64_t kind, int64_t after_ms, int64_t through_ms);
/* When what is in the window, or in the one before, changes by time alone; INT64_MAX: never. */
int64_t score_figures_expiry_ms(const struct score_scope_state *scope, const struct policy_window *window,
                                const struct zone *zone, int64_t at_ms);

/* ---- score_publish.c ---- */
void score_publish_touch(struct scores *scores,
                         struct score_scope_state *scope); /* something in it changed now */
int64_t score_publish_next_ms(const struct scores *scores);
/* A KEI or something of a contract once more, whatever was published. */
void score_publish_again(struct scores *scores, struct score_scope_state *scope);
void score_publish_due(struct scores *scores); /* the first scope that is due, as of its instant */

void score_publish_ask(struct scores *scores, struct score_scope_state *scope,
                       int64_t at_ms); /* at the latest */
/* Whether this differs from what was published of the scope last; then *ret_revision is the next. */
bool score_publish_differs(struct scores *scores, struct score_scope_state *scope, uint64_t digest,
                           uint32_t *ret_revision);

/* ---- score_definitions.c ---- */
/* Scopes, KEIs and contracts of the policy in force; *ret_count of them. The caller frees. */
struct score_definition *score_definitions_make(struct scores *scores, size_t *ret_count);
/* How far back their windows reach. */
int64_t score_definitions_reach_ms(const struct scores *scores);

/* ---- score_keis.c ---- */
/* The kinds of series its measure is made of. */
uint16_t score_keis_kinds(struct slice measure);
void score_keis_read(struct scores *scores, struct score_scope_state *scope, int64_t at_ms,
                     struct score_kei *ret_kei, uint64_t *ret_digest);
/* Publishes what changed (or all of it); when it changes by time alone. */
int64_t score_keis_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms,
                           bool always);

/* ---- score_contracts.c: what is known of contracts, and their timers ---- */
void score_contracts_done(struct scores *scores);
void score_contracts_begin(struct scores *scores);  /* the policy turned, or T is real now */
void score_contracts_decide(struct scores *scores); /* the first one is due */
void score_contracts_fold(struct scores *scores, const struct contract_outcome *outcome);
struct engine_answer score_contracts_move(struct scores *scores, const struct event *event);
struct score_contract *score_contracts_of(struct scores *scores, const struct policy_contract *policy);
const struct zone *score_contracts_zone(const struct scores *scores, const struct policy_contract *policy);
void score_contracts_tell(struct scores *scores,
                          struct contract_outcome *outcome); /* fills the common part */

/* ---- score_pxa.c ---- */
void score_pxa_decide(struct scores *scores, uint32_t contract, int64_t at_ms);
void score_pxa_move(struct scores *scores, uint32_t contract, enum pxa_state to, const struct event *event);
void score_pxa_read(struct scores *scores, uint32_t contract, int64_t at_ms, struct score_pxa *ret_pxa);
int64_t score_pxa_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always);

/* ---- score_credits.c ---- */
void score_credits_state(struct scores *scores, uint32_t contract, int64_t at_ms); /* of the month before */
int64_t score_credits_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms,
                              bool always);

/* ---- score_attainments.c ---- */
int64_t score_attainments_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms,
                                  bool always);

/* ---- score_watermelons.c ---- */
void score_watermelons_done(struct scores *scores);
void score_watermelons_fold(struct scores *scores, const struct contract_outcome *outcome);
int64_t score_watermelons_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms,
                                  bool always);
void
score_watermelons_drop(struct scores *scores); /* the policy turned: what it does not look for is clear */

/* ---- scores.c ---- */
void scores_come_to(struct scores *scores,
                    int64_t t_ms); /* every timer before, and what holds from then on */
void scores_say_all_windows(struct scores *scores, struct score_scope_state *scope, int64_t at_ms);
size_t scores_windows(const struct scores *scores, const struct policy_window **ret_windows);

#endif
