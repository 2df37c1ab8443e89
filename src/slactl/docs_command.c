/*
 * What: slactl's manual page and its completion for bash, from the tables by which command lines are read.
 *
 * Why so: a page that is written by hand forgets the option of last week, and a completion that offers what
 * is not taken lies.
 *
 * Always true: every command and every option, and nothing else.
 *
 * Not here: the tables (each command's file).
 */
#include "slactl/docs_command.h"
#include "slactl/commands.h"
#include <string.h>

/* ---- the manual page ---- */

void
docs_command_append_scdoc(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\*_`#<>", *text) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
}

static void
append_lines(struct buffer *out, const char *text, const char *before, const char *after)
{
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n");
        struct buffer line = {0};

        buffer_append(&line, text, bytes);
        buffer_append_byte(&line, '\0');
        buffer_append_text(out, before);
        docs_command_append_scdoc(out, line.at);
        buffer_append_text(out, after);
        buffer_free(&line);
        text += bytes + (text[bytes] == '\n');
    }
}

static void
append_option(struct buffer *out, const struct command_option *option)
{
    buffer_append_text(out, "*--");
    docs_command_append_scdoc(out, option->name);
    buffer_append_byte(out, '*');
    if (option->value != NULL) {
        buffer_append_text(out, " _");
        docs_command_append_scdoc(out, option->value);
        buffer_append_byte(out, '_');
    }
    buffer_append_text(out, "\n\t");
    docs_command_append_scdoc(out, option->help);
    buffer_append_text(out, "\n\n");
}

static void
append_command(struct buffer *out, const struct command *command)
{
    struct buffer exits = {0}, name = {0};

    buffer_append_text(&name, "*slactl ");
    buffer_append_text(&name, command->name);
    buffer_append(&name, "* ", 3);
    buffer_append_text(out, "## slactl ");
    buffer_append_text(out, command->name);
    buffer_append_text(out, "\n\n");
    append_lines(out, command->usage, name.at, "++\n");
    out->bytes -= 3; /* the last one needs none */
    buffer_append_text(out, "\n\n");
    append_lines(out, command->text, "", "\n\n");
    for (const struct command_option *option = command->options; option->name != NULL; option++)
        append_option(out, option);
    command_append_exits(command, &exits);
    buffer_append_byte(&exits, '\0');
    buffer_append_text(out, "Exit status: ");
    docs_command_append_scdoc(out, exits.at);
    buffer_append_text(out, ".\n\n");
    buffer_free(&exits);
    buffer_free(&name);
}

void
docs_command_print_manual(struct buffer *out)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);

    buffer_append_text(out, "slactl(1) \"slad " SLAD_VERSION
                            "\"\n\n; Generated from the commands' tables by `slactl docs`.\n\n"
                            "# NAME\n\nslactl - the operator's tool of slad\n\n"
                            "# SYNOPSIS\n\n*slactl* _COMMAND_ [_OPTION_]... [_ARGUMENT_]...++\n*slactl* "
                            "*--help* | *--version*\n\n"
                            "# DESCRIPTION\n\n"
                            "*slactl* asks a running *slad*(8), looks at what lies in Kafka, and runs the "
                            "same engine over recorded "
                            "events.\n\n"
                            "Some commands ask the HTTP API (*--url*), some read or write topics "
                            "(*--config*, *--brokers*), the others "
                            "need neither. "
                            "Tables are for people: their columns may change. Programs ask for *--json*, "
                            "whose fields stay. Texts of "
                            "tickets and "
                            "customers are shown so that they cannot steer a terminal: what is no plain "
                            "character is an escape such as "
                            "\\\\u001b.\n\n");
    buffer_append_text(
        out, "# EXIT STATUS\n\nThe same in every command:\n\n"
             "*0*\n\tdone, and the answer is good\n\n"
             "*1*\n\tit could not be done, or the answer is no; each command says what that means\n\n"
             "*2*\n\tthe command line, the configuration or a policy is refused\n\n"
             "*3*\n\tnobody answered in time, or not yet: it may help to ask again\n\n"
             "*4*\n\t*relay* alone: the receiver says that it is gone for good\n\n"
             "# COMMANDS\n\n");
    for (size_t i = 0; i < count; i++)
        append_command(out, commands[i]);
    buffer_append_text(out,
                       "# ENVIRONMENT\n\n"
                       "*SLACTL\\_URL*, *SLACTL\\_TOKEN\\_FILE*, *SLACTL\\_TOKEN*\n\twhere slad answers, and "
                       "with which bearer token, "
                       "when "
                       "*--url* and *--token-file* are not given\n\n"
                       "*SLAD\\_ZONEINFO*\n\twhere time zones are read when *--zoneinfo* is not given\n\n"
                       "*NO\\_COLOR*\n\tnot empty: no colours on a terminal\n\n"
                       "*TZ*\n\tthe zone of local times in the tables of what runs\n\n"
                       "# SEE ALSO\n\n*slad*(8), *slad.yaml*(5), *slad-policy*(5)\n");
}

/* ---- completion ---- */

static bool
is_words(const char *value)
{
    return strpbrk(value, "|,") != NULL && strpbrk(value, "=:.") == NULL;
}

static bool
is_file(const char *value)
{
    return strcmp(value, "FILE") == 0 || strcmp(value, "POLICY") == 0 || strcmp(value, "DIR") == 0;
}

/* "a|b" and "a,b" as words; what is written large stands for anything else and is none. */
static void
append_words(struct buffer *out, const char *words)
{
    while (*words != '\0') {
        size_t bytes = strcspn(words, "|,");

        if (bytes > 0 && !(words[0] >= 'A' && words[0] <= 'Z')) {
            buffer_append(out, words, bytes);
            buffer_append_byte(out, ' ');
        }
        words += bytes;
        words += *words != '\0';
    }
}

static void
append_value_case(struct buffer *out, const struct command_option *option)
{
    buffer_append_text(out, "            --");
    buffer_append_text(out, option->name);
    buffer_append_text(out, ") ");
    if (is_file(option->value)) {
        buffer_append_text(out, strcmp(option->value, "DIR") == 0 ? "_slactl_files -d" : "_slactl_files -f");
    } else if (is_words(option->value)) {
        buffer_append_text(out, strchr(option->value, ',') != NULL ? "_slactl_list '" : "_slactl_words '");
        append_words(out, option->value);
        buffer_append_byte(out, '\'');
    } else {
        buffer_append_text(out, ":");
    }
    buffer_append_text(out, " ; return ;;\n");
}

static void
append_command_case(struct buffer *out, const struct command *command)
{
    buffer_append_text(out, "    ");
    buffer_append_text(out, command->name);
    buffer_append_text(out, ")\n        case $before in\n");
    for (const struct command_option *option = command->options; option->name != NULL; option++)
        if (option->value != NULL)
            append_value_case(out, option);
    buffer_append_text(out, "        esac\n        options='--help ");
    for (const struct command_option *option = command->options; option->name != NULL; option++) {
        buffer_append_text(out, "--");
        buffer_append_text(out, option->name);
        buffer_append_byte(out, ' ');
    }
    buffer_append_text(out, "'\n");
    if (is_file(command->operands)) {
        buffer_append_text(out, strcmp(command->operands, "DIR") == 0
                                    ? "        operands='_slactl_files -d'\n"
                                    : "        operands='_slactl_files -f'\n");
    } else if (*command->operands != '\0') {
        buffer_append_text(out, "        ((COMP_CWORD != 2)) || operands='_slactl_words ");
        append_words(out, command->operands);
        buffer_append_text(out, "'\n");
    }
    buffer_append_text(out, "        ;;\n");
}

void
docs_command_print_completion(struct buffer *out)
{
    static const char head[] =
        "# bash completion for slactl. Generated from the commands' tables by `slactl docs`.\n\n"
        "_slactl_words() { mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$word\"); }\n"
        "_slactl_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen \"$1\" -- "
        "\"$word\"); }\n"
        "# Of a,b,c the last one; each word once.\n"
        "_slactl_list() {\n"
        "    local before_last=${word%\"${word##*,}\"} left='' one\n"
        "    for one in $1; do [[ ,$before_last == *,$one,* ]] || left+=\" $before_last$one\"; done\n"
        "    compopt -o nospace 2>/dev/null\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$left\" -- \"$word\")\n"
        "}\n\n"
        "_slactl() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options='' "
        "operands=''\n"
        "    COMPREPLY=()\n"
        "    # --option=value comes as three words\n"
        "    if [[ $word == '=' ]]; then word=''; elif [[ $before == '=' ]]; then "
        "before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
        "    if ((COMP_CWORD == 1)); then\n        _slactl_words '--help --version ";
    size_t count;
    const struct command *const *commands = commands_all(&count);

    buffer_append_text(out, head);
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, commands[i]->name);
        buffer_append_byte(out, ' ');
    }
    buffer_append_text(out, "'\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < count; i++)
        append_command_case(out, commands[i]);
    buffer_append_text(out, "    esac\n"
                            "    if [[ $word == -* ]]; then\n        _slactl_words \"$options\"\n"
                            "    else\n        $operands\n    fi\n}\n"
                            "complete -F _slactl slactl\n");
}
