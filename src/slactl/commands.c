/*
 * What: the list of slactl's commands.
 *
 * Why so: a command is a file of its own with one table; adding one touches its file and this list.
 *
 * Always true: in order of names.
 *
 * Not here: what they do.
 */
#include "slactl/commands.h"
#include "slactl/ack.h"
#include "slactl/alerts.h"
#include "slactl/audit.h"
#include "slactl/calendar.h"
#include "slactl/check.h"
#include "slactl/deadletters.h"
#include "slactl/docs.h"
#include "slactl/explain.h"
#include "slactl/import.h"
#include "slactl/lint.h"
#include "slactl/play.h"
#include "slactl/policy.h"
#include "slactl/relay.h"
#include "slactl/reload.h"
#include "slactl/replay.h"
#include "slactl/report.h"
#include "slactl/scores.h"
#include "slactl/task.h"
#include "slactl/tasks.h"
#include "slactl/ticket.h"
#include "slactl/top.h"
#include "slactl/topics.h"
#include "slactl/whatif.h"
#include <string.h>

/* clang-format off */
static const struct command *const commands[] = {
    &ack_command,
    &alerts_command,
    &audit_command,
    &calendar_command,
    &check_command,
    &deadletters_command,
    &docs_command,
    &explain_command,
    &import_command,
    &lint_command,
    &play_command,
    &policy_command,
    &relay_command,
    &reload_command,
    &replay_command,
    &report_command,
    &scores_command,
    &task_command,
    &tasks_command,
    &ticket_command,
    &top_command,
    &topics_command,
    &whatif_command,
};
/* clang-format on */

const struct command *const *
commands_all(size_t *ret_count)
{
    *ret_count = sizeof commands / sizeof *commands;
    return commands;
}

const struct command *
commands_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}
