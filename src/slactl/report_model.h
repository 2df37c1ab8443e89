#ifndef SLAD_SLACTL_REPORT_MODEL_H
#define SLAD_SLACTL_REPORT_MODEL_H

/*
 * What a report says, before it is a page or JSON (docs/report.md). Filled in three steps: report.c (what is
 * asked), report_read.c (outcomes into scores and facts), report_figures.c and report_improve.c (figures).
 * Everything lives in the report's arena, in the policies or in the symbols, until the report ends.
 */
#include "base/arena.h"
#include "base/map.h"
#include "slactl/reach.h"
#include "slad/scores.h"

/* Lists of overruns. */
enum { REPORT_OF_PROVIDER, REPORT_OF_CUSTOMER, REPORT_OF_UNKNOWN, REPORT_OVERRUNS_COUNT };
enum { REPORT_MONTHS_MAX = 6, REPORT_WORST_MAX = 10, REPORT_IMPROVEMENTS_MAX = 12, REPORT_MOVES_MAX = 64 };

/* Which figures of the scores: see report_cuts in report_figures.c. Contracts follow. */
enum report_cut_of { REPORT_WHOLE, REPORT_BY_SERVICE, REPORT_BY_TOUCHPOINT, REPORT_FIRST_CONTRACT };

struct report_cuts {
    struct scores_slice *items;
    size_t count;
};

/* Who can keep a promise. */
enum report_side { SIDE_PROVIDER, SIDE_CUSTOMER, SIDE_SUPPLIER, SIDE_INSIDE, SIDE_UNKNOWN, SIDES_COUNT };

struct report_clock {
    struct scores_line line;
    struct slice agreement; /* at NULL: not known */
    enum report_side side;
    bool attainment; /* counts in SLA attainment */
    int target_bp;   /* 0: none, or not known */
};

/* One verdict of the month, its newest revision. */
struct report_verdict {
    struct slice key; /* ticket/kind/clock/cycle */
    uint32_t revision;
    bool counts; /* of this customer, in this month, met or breached in a view */
    enum clock_kind kind;
    struct slice ticket, clock, agreement, service, priority;
    enum measure measure;
    enum verdict verdict, honest;
    bool honest_excluded, attainment, ended;
    uint16_t flags;
    int64_t decided_at_ms, target_ms, elapsed_ms, overrun_wall_ms;
    int64_t wall_ms[PARTIES_COUNT];
};

/* One ticket solved in the month, its newest revision. */
struct report_ticket {
    struct slice name;
    uint32_t revision;
    bool counts;
    struct slice service, priority;
    int64_t solved_at_ms;
    uint32_t reopens;
    int64_t wall_ms[PARTIES_COUNT];
    int64_t waited_ms; /* all parties but nobody */
};

/* A fact about a contract that was decided in the month (watermelons: the latest of each scope before it
 * too). */
struct report_move {
    struct slice contract;
    enum contract_subject subject;
    int64_t at_ms, plan_until_ms;
    int from, to;
    bool in_month;
    struct score_scope scope;
    struct slice by, reason;
};

struct report_contract {
    struct slice name;
    const struct policy_contract *policy; /* in the policy of the report */
    struct scores_slice figures;          /* zeroes when nothing counts */
    bool has_figures, has_pxa, has_credit;
    struct score_pxa pxa;
    struct score_credit credit;
    struct score_watermelon *watermelons; /* that are or were ripe, as of the month's end */
    size_t watermelons_count;
};

struct report_flag {
    int64_t n;      /* verdicts that have it */
    int64_t differ; /* of these, met as agreed but not honestly */
};

enum report_kind_of_improvement { IMPROVE_SERVICE, IMPROVE_ASPECT, IMPROVE_TOUCHPOINT, IMPROVE_PROMISE };
struct report_improvement {
    enum report_kind_of_improvement kind;
    struct slice what, detail; /* detail at NULL: none */
    enum report_side side;     /* promises */
    int64_t hits, n;
    int target_bp;
    double impact; /* how many more of n would have had to be good, over 0 */
};

struct report_month {
    struct scores_span span;
    bool has_figures;
    struct scores_slice figures;
};

struct report {
    /* what is asked */
    const char *customer, *month, *contract, *ticket_url, *policy_path, *zoneinfo_dir;
    struct reach reach; /* open: of the topic */
    bool json, has_until;
    int64_t until_ms;
    int32_t year, month_of_year;
    /* what it is asked of */
    struct symbols *symbols;
    struct policy_set *set;
    const struct policy *policy; /* in force at the month's end; an empty one without --policy */
    bool has_policy;
    const struct zone *zone; /* NULL: UTC */
    struct slice zone_name;
    struct scores_span span;
    symbol customer_symbol, contract_symbol;
    struct scores_cut *cuts;
    size_t cuts_count;
    struct scores *scores;
    struct arena *arena;
    /* what was read */
    uint64_t outcomes, unread, later;
    bool failed;
    int64_t known_until_ms; /* INSTANT_NONE: nothing was read */
    struct map *verdicts, *tickets;
    struct report_move *moves;
    size_t moves_count, moves_room;
    /* what it says */
    struct report_cuts whole, services, touchpoints;
    struct report_month months[REPORT_MONTHS_MAX]; /* the last is the report's */
    size_t months_count;
    struct report_clock *clocks; /* of the whole, in order of side */
    size_t clocks_count;
    struct report_contract *contracts;
    size_t contracts_count;
    struct score_kei *keis;
    size_t keis_count;
    struct report_flag flags[CLOCK_FLAGS_COUNT], excluded, unflagged;
    int64_t judged, differ; /* SLA verdicts that count in attainment; those that differ between the views */
    struct report_overruns {
        const struct report_verdict *worst[REPORT_WORST_MAX];
        size_t count, breached;        /* listed; in all */
    } overruns[REPORT_OVERRUNS_COUNT]; /* the provider with whom he brings; the customer; nobody knows */
    const struct report_ticket *waits[REPORT_WORST_MAX];
    size_t waits_count, solved_count;
    struct report_improvement *improvements;
    size_t improvements_count, improvements_room;
};

/* report_read.c. Folds what holds at the month's end and is known by now; facts beside it. From the topic
 * when reach is open, else from the files, or standard input without any. */
void report_read(struct report *report, int paths_count, char **paths);
void report_read_done(struct report *report);

/* report_figures.c */
void report_figures_cuts(struct report *report); /* before the scores are made */
void report_figures_collect(struct report *report);
/* In any scope of the contract. */
bool report_figures_is_ripe(const struct report_contract *contract);
void report_figures_hear_kei(void *context, const struct score_kei *kei);
void report_figures_hear_pxa(void *context, const struct score_pxa *pxa);
void report_figures_hear_watermelon(void *context, const struct score_watermelon *watermelon);
void report_figures_hear_credit(void *context, const struct score_credit *credit);

/* report_facts.c */
void report_facts_collect(struct report *report);

/* report_improve.c */
void report_improve(struct report *report);

/* report_json.c, report_page.c */
void report_json_print(struct buffer *out, const struct report *report);
void report_page_print(struct buffer *out, const struct report *report);

const char *report_side_text(enum report_side side); /* "provider", ... */

#endif
