/* SPDX-License-Identifier: MIT
 *
 * Names and what they stand for, in the thread layout that the environment names. How servers fail is in
 * test_resolve_server.c, how lookups end in test_resolve_end.c. */
#include "tests/resolve_support.h"

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void test_a_name_has_addresses_of_both_families_with_port_and_ttl(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "www.example", "192.0.2.1:80/60 [2001:db8::1]:80/30 ");
    assert_finds(world, TRALE_LOOKUP_V4, "www.example", "192.0.2.1:80/60 ");
    assert_finds(world, TRALE_LOOKUP_V6, "www.example", "[2001:db8::1]:80/30 ");
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "WWW.Example.", "192.0.2.1:80/60 [2001:db8::1]:80/30 ");
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "four.example", "192.0.2.1:80/60 ");
}

static void test_a_family_is_given_while_the_other_is_on_its_way(void **state)
{
    struct world *world = *state;
    struct gather gather;
    char text[256] = "";
    world->server.holds_v6 = true;
    assert_int_equal(trale_block_on(world->runtime, trale_call(gather, &gather, .name = "www.example", .text = text,
                                                               .size = sizeof text, .n_most = 1)),
                     1);
    assert_string_equal(text, "192.0.2.1:80/60 ");
}

static void test_a_numeric_address_is_taken_as_it_is(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "192.0.2.7", "192.0.2.7:80/- ");
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "2001:db8::7", "[2001:db8::7]:80/- ");
    assert_finds(world, TRALE_LOOKUP_V6, "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:80/- ");
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "fe80::1%lo", "[fe80::1%lo]:80/- ");
    assert_fails(world, TRALE_LOOKUP_V6, "192.0.2.7", -ENODATA);
    assert_fails(world, TRALE_LOOKUP_V4, "::1", -ENODATA);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "fe80::1%nosuch", -ENODEV);
    assert_int_equal(world->server.n_queries, 0);
}

static void test_what_is_no_name_is_refused_and_not_asked_for(void **state)
{
    struct world *world = *state;
    char label[65], longest[300] = "";
    memset(label, 'a', 64);
    label[64] = '\0';
    for (int i = 0; i < 149; i++)
        strcat(longest, "a.");
    strcat(longest, "a");
    const char *const texts[] = {"",         "..",         ".a",       "a..b", "a..",  " ",       "a b",
                                 "a\nb",     "b\xc3\xbc.", "a\\.b",    "a;b",  "$(a)", "127.1",   "0300",
                                 "1.2.3.4.", "1.2.3.4.5",  "1.2.3.4 ", ":",    ":::",  "1::2::3", "[::1]",
                                 "::1:80%",  "a:80",       label,      longest};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_fails(world, TRALE_LOOKUP_ADDRESSES, texts[i], -EINVAL);
    assert_fails(world, TRALE_LOOKUP_TXT, "a b", -EINVAL);
    assert_fails(world, 77, "www.example", -EINVAL);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "hidden.onion", -ENOENT);
    assert_int_equal(world->server.n_queries, 0);
}

static void test_the_longest_names_are_asked_for(void **state)
{
    struct world *world = *state;
    char longest[256] = "", label[65];
    memset(label, 'a', 63);
    strcpy(label + 63, ".");
    for (int i = 0; i < 3; i++)
        strcat(longest, label);
    label[61] = '\0';
    strcat(longest, label);
    assert_int_equal(strlen(longest), 253);
    assert_finds(world, TRALE_LOOKUP_V4, longest, "192.0.2.1:80/60 ");
    strcat(longest, ".");
    assert_finds(world, TRALE_LOOKUP_V4, longest, "192.0.2.1:80/60 ");
    assert_finds(world, TRALE_LOOKUP_V4, ".", "192.0.2.1:80/60 ");
}

