/* SPDX-License-Identifier: MIT
 *
 * Recordings: what the layer `record` writes of a real run, and what [driver:sim] replay = FILE reads. This header is
 * the format, for both of them and for other programs that read such files; recording_inputs.h makes the inputs.
 *
 * THE FILE begins with a struct trale_recording; then come records, one behind the other, each a struct trale_record
 * and what its `flags` and its kind say. All numbers are those of the machine that recorded: little endian on all that
 * trale runs on. `length` says how much of the file is in use, and is raised when a record is complete. So a file is
 * good up to there at any time, also after the process was killed, and what is behind it counts for nothing. A file
 * that is shorter than `length` was cut off, and is good up to its last whole record. A record whose `check` does not
 * fit makes the file corrupt.
 *
 * TWO STREAMS. The records of what tasks do, and of what wakes them, are in the order in which it happened. Those with
 * TRALE_RECORD_OUTSIDE are of calls that no task made, such as trale_now in main; they are in the order in which they
 * happened among themselves alone.
 *
 * NUMBERS. Sockets are counted in the order in which they were opened, and operations (receives, sends, sleeps, ...) in
 * the order of their first polls, both from 1. Socket 0 is one that was closed. No record has a pointer.
 *
 * POLLS that have no result are not recorded, unless they wake a task. So a program that is replayed gets a result in
 * the poll whose TRALE_RECORD_END is the next record, and none in all others. What wakes tasks is recorded with
 * the number of polls since the record before, so that all tasks are polled in the order of the recording. */
#ifndef TRALE_RECORDING_H
#define TRALE_RECORDING_H

#include <trale/timer.h>
#include <trale/udp.h>
#include <trale/udp_info.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRALE_RECORDING_MAGIC UINT64_C(0x646f6365726c7274) /* "trlrecod" */
#define TRALE_RECORDING_VERSION 1u

/* Why a recording ends. */
#define TRALE_RECORDING_OPEN 0u   /* It has not ended, or the process ended without trale_close. */
#define TRALE_RECORDING_CLOSED 1u /* The runtime was closed. */
#define TRALE_RECORDING_FULL 2u   /* The file had reached its bound. */
#define TRALE_RECORDING_FAILED 3u /* Memory or the disk was full. */

struct trale_recording {
    uint64_t magic;
    uint32_t version;
    uint32_t state;     /* TRALE_RECORDING_ */
    uint64_t length;    /* of this struct and all complete records, in bytes */
    uint64_t n_records; /* that are complete */
    uint64_t began_ns;  /* on CLOCK_REALTIME; 0: the timer is not recorded */
    uint64_t reserved[3];
};

enum trale_record_kind {
    TRALE_RECORD_CALL = 1, /* a function has returned: `what`, inputs, `result`, outputs; `number`: the socket opened */
    TRALE_RECORD_BEGIN,    /* the first poll of operation `number` begins: `what`, inputs */
    TRALE_RECORD_END,      /* an operation has resolved: `what`, `number`, `result`, `paid`, outputs */
    TRALE_RECORD_PENDING,  /* an operation was polled without a result, which woke the tasks of the records before */
    TRALE_RECORD_DROP,     /* an operation was dropped: `what`, `number`, outputs */
    TRALE_RECORD_WAKE,     /* a task was woken that waits for operation `number`; 0: for none of those recorded */
    TRALE_RECORD_KINDS,
};

/* Flags. */
#define TRALE_RECORD_INPUTS 1u  /* a struct trale_record_inputs follows the struct */
#define TRALE_RECORD_OUTSIDE 2u /* not by a task */
#define TRALE_RECORD_WITHIN 4u  /* of a WAKE: within the call or poll whose record comes next; else between polls */
#define TRALE_RECORD_IN_DROP 8u /* while a task was dropped as a whole */

/* The functions and the operations of the interfaces. */
enum trale_record_what {
    TRALE_RECORD_NOW,
    TRALE_RECORD_NOW_ON,
    TRALE_RECORD_SLEEP, /* a CALL of sleep_until or sleep_on, and an operation */
    TRALE_RECORD_RESET,
    TRALE_RECORD_FILL,
    TRALE_RECORD_OPEN,
    TRALE_RECORD_ADOPT,
    TRALE_RECORD_INHERIT,
    TRALE_RECORD_CLOSE,
    TRALE_RECORD_CONNECT,
    TRALE_RECORD_LOCAL,
    TRALE_RECORD_PEER,
    TRALE_RECORD_SET,
    TRALE_RECORD_GET,
    TRALE_RECORD_JOIN,
    TRALE_RECORD_LEAVE,
    TRALE_RECORD_JOIN_SOURCE,
    TRALE_RECORD_LEAVE_SOURCE,
    TRALE_RECORD_TRY_RECV,
    TRALE_RECORD_TRY_SEND,
    TRALE_RECORD_TRY_RECV_BATCH,
    TRALE_RECORD_TRY_SEND_BATCH,
    TRALE_RECORD_RECV,
    TRALE_RECORD_SEND,
    TRALE_RECORD_RECV_BATCH,
    TRALE_RECORD_SEND_BATCH,
    TRALE_RECORD_RECV_ERROR,
    TRALE_RECORD_WHATS,
};

