/* SPDX-License-Identifier: MIT
 *
 * The report of a simulated run: what [driver:sim] report = FILE holds, kept up to date while the program runs. The
 * file is mapped shared, so it is there after a crash, with all that had happened by then. Other processes may read it
 * at any time; they compare `magic` and `version` first.
 *
 * With several programs in one world, all write the same file, and each process of a program that was started again. */
#ifndef TRALE_SIM_REPORT_H
#define TRALE_SIM_REPORT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRALE_SIM_REPORT_MAGIC UINT64_C(0x74726f7065726973) /* "sireport" */
#define TRALE_SIM_REPORT_VERSION 1u

/* How a run has ended. */
enum trale_sim_outcome {
    TRALE_SIM_RUNNING,        /* It has not ended, or the process has crashed or called exit(3) before trale_close. */
    TRALE_SIM_CLOSED,         /* The last runtime of the world was closed. */
    TRALE_SIM_HANG,           /* Tasks wait, no task is runnable, and no event is left. */
    TRALE_SIM_TIME_LIMIT,     /* The virtual time has reached `time_limit`. Its tasks were aborted then. */
    TRALE_SIM_SETTLED,        /* The program has reported success. */
    TRALE_SIM_NOT_SETTLED,    /* The time of quiet (`settle`) has passed without an end or a success. Likewise. */
    TRALE_SIM_DIVERGED,       /* A replay: the program did what it did not do when it was recorded. Likewise. */
    TRALE_SIM_RECORDING_ENDS, /* A replay: the recording has no more. Likewise. */
    TRALE_SIM_NOT_STOPPED,    /* A program that serves has not ended `stop_within` after SIGTERM. Likewise. */
    TRALE_SIM_N_OUTCOMES,
};

/* The word for an outcome. */
static inline const char *trale_sim_outcome_name(uint32_t outcome)
{
    static const char *const names[TRALE_SIM_N_OUTCOMES] = {
        "running",     "closed",   "hang",           "time limit",  "settled",
        "not settled", "diverged", "recording ends", "not stopped",
    };
    return outcome < TRALE_SIM_N_OUTCOMES ? names[outcome] : "unknown";
}

/* Why a datagram did not arrive. */
enum trale_sim_loss {
    TRALE_SIM_LOST_LOSS,      /* a link lost it, by its rate */
    TRALE_SIM_LOST_PARTITION, /* the hosts could not reach each other */
    TRALE_SIM_LOST_QUEUE,     /* the queue of the link was full */
    TRALE_SIM_LOST_MTU,       /* it was larger than the link takes, and must not be fragmented */
    TRALE_SIM_LOST_BUFFER,    /* the receive buffer of the socket was full */
    TRALE_SIM_LOST_NO_HOST,   /* no host has the address */
    TRALE_SIM_LOST_NO_SOCKET, /* no socket has the port */
    TRALE_SIM_LOST_CRASH,     /* the host crashed while the datagram was on its way or in a queue */
    TRALE_SIM_LOST_FILTERED,  /* the socket takes datagrams of its peer, or of its groups, alone */
    TRALE_SIM_LOST_CHECKSUM,  /* it was corrupted, and the checksum showed it */
    TRALE_SIM_LOST_CLOSED,    /* it was in the queue of a socket that was closed */
    TRALE_SIM_N_LOSSES,
};

static inline const char *trale_sim_loss_name(uint32_t loss)
{
    static const char *const names[TRALE_SIM_N_LOSSES] = {
        "loss", "partition", "queue", "mtu", "buffer", "no host", "no socket", "crash", "filter", "checksum", "closed",
    };
    return loss < TRALE_SIM_N_LOSSES ? names[loss] : "unknown";
}

/* A place in a program (trale_sometimes, which refuses longer names). */
#define TRALE_SIM_MARK_NAME 120
struct trale_sim_mark {
    char name[TRALE_SIM_MARK_NAME]; /* with its zero */
    uint32_t n_passed;              /* how often the program came by */
    uint32_t n_reached;             /* and how often with a condition that held */
};

#define TRALE_SIM_MARKS 512
#define TRALE_SIM_FAILURE 256

struct trale_sim_report {
    uint64_t magic; /* set last, when all else is there */
    uint32_t version;
    uint32_t outcome; /* enum trale_sim_outcome */
    uint64_t seed;
    uint64_t hash;       /* over all events so far */
    uint64_t n_events;   /* in the hash */
    uint64_t virtual_ns; /* since the world began */
    uint32_t n_programs; /* that have joined the world */
    uint32_t n_running;  /* and have neither left it nor died; nor are down, after a crash of their hosts */

    uint64_t n_polls, n_wakes, n_spawned, n_ended; /* tasks of all programs */
    uint64_t n_jumps;                              /* how often the clock has moved on */
    uint64_t n_entropy;                            /* bytes drawn by trale.random/1 */

    uint64_t n_sent, n_delivered, n_received, n_duplicated, n_corrupted;
    uint64_t n_linked; /* and segments, sent from one host to another: no fault of a link applies to the others */
    uint64_t n_lost[TRALE_SIM_N_LOSSES];
    uint64_t n_faults; /* that have begun */

    /* TCP: connections that were opened, counted on both sides, and that were reset; segments, those of them that did
     * not arrive, and those that were sent again; bytes that have arrived. */
    uint64_t n_opened, n_resets;
    uint64_t n_segments, n_segments_lost, n_segments_again;
    uint64_t n_bytes;

    uint64_t success_ns; /* when success was reported; UINT64_MAX: it was not */

    /* With `cancel_task`: how often a poll of such a task has ended without a result. `cancel_await` counts these from
     * 1, and aborts the task after the one that it names. */
    uint64_t n_awaits;
    /* What names the failure, if the outcome is one. Of a hang, or of a program that does not stop: where the task
     * waits that waits for no other task, and of these the first. One line, without numbers that differ from seed to
     * seed; empty: nothing. */
    char failure[TRALE_SIM_FAILURE];

    uint64_t missing_event; /* the first that is not in the file of events, which has reached its limit; 0: none */
    int64_t events_error;   /* why that file is not complete, a negative errno; 0: all could be written */

    /* Of the first 64 faults of `scenario`, as bits: those that have not begun, or name a host that was never there. */
    uint64_t idle_faults;

    uint64_t n_marks;                             /* of `marks`, that are used */
    uint64_t n_marks_lost;                        /* how often a mark was reached for which no room was left */
    struct trale_sim_mark marks[TRALE_SIM_MARKS]; /* the last member, for it is large */
};

static_assert(sizeof(struct trale_sim_mark) == 128, "an array element");
static_assert(offsetof(struct trale_sim_report, n_polls) == 56, "append only");

#ifdef __cplusplus
}
#endif

#endif