static void test_localhost_is_this_host_and_is_not_asked_for(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "localhost", "127.0.0.1:80/- [::1]:80/- ");
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "LocalHost.", "127.0.0.1:80/- [::1]:80/- ");
    assert_finds(world, TRALE_LOOKUP_V6, "web.localhost", "[::1]:80/- ");
    assert_int_equal(world->server.n_queries, 0);
    assert_finds(world, TRALE_LOOKUP_V4, "notlocalhost", "192.0.2.1:80/60 ");
}

/* --- aliases ------------------------------------------------------------------------------------------------------ */

static void test_aliases_are_followed_and_the_least_ttl_counts(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "chain.example", "192.0.2.1:80/101 [2001:db8::1]:80/101 ");
    assert_finds(world, TRALE_LOOKUP_V4, "ages.example", "192.0.2.1:80/0 ");
    assert_finds(world, TRALE_LOOKUP_V4, "other.example", "192.0.2.1:80/60 ");
}

/* --- other records ------------------------------------------------------------------------------------------------ */

/* Texts, each byte of each string in hexadecimal: strings with '+' between them, records with '|'. */
struct read_texts {
    struct trale_future future;
    struct trale_lookup lookup;
    const char *name;
    char *text;
};

static void read_texts_close(struct read_texts *self)
{
    trale_lookup_end(&self->lookup);
}

trale_async_with(read_texts, read_texts_close)
{
    trale_begin();
    trale_lookup(&self->lookup, TRALE_LOOKUP_TXT, self->name, 0);
    for (;;) {
        trale_try(trale_lookup_next(&self->lookup));
        if (trale_result() == 0)
            trale_return(0);
        char *end = self->text + strlen(self->text);
        for (uint32_t i = 0; i < self->lookup.n_strings; i++) {
            for (uint64_t j = 0; j < self->lookup.strings[i].size; j++)
                end += sprintf(end, "%02x", ((const uint8_t *)self->lookup.strings[i].bytes)[j]);
            end += sprintf(end, "+");
        }
        sprintf(end, "%u|", self->lookup.ttl_s);
    }
}

static void assert_texts(struct world *world, const char *name, const char *wanted)
{
    static char text[1 << 18];
    struct read_texts texts;
    text[0] = '\0';
    assert_int_equal(trale_block_on(world->runtime, trale_call(read_texts, &texts, .name = name, .text = text)), 0);
    assert_string_equal(text, wanted);
}

static void test_texts_have_their_exact_bytes(void **state)
{
    struct world *world = *state;
    static char huge[1 << 18];
    char *end = huge;
    assert_texts(world, "text.example", "763d00ff+6162+60|74776f+50|");
    assert_texts(world, "empty.example", "+60|");
    if (test_is_simulated()) /* without TCP */
        return;
    for (int i = 0; i < 234; i++) {
        for (int j = 0; j < 255; j++)
            end += sprintf(end, "%02x", i);
        end += sprintf(end, "+");
    }
    sprintf(end, "60|");
    assert_texts(world, "huge.example", huge);
}

static void test_services_come_by_priority_and_then_by_weight(void **state)
{
    struct world *world = *state;
    static char text[65536];
    int n_often = 0, n_seldom = 0;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(look_up_text(world, TRALE_LOOKUP_SRV, "_s._udp.example", text), 4);
        n_often += strncmp(text, "10/90/5063/often.example/60 ", 28) == 0;
        n_seldom += strncmp(text, "10/10/5064/seldom.example/60 ", 29) == 0;
        assert_string_equal(text + strlen(text) - 27, " 20/0/5061/last.example/60 ");
    }
    /* About 178 and 20: neither fails by chance in a billion runs. */
    assert_true(n_often > n_seldom);
    assert_true(n_seldom > 0);
    assert_fails(world, TRALE_LOOKUP_SRV, "_gone._udp.example", -ENODATA);
}

