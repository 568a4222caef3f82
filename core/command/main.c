/* SPDX-License-Identifier: MIT
 *
 * The `trale` command. */
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

#include "core/command/examine.h"

#define USAGE 2

static const struct command {
    const char *name;
    int (*run)(const struct command_options *options);
    const char *usage, *help;
} commands[] = {
    {"check", command_check, "check [-c FILE] [--json]",
     "Says which trale.ini is used and why, what each setting is and where it comes from,\n"
     "    and whether each driver loads. Exit status: 0 all is well, 1 something is not."},
    {"drivers", command_drivers, "drivers [-c FILE] [--options] [--json]",
     "Lists the drivers that trale.ini names: version, ABI, interfaces, file; with --options\n"
     "    the keys that each takes. Exit status as above."},
};

static int help(FILE *file, int status)
{
    fputs("usage:\n", file);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(file, "\ntrale %s\n    %s\n", commands[i].usage, commands[i].help);
    fputs("\ntrale --help | --version\n"
          "\nWithout -c, trale.ini is $TRALE_CONFIG, or the first that exists of\n"
          "    $XDG_CONFIG_HOME/trale/trale.ini (or ~/.config/trale/trale.ini)\n"
          "    " TRALE_SYSTEM_CONFIG "\n"
          "or else what is built in. Exit status 2: the command line is wrong.\n",
          file);
    return status;
}

static int complain(const char *what, const char *argument)
{
    fprintf(stderr, "trale: %s%s%s; see trale --help\n", what, argument[0] != '\0' ? ": " : "", argument);
    return USAGE;
}

static int run(const struct command *command, char **arguments)
{
    struct command_options options = {0};
    for (; *arguments != NULL; arguments++) {
        if (strcmp(*arguments, "-c") == 0 && arguments[1] != NULL)
            options.config_path = *++arguments;
        else if (strcmp(*arguments, "-c") == 0)
            return complain("-c needs a file", "");
        else if (strcmp(*arguments, "--json") == 0)
            options.json = true;
        else if (strcmp(*arguments, "--options") == 0 && command->run == command_drivers)
            options.options = true;
        else if (strcmp(*arguments, "--help") == 0)
            return help(stdout, 0);
        else
            return complain("no such option", *arguments);
    }
    return command->run(&options);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr, USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help(stdout, 0);
    if (strcmp(argv[1], "--version") == 0) {
        printf("trale " TRALE_VERSION ", driver ABI %u\n", TRALE_ABI);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argv + 2);
    return complain("no such command", argv[1]);
}
