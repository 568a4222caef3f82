/* SPDX-License-Identifier: MIT
 *
 * Asks a UDP echo server several questions at once, each in a fiber, as code with blocking calls would do it.
 *
 *     fiber ADDRESS TEXT...
 *
 * Each question has three tries, and each try waits twice as long as the one before. The answers are printed in the
 * order of the questions. The exit status is not 0 if an answer is missing. Compare echo_client.c: there the variables
 * that survive an await are in a frame; here they are local.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/fiber.h>
#include <trale/timer.h>
#include <trale/udp.h>

#define N_TRIES 3
#define PATIENCE (100 * TRALE_MILLISECOND)

struct question {
    const struct trale_address *server;
    const char *text;
    char answer[2048];
    int n_tries;
};

/* An ordinary function. It may wait, because its caller is a fiber. */
static int64_t receive(struct trale_udp_socket *socket, struct question *question, uint64_t deadline_ns)
{
    struct trale_udp_recv recv;
    struct trale_timeout timeout;
    for (;;) {
        int64_t length = trale_fiber_await(trale_deadline(
            &timeout, trale_udp_recv(&recv, socket, question->answer, sizeof question->answer), deadline_ns));
        if (length < 0)
            return length;
        if ((size_t)length == strlen(question->text) && memcmp(question->answer, question->text, (size_t)length) == 0)
            return length;
    }
}

static int64_t converse(struct trale_udp_socket *socket, struct question *question)
{
    uint64_t patience_ns = PATIENCE;
    int64_t result = trale_udp_connect(socket, question->server);
    if (result < 0)
        return result;

    while (question->n_tries < N_TRIES) {
        struct trale_udp_send send;
        question->n_tries++;
        result = trale_fiber_await(trale_udp_send(&send, socket, question->text, strlen(question->text)));
        if (result >= 0)
            result = receive(socket, question, trale_now(trale_current()) + patience_ns);
        if (result != -ETIMEDOUT)
            break;
        patience_ns *= 2;
    }
    return result;
}

/* The body of a fiber. It always runs to its end, also when the fiber is dropped. */
static int64_t ask(void *data)
{
    struct question *question = data;
    struct trale_address any_port = {.any.sa_family = question->server->any.sa_family};
    struct trale_udp_socket *socket;
    int64_t result = trale_udp_open_at(trale_current(), &any_port, 0, &socket);
    if (result < 0)
        return result;
    result = converse(socket, question);
    trale_udp_close(socket);
    return result;
}

/* Returns how many answers are missing. */
static int ask_all(struct trale *runtime, const struct trale_address *server, char **texts, size_t n)
{
    struct question *questions = calloc(n, sizeof *questions);
    struct trale_task **tasks = calloc(n, sizeof(struct trale_task *));
    int n_missing = (int)n;
    for (size_t i = 0; questions != NULL && tasks != NULL && i < n; i++) {
        questions[i] = (struct question){.server = server, .text = texts[i]};
        tasks[i] = trale_fiber_spawn(runtime, ask, &questions[i]);
    }
    for (size_t i = 0; questions != NULL && tasks != NULL && i < n; i++) {
        int64_t length = trale_join(tasks[i]);
        if (length < 0) {
            trale_perror(texts[i], length);
            continue;
        }
        printf("%.*s (tries: %d)\n", (int)length, questions[i].answer, questions[i].n_tries);
        n_missing--;
    }
    free(tasks);
    free(questions);
    return n_missing;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ADDRESS TEXT...\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);

    struct trale_address server;
    int n_missing = 0;
    r = trale_address_parse(argv[1], &server);
    if (r == 0)
        n_missing = ask_all(runtime, &server, argv + 2, (size_t)argc - 2);
    trale_close(runtime);

    if (r < 0)
        return trale_perror(argv[1], r);
    return n_missing == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
