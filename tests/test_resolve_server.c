/* SPDX-License-Identifier: MIT
 *
 * Servers that fail, are silent, lie, or say too much; and which of them are asked, and for which names. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/resolve_support.h"

/* --- failures ----------------------------------------------------------------------------------------------------- */

static void test_each_failure_has_an_error_of_its_own(void **state)
{
    struct world *world = *state;
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "nx.example", -ENOENT);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "none.example", -ENODATA);
    assert_fails(world, TRALE_LOOKUP_V6, "four.example", -ENODATA);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "servfail.example", -EREMOTEIO);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "formerr.example", -EREMOTEIO);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "notimp.example", -EREMOTEIO);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "notauth.example", -EREMOTEIO);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "refused.example", -EACCES);
    assert_finds(world, TRALE_LOOKUP_V4, "after.example", "192.0.2.1:80/60 ");
}

static void test_a_server_that_does_not_know_edns_is_asked_without(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_V4, "old.example", "192.0.2.1:80/60 ");
    assert_int_equal(world->server.n_queries, 2);
}

static void test_a_forged_answer_is_ignored(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "forged.example", "192.0.2.1:80/60 [2001:db8::1]:80/30 ");
    assert_int_equal(world->server.n_queries, 2);
}

static void test_a_malformed_answer_is_an_error(void **state)
{
    struct world *world = *state;
    const char *const names[] = {"circle", "outside", "short", "counts",   "length",
                                 "nul",    "blank",   "label", "circular", "endless"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_fails(world, TRALE_LOOKUP_ADDRESSES, names[i], -EBADMSG);
    assert_finds(world, TRALE_LOOKUP_V4, "after.example", "192.0.2.1:80/60 ");
}

static void test_a_silent_server_is_asked_as_often_as_tries_says(void **state)
{
    (void)state;
    struct world world = {0};
    world_open_with(&world, WORLD "timeout = 10ms\ntries = 3\n");
    assert_fails(&world, TRALE_LOOKUP_V4, "silent.example", -ETIME);
    assert_int_equal(world.server.n_queries, 3);
    trale_close(world.runtime);
}

static void test_a_server_that_is_not_there_is_not_waited_for(void **state)
{
    (void)state;
    struct world world = {0};
    char options[256], gone[TRALE_ADDRESS_TEXT] = "127.0.0.1:9999";
    struct dns_server other;
    dns_server_init(&other); /* an address that another server had */
    if (other.udp >= 0) {
        close(other.udp);
        close(other.tcp);
        strcpy(gone, other.address);
    }
    snprintf(options, sizeof options, "servers = %s\nsearch = .\nndots = 1\nhosts =\ntimeout = 60s\ntries = 10\n",
             gone);
    world_open_with(&world, options);
    assert_fails(&world, TRALE_LOOKUP_ADDRESSES, "www.example", -EHOSTDOWN);
    trale_close(world.runtime);

    snprintf(options, sizeof options, "servers = %s %%s\nsearch = .\nndots = 1\nhosts =\ntimeout = 60s\ntries = 1\n",
             gone);
    world = (struct world){0};
    world_open_with(&world, options);
    assert_finds(&world, TRALE_LOOKUP_V4, "www.example", "192.0.2.1:80/60 ");
    trale_close(world.runtime);
}

static void test_the_second_server_is_asked_when_the_first_one_fails(void **state)
{
    (void)state;
    struct world world = {0};
    struct dns_server second;
    char options[256];
    dns_server_init(&second);
    if (second.udp < 0)
        strcpy(second.address, "127.0.0.1:5454");
    snprintf(options, sizeof options, "servers = %%s %s\nsearch = .\nndots = 1\nhosts =\ntimeout = 500ms\ntries = 2\n",
             second.address);
    world_open_with(&world, options);
    dns_server_start(&second, world.runtime);
    world.server.is_silent = true;
    assert_finds(&world, TRALE_LOOKUP_V4, "www.example", "192.0.2.1:80/60 ");
    assert_int_equal(world.server.n_queries, 1);
    assert_int_equal(second.n_queries, 1);
    world.server.is_silent = false;
    assert_fails(&world, TRALE_LOOKUP_V4, "refused.example", -EACCES); /* each of them, in each try */
    assert_int_equal(world.server.n_queries, 3);
    assert_int_equal(second.n_queries, 3);
    trale_close(world.runtime);
}

/* --- the search list ---------------------------------------------------------------------------------------------- */

static void asks(const char *options, const char *name, int64_t result, const char *wanted)
{
    struct world world = {0};
    static char text[65536];
    char filled[512];
    snprintf(filled, sizeof filled, "servers = %%s\nhosts =\ntries = 1\ntimeout = 20s\n%s", options);
    world_open_with(&world, filled);
    assert_int_equal(look_up_text(&world, TRALE_LOOKUP_V4, name, text), result);
    trale_close(world.runtime);
    assert_string_equal(world.server.asked, wanted);
}

static void test_the_search_list_is_tried_as_ndots_says(void **state)
{
    (void)state;
    asks("search = a.test, b.test\nndots = 1\n", "nx", -ENOENT, "nx.a.test nx.b.test nx ");
    asks("search = a.test, b.test\nndots = 1\n", "nx.", -ENOENT, "nx ");
    asks("search = a.test b.test.\nndots = 1\n", "nx.c", -ENOENT, "nx.c nx.c.a.test nx.c.b.test ");
    asks("search = a.test\nndots = 2\n", "nx.c", -ENOENT, "nx.c.a.test nx.c ");
    asks("search = a.test\nndots = 0\n", "nx", -ENOENT, "nx nx.a.test ");
    asks("search = .\nndots = 1\n", "nx", -ENOENT, "nx ");
    asks("search = a.test, b.test\nndots = 1\n", "www", 1, "www.a.test ");
    asks("search = a.test, b.test\nndots = 1\n", "none", -ENODATA, "none.a.test none.b.test none ");
    /* The servers cannot tell whether this domain has it; the other ones may. */
    asks("search = a.test\nndots = 1\n", "servfail", -EREMOTEIO, "servfail.a.test servfail ");
}

static void test_a_domain_that_makes_the_name_too_long_is_left_out(void **state)
{
    (void)state;
    char options[400], label[64];
    memset(label, 'd', 63);
    label[63] = '\0';
    snprintf(options, sizeof options, "search = %s.%s.%s.%.60s, b.test\nndots = 1\n", label, label, label, label);
    asks(options, "nx", -ENOENT, "nx.b.test nx ");
}

/* --- the system's files ------------------------------------------------------------------------------------------- */

static void test_the_hosts_file_comes_first(void **state)
{
    (void)state;
    struct world world = {0};
    char options[256], text[256];
    world_make_folder(&world);
    snprintf(options, sizeof options, "servers = %%s\nsearch = .\nndots = 1\nhosts = %s/hosts\ntries = 1\n",
             world.folder);
    world_write(&world, "hosts",
                "# 192.0.2.9 www.example\n"
                "192.0.2.10\tother.name www.EXAMPLE www # 192.0.2.11\n"
                "2001:db8::10 www.example.\r\n"
                "\n"
                "192.0.2.10 www.example\n"
                "192.0.2.12\n"
                "nonsense www.example\n"
                "192.0.2.300 www.example\n"
                "192.0.2.13 www.example..\n"
                "192.0.2.14 v4.example\n"
                "127.0.0.1 localhost\n"
                "192.0.2.15 last.example");
    world_open_with(&world, options);
    assert_finds(&world, TRALE_LOOKUP_ADDRESSES, "www.example", "192.0.2.10:80/- [2001:db8::10]:80/- ");
    assert_finds(&world, TRALE_LOOKUP_V6, "WWW.example.", "[2001:db8::10]:80/- ");
    assert_fails(&world, TRALE_LOOKUP_V6, "v4.example", -ENODATA);
    assert_finds(&world, TRALE_LOOKUP_ADDRESSES, "localhost", "127.0.0.1:80/- ");
    assert_finds(&world, TRALE_LOOKUP_ADDRESSES, "last.example", "192.0.2.15:80/- ");
    assert_int_equal(world.server.n_queries, 0);

    struct gather gather;
    const struct trale_address address = test_address("192.0.2.10:0");
    text[0] = '\0';
    assert_int_equal(trale_block_on(world.runtime, trale_call(gather, &gather, .kind = TRALE_LOOKUP_REVERSE,
                                                              .address = &address, .text = text, .size = 256)),
                     2);
    assert_string_equal(text, "other.name/- www.example/- ");

    world_write(&world, "hosts", "192.0.2.20 www.example\n");
    assert_finds(&world, TRALE_LOOKUP_ADDRESSES, "www.example", "192.0.2.20:80/- ");
    trale_close(world.runtime);
    world_remove_folder(&world);
}

/* Writes other bytes into a file of the folder, where it is, and gives it the time that it had. */
static void world_overwrite(const struct world *world, const char *name, const char *text)
{
    char path[128];
    struct stat file;
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, (struct timespec[2]){file.st_atim, file.st_mtim}), 0);
    close(fd);
}

