/* SPDX-License-Identifier: MIT
 *
 * libcoap, a library with an epoll instance of its own, driven by trale_fd_wait: a server and a client on loopback, in
 * each thread layout. */
#include <netinet/in.h>

#include <coap3/coap.h>

#include <trale/fd.h>

#include "tests/support.h"

enum { N_REQUESTS = 50 };

static void on_get(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                   const coap_string_t *query, coap_pdu_t *response)
{
    (void)resource, (void)session, (void)request, (void)query;
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    coap_add_data(response, 5, (const uint8_t *)"hello");
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received,
                                   const coap_mid_t id)
{
    size_t size;
    const uint8_t *data;
    (void)sent, (void)id;
    int *n_answers = coap_get_app_data(coap_session_get_context(session));
    if (coap_get_data(received, &size, &data) && size == 5 && memcmp(data, "hello", 5) == 0)
        ++*n_answers;
    return COAP_RESPONSE_OK;
}

/* How many requests libcoap has given up. */
static int n_given_up;

static void on_nack(coap_session_t *session, const coap_pdu_t *sent, const coap_nack_reason_t reason,
                    const coap_mid_t id)
{
    (void)session, (void)sent, (void)id;
    n_given_up += reason == COAP_NACK_TOO_MANY_RETRIES;
}

/* Lets libcoap go on whenever one of its sockets or timers is ready, until `n_answers` has reached `n_wanted`. */
struct driver {
    struct trale_future future;
    coap_context_t *context;
    const int *n_answers; /* NULL: for ever */
    int n_wanted;
    struct trale_fd_wait wait;
};

trale_async(driver)
{
    trale_begin();
    for (;;) {
        /* Sends what is due, and arms libcoap's own timer, which is in its epoll instance. */
        if (coap_io_process(self->context, COAP_IO_NO_WAIT) < 0)
            trale_return(-EIO);
        if (self->n_answers != NULL && (*self->n_answers >= self->n_wanted || n_given_up > 0))
            trale_return(*self->n_answers);
        trale_try(trale_fd_wait(&self->wait, coap_context_get_coap_fd(self->context), TRALE_READABLE));
    }
}

static void request(coap_session_t *session)
{
    coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET, session);
    uint8_t token[8];
    size_t size;
    assert_non_null(pdu);
    coap_session_new_token(session, &size, token);
    assert_true(coap_add_token(pdu, size, token));
    assert_true(coap_add_option(pdu, COAP_OPTION_URI_PATH, 5, (const uint8_t *)"hello"));
    assert_int_not_equal(coap_send(session, pdu), COAP_INVALID_MID);
}

static void loopback(coap_address_t *address, in_port_t port)
{
    coap_address_init(address);
    address->size = sizeof address->addr.sin;
    address->addr.sin.sin_family = AF_INET;
    address->addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->addr.sin.sin_port = port;
}

/* A port that was free a moment ago: libcoap does not tell which one the kernel has chosen. */
static in_port_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return address.sin_port;
}

static void end(struct trale *runtime, coap_context_t *context)
{
    assert_int_equal(trale_fd_forget(runtime, coap_context_get_coap_fd(context)), 0);
    coap_free_context(context);
}

static void test_a_client_and_a_server_of_libcoap_talk_through_tasks(void **state)
{
    coap_address_t address;
    int n_answers = 0;
    coap_startup();
    loopback(&address, free_port());
    coap_context_t *server = coap_new_context(NULL), *client = coap_new_context(NULL);
    assert_non_null(server);
    assert_non_null(client);
    if (coap_context_get_coap_fd(server) < 0)
        skip(); /* built without epoll */
    while (coap_new_endpoint(server, &address, COAP_PROTO_UDP) == NULL)
        loopback(&address, free_port()); /* another process has taken it meanwhile */
    coap_resource_t *resource = coap_resource_init(coap_make_str_const("hello"), 0);
    coap_register_request_handler(resource, COAP_REQUEST_GET, on_get);
    coap_add_resource(server, resource);
    coap_set_app_data(client, &n_answers);
    coap_register_response_handler(client, on_response);
    coap_register_nack_handler(client, on_nack);
    coap_session_t *session = coap_new_client_session(client, NULL, &address, COAP_PROTO_UDP);
    assert_non_null(session);
    struct trale_task *serving = trale_spawn(*state, driver, .context = server);
    for (int i = 1; i <= N_REQUESTS; i++) {
        struct driver asking;
        request(session);
        assert_int_equal(trale_block_on(*state, trale_call(driver, &asking, .context = client, .n_answers = &n_answers,
                                                           .n_wanted = i)),
                         i);
    }
    trale_abort(serving);
    assert_int_equal(trale_join(serving), -ECANCELED);
    end(*state, client);
    end(*state, server);
    coap_cleanup();
}

static void test_a_timeout_of_libcoap_ends_a_request_without_an_answer(void **state)
{
    coap_address_t address;
    int n_answers = 0;
    struct driver asking;
    coap_startup();
    n_given_up = 0;
    /* A socket that never answers. */
    int silent = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t size = sizeof address.addr.sin;
    loopback(&address, 0);
    assert_int_equal(bind(silent, &address.addr.sa, size), 0);
    assert_int_equal(getsockname(silent, &address.addr.sa, &size), 0);
    coap_context_t *client = coap_new_context(NULL);
    assert_non_null(client);
    if (coap_context_get_coap_fd(client) < 0)
        skip();
    coap_set_app_data(client, &n_answers);
    coap_register_nack_handler(client, on_nack);
    coap_session_t *session = coap_new_client_session(client, NULL, &address, COAP_PROTO_UDP);
    coap_session_set_max_retransmit(session, 1);
    coap_session_set_ack_timeout(session, (coap_fixed_point_t){0, 50});
    coap_session_set_ack_random_factor(session, (coap_fixed_point_t){1, 0});
    request(session);
    assert_int_equal(
        trale_block_on(*state, trale_call(driver, &asking, .context = client, .n_answers = &n_answers, .n_wanted = 1)),
        0);
    assert_int_equal(n_given_up, 1);
    end(*state, client);
    close(silent);
    coap_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_and_a_server_of_libcoap_talk_through_tasks),
        cmocka_unit_test(test_a_timeout_of_libcoap_ends_a_request_without_an_answer),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
