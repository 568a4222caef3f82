/* SPDX-License-Identifier: MIT
 *
 * A replay, among its own files. */
#ifndef SIM_REPLAY_STATE_H
#define SIM_REPLAY_STATE_H

#include <trale/observer.h>
#include <trale/random.h>
#include <trale/recording_inputs.h>
#include <trale/udp_socket.h>

#include "program.h"
#include "recording.h"
#include "replay_waiting.h"

enum replay_state {
    REPLAY_GOES_ON, /* Each call is compared with the next record. */
    REPLAY_CLOSES,  /* A drop has differed. The runtime may be closing earlier than it did; if a task runs on, the
                       program has diverged. */
    REPLAY_IS_OVER, /* It has diverged, or the recording has ended. All tasks are aborted. */
};

/* A socket, from its opening to the end of the replay. */
struct replay_socket {
    struct trale_udp_socket base; /* first: what applications pass on */
    struct replay *replay;
    uint64_t number; /* 0: it is closed */
    struct replay_socket *next;
};

struct replay {
    struct program *program;
    const struct trale_inspector *inspector;
    struct recording recording;
    const char *path;
    enum replay_state state;
    void (*end)(void *sim, enum trale_sim_outcome outcome);
    void *sim;

    struct trale_timer timer;
    struct trale_udp udp;
    struct trale_random random;

    uint64_t inside, outside;         /* positions of the next record of each stream */
    uint32_t n_polls;                 /* that have ended since the last record */
    const struct trale_task *running; /* of the application; NULL: none */
    bool is_drop;                     /* `running` is dropped */
    bool waits_outside;               /* for a wake by something that is not replayed */
    uint64_t idle_at;                 /* where the program waited, and an operation was woken to go on; 0: nowhere */
    uint64_t polled;                  /* the operation that is polled, and its waker */
    const struct trale_waker *polled_waker;

    uint64_t first_ns, last_ns; /* of the recorded clock */
    struct replay_socket *sockets;
    struct replay_waiting waiting;
    char difference[768]; /* with REPLAY_CLOSES */
};

#endif