static void test_the_hosts_file_is_read_when_it_has_changed(void **state)
{
    (void)state;
    struct world world = {0};
    char options[256];
    world_make_folder(&world);
    snprintf(options, sizeof options, "servers = %%s\nsearch = .\nndots = 1\nhosts = %s/hosts\ntries = 1\n",
             world.folder);
    world_open_with(&world, options);
    assert_fails(&world, TRALE_LOOKUP_V4, "nx", -ENOENT);
    world_write(&world, "hosts", "192.0.2.1 nx\n");
    assert_finds(&world, TRALE_LOOKUP_V4, "nx", "192.0.2.1:80/- ");
    world_overwrite(&world, "hosts", "192.0.2.2 nx\n");
    assert_finds(&world, TRALE_LOOKUP_V4, "nx", "192.0.2.1:80/- ");
    world_overwrite(&world, "hosts", "192.0.2.2 nx\n192.0.2.3 nx\n");
    assert_finds(&world, TRALE_LOOKUP_V4, "nx", "192.0.2.2:80/- 192.0.2.3:80/- ");
    world_remove_folder(&world);
    assert_fails(&world, TRALE_LOOKUP_V4, "nx", -ENOENT);
    trale_close(world.runtime);
}

static void test_what_is_no_regular_file_is_not_waited_for(void **state)
{
    (void)state;
    struct world world = {0};
    char options[256], path[128];
    world_make_folder(&world);
    snprintf(path, sizeof path, "%s/hosts", world.folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/resolv.conf", world.folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(options, sizeof options, "servers = %%s\nsearch = .\nhosts = %s/hosts\nresolv_conf = %s/resolv.conf\n",
             world.folder, world.folder);
    world_open_with(&world, options);
    assert_fails(&world, TRALE_LOOKUP_V4, "nx", -ENOENT);
    world_write(&world, "hosts", "192.0.2.1 nx\n");
    assert_finds(&world, TRALE_LOOKUP_V4, "nx", "192.0.2.1:80/- ");
    trale_close(world.runtime);
    world_remove_folder(&world);
}