static int64_t names_of(struct world *world, const char *address, char *text)
{
    struct gather gather;
    const struct trale_address parsed = test_address(address);
    text[0] = '\0';
    return trale_block_on(world->runtime, trale_call(gather, &gather, .kind = TRALE_LOOKUP_REVERSE, .address = &parsed,
                                                     .text = text, .size = 256));
}

static void test_an_address_has_a_name(void **state)
{
    struct world *world = *state;
    char text[256];
    assert_int_equal(names_of(world, "192.0.2.1:0", text), 1);
    assert_string_equal(text, "host.example/60 ");
    assert_int_equal(names_of(world, "[2001:db8::1]:0", text), 1);
    assert_string_equal(text, "host.example/60 ");
    assert_int_equal(names_of(world, "[::ffff:192.0.2.1]:7", text), 1);

    struct gather gather;
    const struct trale_address none = {0};
    assert_int_equal(trale_block_on(world->runtime, trale_call(gather, &gather, .kind = TRALE_LOOKUP_REVERSE,
                                                               .address = &none, .text = text, .size = 256)),
                     -EINVAL);
}

/* --- one address -------------------------------------------------------------------------------------------------- */

static void test_one_address_is_a_future_of_its_own(void **state)
{
    struct world *world = *state;
    struct trale_resolve resolve;
    assert_int_equal(trale_block_on(world->runtime, trale_resolve(&resolve, TRALE_LOOKUP_V4, "www.example", 443)), 0);
    assert_int_equal(resolve.ttl_s, 60);
    assert_int_equal(trale_address_port(&resolve.address), 443);
    assert_null(resolve.lookup.state);
    assert_int_equal(trale_block_on(world->runtime, trale_resolve(&resolve, TRALE_LOOKUP_V4, "nx.example", 443)),
                     -ENOENT);
    assert_int_equal(trale_block_on(world->runtime, trale_resolve(&resolve, TRALE_LOOKUP_TXT, "www.example", 443)),
                     -EINVAL);
}

static void test_a_name_and_a_port_are_split(void **state)
{
    (void)state;
    char name[10] = "";
    uint16_t port = 0;
    assert_int_equal(trale_resolve_split("a.b:53", name, sizeof name, &port), 0);
    assert_string_equal(name, "a.b");
    assert_int_equal(port, 53);
    assert_int_equal(trale_resolve_split("[::1%lo]:80", name, sizeof name, &port), 0);
    assert_string_equal(name, "::1%lo");
    assert_int_equal(trale_resolve_split(":0", name, sizeof name, &port), 0);
    assert_string_equal(name, "");
    const char *const wrong[] = {"", "a", "a:", "a:x", "a:65536", "a:-1", "::1", "::1:80", "a:80:90", "[::1]"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(trale_resolve_split(wrong[i], name, sizeof name, &port), -EINVAL);
    assert_int_equal(trale_resolve_split("abcdefghij:1", name, sizeof name, &port), -ENOSPC);
}

static void test_without_a_driver_there_is_an_error(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct trale_resolve resolve;
    assert_int_equal(trale_block_on(runtime, trale_resolve(&resolve, TRALE_LOOKUP_V4, "www.example", 443)), -ENODEV);
    trale_close(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(test_a_name_has_addresses_of_both_families_with_port_and_ttl),
        with_world(test_a_family_is_given_while_the_other_is_on_its_way),
        with_world(test_a_numeric_address_is_taken_as_it_is),
        with_world(test_what_is_no_name_is_refused_and_not_asked_for),
        with_world(test_the_longest_names_are_asked_for),
        with_world(test_localhost_is_this_host_and_is_not_asked_for),
        with_world(test_aliases_are_followed_and_the_least_ttl_counts),
        with_world(test_texts_have_their_exact_bytes),
        with_world(test_services_come_by_priority_and_then_by_weight),
        with_world(test_an_address_has_a_name),
        with_world(test_one_address_is_a_future_of_its_own),
        cmocka_unit_test(test_a_name_and_a_port_are_split),
        cmocka_unit_test(test_without_a_driver_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
