#ifndef SLAD_WIRE_POLICY_YAML_LOADER_H
#define SLAD_WIRE_POLICY_YAML_LOADER_H

/*
 * Private to the readers of a policy's sections (policy_yaml*.c). Each section reader fills its part of the
 * policy and sets the loader's error; with an error standing it may leave its part half filled, for nobody
 * looks at it.
 *
 * Order: calendars, groups, statuses, agreements (with clocks), experience, contracts, foresight: each names only what
 * came before.
 */
#include "base/arena.h"
#include "wire/policy_yaml.h"
#include "wire/yaml_get.h"

/* Bounds of one policy. */
enum {
    POLICY_YAML_CALENDARS_MAX = 1000,
    POLICY_YAML_UNION_MAX = 64,
    POLICY_YAML_DATES_MAX = 4000, /* closed, or special, of one calendar */
    POLICY_YAML_WINDOWS_MAX = 96, /* of one day */
    POLICY_YAML_STATUSES_MAX = 10000,
    POLICY_YAML_GROUPS_MAX = 100000,
    POLICY_YAML_AGREEMENTS_MAX = 5000,
    POLICY_YAML_CLOCKS_MAX = 20000,
    POLICY_YAML_VALUES_MAX = 1000, /* of one key of a match, priorities of one target */
    POLICY_YAML_LIST_MAX = 1000,   /* other lists */
    POLICY_YAML_TIER_MAX = 31
};

struct policy_yaml_loader {
    struct policy_error *error;
    struct policy *policy;
    struct arena *arena; /* the policy's */
    const struct yaml_node *root;
    const struct policy_zone_reader *reader;
    struct policy_zone *zones; /* the policy's, growing */
    size_t zones_room;
    struct policy_calendar *calendars;
    struct policy_clock *clocks;
    const struct yaml_node **clock_nodes; /* one a clock, for what is checked at the end */
};

static inline bool
policy_yaml_loader_failed(const struct policy_yaml_loader *loader)
{
    return loader->error->code != POLICY_ERROR_NONE;
}

/* The sections. */
void policy_yaml_calendars_read(struct policy_yaml_loader *loader);
/* The index of a calendar that always counts; the policy's own, or one added for the purpose. */
int policy_yaml_calendars_always(struct policy_yaml_loader *loader);
void policy_yaml_agreements_read(struct policy_yaml_loader *loader);
void policy_yaml_clocks_read_options(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                     struct policy_clock *clock);
void policy_yaml_clocks_read(struct policy_yaml_loader *loader, const struct yaml_node *node,
                             const struct policy_agreement *agreement, const struct yaml_node *match_node,
                             struct policy_clock *clock);
void policy_yaml_clocks_check_supports(struct policy_yaml_loader *loader);
void policy_yaml_clocks_check_severities(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                         const struct policy_clock *clocks, size_t clocks_count,
                                         const struct policy_clock *common);
void policy_yaml_experience_read(struct policy_yaml_loader *loader);
void policy_yaml_contracts_read(struct policy_yaml_loader *loader);
void policy_yaml_foresight_read(struct policy_yaml_loader *loader);

/* Parts that several sections have. NULL nodes are "not there": harmless values. */
void *policy_yaml_parts_allocate(struct policy_yaml_loader *loader, size_t count, size_t size); /* zeroed */
struct slice policy_yaml_parts_text(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                    const char *expected);
symbol policy_yaml_parts_symbol(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                const char *expected);
symbol policy_yaml_parts_key_symbol(struct policy_yaml_loader *loader, const struct yaml_node *node);
/* Index of the zone, read when it is the first time; POLICY_NONE without a node or with an error. */
int policy_yaml_parts_zone(struct policy_yaml_loader *loader, const struct yaml_node *node);
int policy_yaml_parts_calendar(struct policy_yaml_loader *loader, const struct yaml_node *node);
int policy_yaml_parts_parse_date(struct slice text, struct calendar_date *ret_date);
struct policy_window policy_yaml_parts_window(struct policy_yaml_loader *loader,
                                              const struct yaml_node *node);
/* A match. ret_touchpoint and ret_survey may both be NULL: then those two keys are unknown. */
struct policy_match policy_yaml_parts_match(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                            symbol *ret_touchpoint, symbol *ret_survey);
/* A list of different texts, as symbols; at most values_max. */
const symbol *policy_yaml_parts_symbols(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                        size_t values_max, size_t *ret_count);
/* The party a word names; nobody is none. */
enum party policy_yaml_parts_party(struct policy_yaml_loader *loader, const struct yaml_node *node);
/* "sla/resolution": a clock of this policy. sla_only: other kinds are refused. */
void policy_yaml_parts_clock(struct policy_yaml_loader *loader, const struct yaml_node *node, bool sla_only,
                             enum clock_kind *ret_kind, symbol *ret_clock);
/* {every, stop_after, ack_timeout}; without a node nothing is changed. */
void policy_yaml_parts_repeat(struct policy_yaml_loader *loader, const struct yaml_node *node,
                              struct policy_repeat *repeat);
/* Fails at the node when an earlier child of the same list has the same value at key. */
void policy_yaml_parts_check_name(struct policy_yaml_loader *loader, const struct yaml_node *list,
                                  const struct yaml_node *child, const char *what);

#endif