static void test_a_changed_resolv_conf_is_read_again(void **state)
{
    (void)state;
    struct world world = {0};
    char options[256];
    world_make_folder(&world);
    snprintf(options, sizeof options, "servers = %%s\nhosts =\nresolv_conf = %s/resolv.conf\ntries = 1\n",
             world.folder);
    world_write(&world, "resolv.conf", "nameserver 192.0.2.53\nsearch a.test b.test\noptions ndots:1 rotate\n");
    world_open_with(&world, options);
    assert_fails(&world, TRALE_LOOKUP_V4, "nx", -ENOENT);
    assert_string_equal(world.server.asked, "nx.a.test nx.b.test nx ");
    world_write(&world, "resolv.conf", "search c.test\noptions ndots:2\n");
    world.server.asked[0] = '\0';
    assert_fails(&world, TRALE_LOOKUP_V4, "nx.d", -ENOENT);
    assert_string_equal(world.server.asked, "nx.d.c.test nx.d ");
    trale_close(world.runtime);
    world_remove_folder(&world);
}

/* --- trale.ini ---------------------------------------------------------------------------------------------------- */

static void refuses(const char *option)
{
    char text[1024];
    struct test_log log = {.length = 0};
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, udp, stream, random, resolve\nthreads = 0\ndrivers_folder = %s\n" TEST_TIMER
                 TEST_UDP TEST_STREAM "[driver:random]\npath = random.so\n[driver:resolve]\npath = resolve.so\n%s\n",
             TEST_DRIVERS, option);
    assert_int_equal(
        trale_open(&runtime, &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = &log}),
        -EINVAL);
    assert_non_null(strstr(log.text, "driver:resolve"));
    assert_non_null(strstr(log.text, option));
}

static void test_options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refuses("servers = dns.example");
    refuses("servers = 192.0.2.1:0");
    refuses("servers = 192.0.2.1, 192.0.2.1:65536");
    refuses("servers = ,");
    refuses("search = a..b");
}

static void test_servers_are_written_with_or_without_a_port(void **state)
{
    (void)state;
    struct world world = {0};
    world_open_with(&world, "servers = 192.0.2.1, 2001:db8::1 [2001:db8::1]:5353\n");
    trale_close(world.runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(test_each_failure_has_an_error_of_its_own),
        with_world(test_a_server_that_does_not_know_edns_is_asked_without),
        with_world(test_a_forged_answer_is_ignored),
        with_world(test_a_malformed_answer_is_an_error),
        cmocka_unit_test(test_a_silent_server_is_asked_as_often_as_tries_says),
        cmocka_unit_test(test_a_server_that_is_not_there_is_not_waited_for),
        cmocka_unit_test(test_the_second_server_is_asked_when_the_first_one_fails),
        cmocka_unit_test(test_the_search_list_is_tried_as_ndots_says),
        cmocka_unit_test(test_a_domain_that_makes_the_name_too_long_is_left_out),
        cmocka_unit_test(test_the_hosts_file_comes_first),
        cmocka_unit_test(test_the_hosts_file_is_read_when_it_has_changed),
        cmocka_unit_test(test_what_is_no_regular_file_is_not_waited_for),
        cmocka_unit_test(test_a_changed_resolv_conf_is_read_again),
        cmocka_unit_test(test_options_that_make_no_sense_are_refused),
        cmocka_unit_test(test_servers_are_written_with_or_without_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
