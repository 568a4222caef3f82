/* SPDX-License-Identifier: MIT
 *
 * The `trale` command. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

#include "core/command/examine.h"
#include "core/command/view.h"
#include "core/command/simulate.h"

#define USAGE 2

static const struct command {
    const char *name;
    int (*run)(const struct command_options *options);
    const char *usage, *help;
} commands[] = {
    {"check", command_check, "check [--start] [--json] [[-c] FILE]",
     "Says which trale.ini is used and why, what each setting is and where it comes from,\n"
     "    and whether each driver's file is right, of which no code runs; with --start also\n"
     "    whether all drivers start and stop.\n"
     "    Exit status: 0 there is no error, 1 there is one."},
    {"drivers", command_drivers, "drivers [--all] [--options] [--json] [[-c] FILE]",
     "Lists the drivers that trale.ini names: version, ABI, interfaces, file; with --options\n"
     "    the keys that each takes; with --all those of all files in the folder of drivers,\n"
     "    whether named or not. Exit status as above."},
};

static int help(FILE *file, int status)
{
    fputs("usage:\n", file);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(file, "\ntrale %s\n    %s\n", commands[i].usage, commands[i].help);
    fprintf(file, "\ntrale %s\n    %s\n", view_usage, view_help);
    fprintf(file, "\ntrale %s\n    Runs a program in simulated worlds, each drawn from a seed: trale simulate --help\n",
            simulate_usage);
    fputs("\ntrale -h, --help | -V, --version\n"
          "\nFILE, -c FILE or --config=FILE is the trale.ini to look at. Without, it is $TRALE_SIMULATION,\n"
          "$TRALE_CONFIG, or the first that exists of\n"
          "    $XDG_CONFIG_HOME/trale/trale.ini (or ~/.config/trale/trale.ini)\n"
          "    " TRALE_SYSTEM_CONFIG "\n"
          "or else the built-in text. Exit status 2: the command line is wrong.\n",
          file);
    return status;
}

static int version(void)
{
    printf("trale " TRALE_VERSION ", driver ABI %u\n", TRALE_ABI);
    return 0;
}

/* After getopt(3), which says what is wrong, or with a sentence of its own. */
static int complain(const char *what, const char *argument)
{
    if (what != NULL)
        fprintf(stderr, "trale: %s%s%s\n", what, argument != NULL ? ": " : "", argument != NULL ? argument : "");
    fputs("trale: see trale --help\n", stderr);
    return USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
    enum { JSON = 256, OPTIONS, ALL, START };
    static const struct option check[] = {{"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, JSON},
                                          {"start", no_argument, NULL, START},      {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},      {0}};
    static const struct option drivers[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, JSON},
                                            {"options", no_argument, NULL, OPTIONS},
                                            {"all", no_argument, NULL, ALL},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    struct command_options options = {0};
    static char name[] = "trale";
    argv[0] = name; /* as getopt calls the program in its messages */
    for (int c; (c = getopt_long(argc, argv, "c:hV", command->run == command_check ? check : drivers, NULL)) != -1;) {
        if (c == 'h')
            return help(stdout, 0);
        if (c == 'V')
            return version();
        if (c == '?')
            return complain(NULL, NULL);
        if (c == 'c' && options.config_path != NULL)
            return complain("more than one file is named", optarg);
        if (c == 'c')
            options.config_path = optarg;
        options.json |= c == JSON;
        options.options |= c == OPTIONS;
        options.all |= c == ALL;
        options.start |= c == START;
    }
    for (; optind < argc; optind++) {
        if (options.config_path != NULL)
            return complain("more than one file is named", argv[optind]);
        options.config_path = argv[optind];
    }
    return command->run(&options);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr, USAGE);
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help(stdout, 0);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return version();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(word, commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    if (strcmp(word, "view") == 0)
        return command_view(argc - 1, argv + 1);
    if (strcmp(word, "simulate") == 0)
        return command_simulate(argc - 1, argv + 1);
    return complain(word[0] == '-' ? "no such option" : "no such command", word);
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    errno = 0;
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (!is_written)
        fprintf(stderr, "trale: cannot write the output: %s\n",
                errno != 0 ? strerror(errno) : "an earlier write failed");
    is_written = is_written && !ferror(stderr);
    return is_written || status != 0 ? status : 1;
}
