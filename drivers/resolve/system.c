/* SPDX-License-Identifier: MIT
 *
 * The system's settings are read by c-ares: resolv.conf, and $LOCALDOMAIN and $RES_OPTIONS, which override it. A
 * channel is opened for that, and closed again. ares_library_init is not called: outside Windows it only counts its
 * calls, in a global that no lock protects, and several runtimes may start at the same time. */
#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ares.h>

#include "file.h"

#define DNS_PORT 53
#define SEPARATORS ", \t"

/* --- trale.ini ---------------------------------------------------------------------------------------------------- */

static int read_server(const char *word, struct trale_address *server)
{
    int r = trale_address_parse(word, server);
    if (r == -EINVAL)
        r = name_read_address(word, DNS_PORT, server) == 1 ? 0 : -EINVAL;
    return r == 0 && trale_address_port(server) == 0 ? -EINVAL : r;
}

static int add_server(struct system *system, const struct trale_address *server)
{
    struct trale_address *servers = reallocarray(system->servers, system->n_servers + 1, sizeof *servers);
    if (servers == NULL)
        return -ENOMEM;
    system->servers = servers;
    servers[system->n_servers++] = *server;
    return 0;
}

/* What is no name is left out: of resolv.conf it cannot be refused. */
static int add_domain(struct system *system, const char *domain)
{
    char name[NAME_SIZE], (*domains)[NAME_SIZE];
    bool is_absolute;
    if (name_copy(name, domain, &is_absolute) < 0)
        return -EINVAL;
    if (name[0] == '\0') /* the root: the name as it is, which is tried anyhow */
        return 0;
    domains = reallocarray(system->domains, system->n_domains + 1, sizeof *domains);
    if (domains == NULL)
        return -ENOMEM;
    system->domains = domains;
    memcpy(domains[system->n_domains++], name, NAME_SIZE);
    return 0;
}

static int add_server_word(struct system *system, const char *word)
{
    struct trale_address server;
    int r = read_server(word, &server);
    return r < 0 ? r : add_server(system, &server);
}

/* Calls `add` for each word of an option. The first error. */
static int each_word(struct system *system, enum option option, int (*add)(struct system *system, const char *word))
{
    char *text = strdup(system->settings->values[option].text), *rest;
    int r = text == NULL ? -ENOMEM : 0;
    for (char *word = r == 0 ? strtok_r(text, SEPARATORS, &rest) : NULL; word != NULL && r == 0;
         word = strtok_r(NULL, SEPARATORS, &rest))
        r = add(system, word);
    free(text);
    return r;
}

static bool is_set(const struct system *system, enum option option)
{
    return system->settings->values[option].text[0] != '\0';
}

/* --- the system --------------------------------------------------------------------------------------------------- */

static int read_system_servers(struct system *system, ares_channel channel)
{
    struct ares_addr_port_node *servers = NULL;
    int r = ares_get_servers_ports(channel, &servers) == ARES_SUCCESS ? 0 : -ENOMEM;
    for (const struct ares_addr_port_node *node = servers; node != NULL && r == 0; node = node->next) {
        struct trale_address server = {.any.sa_family = (sa_family_t)node->family};
        if (node->family == AF_INET)
            memcpy(&server.v4.sin_addr, &node->addr.addr4, sizeof server.v4.sin_addr);
        else
            memcpy(&server.v6.sin6_addr, &node->addr.addr6, sizeof server.v6.sin6_addr);
        trale_address_set_port(&server, (uint16_t)(node->udp_port != 0 ? node->udp_port : DNS_PORT));
        r = add_server(system, &server);
    }
    ares_free_data(servers);
    return r;
}

static int read_channel(struct system *system, ares_channel channel)
{
    struct ares_options options;
    int mask = 0, r = 0;
    if (ares_save_options(channel, &options, &mask) != ARES_SUCCESS) {
        ares_destroy_options(&options);
        return -ENOMEM;
    }
    for (int i = 0; i < options.ndomains && r == 0 && !is_set(system, OPTION_SEARCH); i++)
        r = add_domain(system, options.domains[i]) == -ENOMEM ? -ENOMEM : 0;
    system->n_dots = options.ndots > 0 ? (size_t)options.ndots : 0;
    system->rotates = (mask & ARES_OPT_ROTATE) != 0;
    ares_destroy_options(&options);
    if (r == 0 && !is_set(system, OPTION_SERVERS))
        r = read_system_servers(system, channel);
    return r;
}

/* Whether anything is left to the system. */
static bool reads_system(const struct system *system)
{
    return !is_set(system, OPTION_SERVERS) || !is_set(system, OPTION_SEARCH) ||
           system->settings->values[OPTION_NDOTS].integer < 0;
}

static int read_system(struct system *system)
{
    if (!reads_system(system))
        return 0;
    const char *path = system->settings->values[OPTION_RESOLV_CONF].text;
    ares_channel channel;
    system->file = file_look(path);
    if (!S_ISREG(system->file.st_mode))
        path = "/dev/null";
    struct ares_options options = {.resolvconf_path = (char *)(uintptr_t)path};
    if (ares_init_options(&channel, &options, ARES_OPT_RESOLVCONF) != ARES_SUCCESS)
        return -ENOMEM;
    int r = read_channel(system, channel);
    ares_destroy(channel);
    return r;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

static int read_all(struct system *system, const struct trale_host *host)
{
    const struct trale_settings *settings = system->settings;
    int r = each_word(system, OPTION_SERVERS, add_server_word);
    if (r == -EINVAL || r == -ENODEV || (r == 0 && is_set(system, OPTION_SERVERS) && system->n_servers == 0))
        return host != NULL ? option_refuse(host, settings, OPTION_SERVERS, "not addresses") : -EINVAL;
    if (r == 0)
        r = each_word(system, OPTION_SEARCH, add_domain);
    if (r == -EINVAL)
        return host != NULL ? option_refuse(host, settings, OPTION_SEARCH, "not names") : r;
    if (r == 0)
        r = read_system(system);
    if (settings->values[OPTION_NDOTS].integer >= 0)
        system->n_dots = (size_t)settings->values[OPTION_NDOTS].integer;
    return r;
}

int system_init(struct system *system, const struct trale_host *host, const struct trale_settings *settings)
{
    *system = (struct system){.settings = settings};
    int r = read_all(system, host);
    if (r < 0)
        system_deinit(system);
    return r;
}

void system_refresh(struct system *system)
{
    struct system fresh = {.settings = system->settings};
    if (!reads_system(system))
        return;
    const struct stat file = file_look(system->settings->values[OPTION_RESOLV_CONF].text);
    if (file_equal(&file, &system->file))
        return;
    if (read_all(&fresh, NULL) < 0) {
        system_deinit(&fresh);
        return;
    }
    system_deinit(system);
    *system = fresh;
}

void system_deinit(struct system *system)
{
    free(system->servers);
    free(system->domains);
    system->servers = NULL;
    system->domains = NULL;
    system->n_servers = system->n_domains = 0;
}