/* "udp.send"; "?" for a number that is none of these. */
static inline const char *trale_record_name(uint32_t what)
{
    static const char *const names[TRALE_RECORD_WHATS] = {
        "timer.now",          "timer.now_on",       "timer.sleep",      "timer.reset",  "random.fill",
        "udp.open",           "udp.adopt",          "udp.inherit",      "udp.close",    "udp.connect",
        "udp.local",          "udp.peer",           "udp.set",          "udp.get",      "udp.join",
        "udp.leave",          "udp.join_source",    "udp.leave_source", "udp.try_recv", "udp.try_send",
        "udp.try_recv_batch", "udp.try_send_batch", "udp.recv",         "udp.send",     "udp.recv_batch",
        "udp.send_batch",     "udp.recv_error",
    };
    return what < TRALE_RECORD_WHATS ? names[what] : "?";
}

struct trale_record {
    uint32_t size;    /* of all of the record in bytes, a multiple of 8; the last bytes are zeros */
    uint32_t check;   /* trale_recording_check of it */
    uint8_t kind;     /* enum trale_record_kind */
    uint8_t flags;    /* TRALE_RECORD_ */
    uint16_t what;    /* enum trale_record_what */
    uint32_t n_polls; /* polls and drops of tasks that have ended since the record before of this stream */
    uint64_t number;
    int64_t result;
    uint32_t task; /* in which it happened, counted from 1 in the order of their spawns; 0: none */
    uint32_t paid; /* of the budget of the task, beside the await */
};

/* What the program passes, as far as two runs can be compared by it. Members that a call does not have are 0. */
struct trale_record_inputs {
    uint64_t socket;              /* its number */
    uint64_t values[3];           /* sizes, options, deadlines, ... */
    uint64_t hash;                /* of bytes that are sent, and of what has no room here */
    struct trale_address address; /* the first one; zeroed but for family, address, port and zone */
    uint32_t reserved;
};

/* OUTPUTS, one behind the other without gaps. They are those of a CALL or an END with result >= 0, where not said
 * otherwise.
 *   NOW, NOW_ON        none: `result` is the time
 *   FILL               the bytes
 *   LOCAL, PEER        struct trale_address
 *   GET                int64_t
 *   RECV, TRY_RECV     struct trale_record_datagram, a struct trale_udp_info if there was room for one, the bytes
 *   RECV_BATCH, ...    the same for each datagram of the batch
 *   SEND_BATCH, ...    with any result, also of a DROP: a uint32_t, and as many uint64_t: n_sent of the first
 *                      datagrams; that of all others is 0
 *   RECV_ERROR         struct trale_record_error, the bytes */
struct trale_record_datagram {
    struct trale_address from;
    uint32_t segment_size;
    uint64_t length;   /* of the datagram */
    uint32_t n_bytes;  /* that follow */
    uint32_t has_info; /* 1: a struct trale_udp_info follows first */
};

struct trale_record_error {
    struct trale_address to, from;
    int32_t error;
    uint32_t origin, type, code, mtu, n_lost;
};

static_assert(sizeof(struct trale_recording) == 64, "a format of files");
static_assert(sizeof(struct trale_record) == 40, "a format of files");
static_assert(sizeof(struct trale_record_inputs) == 72, "a format of files");
static_assert(sizeof(struct trale_record_datagram) == 48, "a format of files");
static_assert(sizeof(struct trale_record_error) == 80, "a format of files");

/* --- hashes ------------------------------------------------------------------------------------------------------- */

static inline uint64_t trale_recording_mix_(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* A hash over `size` bytes and over `hash`, with which others go on. */
static inline uint64_t trale_recording_hash(uint64_t hash, const void *bytes, uint64_t size)
{
    const char *from = (const char *)bytes;
    uint64_t word;
    hash = trale_recording_mix_(hash, size);
    for (; size >= sizeof word; from += sizeof word, size -= sizeof word) {
        memcpy(&word, from, sizeof word);
        hash = trale_recording_mix_(hash, word);
    }
    word = 0;
    if (size > 0)
        memcpy(&word, from, size);
    return trale_recording_mix_(hash, word);
}

/* The `check` of a record: over all that is behind it. */
static inline uint32_t trale_recording_check(const struct trale_record *record)
{
    uint64_t hash = trale_recording_hash(record->size, &record->kind,
                                         record->size - offsetof(struct trale_record, kind));
    return (uint32_t)(hash ^ hash >> 32);
}

#ifdef __cplusplus
}
#endif

#endif
